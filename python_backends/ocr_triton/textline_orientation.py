"""Turn lines that stand on their head, as the model `cls` sees them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils

from ocr_pipeline.errors import InvalidOption
from ocr_pipeline.orientation import CLS_BATCH, cls_crops, turn_lines


def turn_upright(
    repository: Path, boxes: npt.NDArray[np.float32], crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Boxes (N, 4, 2) and crops (N, 48, Wmax, 3) with upside-down lines turned; asks `cls` by way of BLS.

    Raises:
        InvalidOption: the installed model set has no `cls`.
        RuntimeError: `cls` failed.
    """
    if not (repository / "cls" / "1" / "model.onnx").is_file():
        raise InvalidOption("use_textline_orientation needs a model set with cls; the installed one has none")
    inputs = cls_crops(crops, widths[:, 0])
    labels, scores = np.zeros(len(crops), np.int64), np.zeros(len(crops), np.float32)
    for at in range(0, len(crops), CLS_BATCH):
        part = slice(at, at + CLS_BATCH)
        response = pb_utils.InferenceRequest(
            model_name="cls",
            requested_output_names=["label", "score"],
            inputs=[pb_utils.Tensor("crops", np.ascontiguousarray(inputs[part]))],
        ).exec()
        if response.has_error():
            raise RuntimeError(f"cls failed: {response.error().message()}")
        labels[part] = pb_utils.get_output_tensor_by_name(response, "label").as_numpy()[:, 0]
        scores[part] = pb_utils.get_output_tensor_by_name(response, "score").as_numpy()[:, 0]
    return turn_lines(boxes, crops, widths[:, 0], labels, scores)
