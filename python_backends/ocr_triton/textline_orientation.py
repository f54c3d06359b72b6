"""Which way up lines are, as the model `cls` sees them."""

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from ocr_contract.errors import InvalidOption
from ocr_pipeline.page import NO_CLS
from ocr_triton.inner import check


def classify(crops: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Labels and scores, both (B,), of lines (B, height, width, 3); asks `cls` by way of BLS.

    Raises:
        InvalidOption: the server has no `cls`.
        NotServing: the server is being stopped, or `cls` has died.
        RuntimeError: `cls` failed.
    """
    if not pb_utils.is_model_ready("cls"):
        raise InvalidOption(NO_CLS)
    response = pb_utils.InferenceRequest(
        model_name="cls",
        requested_output_names=["label", "score"],
        inputs=[pb_utils.Tensor("crops", np.ascontiguousarray(crops))],
    ).exec()
    check("cls", response)
    label, score = (pb_utils.get_output_tensor_by_name(response, name).as_numpy()[:, 0] for name in ("label", "score"))
    return label, score
