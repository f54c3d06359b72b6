"""The networks of a model repository as sessions of this process."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidOption
from ocr_pipeline.page import NO_CLS
from ocr_pipeline.repository import WEIGHTS, ModelRepository, number
from ocr_pipeline.stages.buckets import Steps, call_inputs, join_answers, plan_calls
from ocr_pipeline.stages.crops import Strip
from onnxruntime_backend.precision import Precision, with_precision
from onnxruntime_backend.session import Session, Tensors
from onnxruntime_backend.settings import Device


def load_session(
    repository: ModelRepository, model: str, device: Device = Device.CPU, precision: Precision | None = None
) -> Session:
    """The session that the server makes for `model`.

    Raises:
        InvalidModel: config.pbtxt or the weights are missing or not what they should be.
        BackendError: the configuration asks for what this machine does not have, or the weights cannot be loaded.
    """
    config = repository.config(model)
    if precision is not None:
        config = with_precision(config, precision)
    weights = repository.file(model, config.get("default_model_filename", WEIGHTS))
    return Session(weights, config, device)


class Networks:
    """det, rec and, once it is asked for, cls; each method may be called from several threads."""

    def __init__(
        self, repository: ModelRepository, device: Device = Device.CPU, precision: Precision | None = None
    ) -> None:
        self._repository, self._device, self._precision = repository, device, precision
        self.det, self.rec = (load_session(repository, model, device, precision) for model in ("det", "rec"))
        batcher = repository.config("rec_batcher")
        self._call_limits = number(batcher, "rec_lines_per_call"), number(batcher, "rec_pixels_per_call")
        self._det_lock = threading.Lock()  # one run at a time, as the server's one instance has it
        self._cls: Session | None = None
        self._cls_lock = threading.Lock()
        self._streams = ThreadPoolExecutor(self.rec.streams, thread_name_prefix="rec")

    def close(self) -> None:
        """Wait for the runs under way and end the threads."""
        self._streams.shutdown()

    def detect(self, det_image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Probability map (1, h, w) float32 of (1, h, w, 3) uint8."""
        with self._det_lock:
            return self.det.run({"image": det_image})["prob"]

    def classify(self, crops: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Labels and scores, both (B,), of lines (B, height, width, 3).

        Raises:
            InvalidOption: the installed model set has no cls.
        """
        with self._cls_lock:
            if self._cls is None:
                if not self._repository.has_weights("cls"):
                    raise InvalidOption(NO_CLS)
                self._cls = load_session(self._repository, "cls", self._device, self._precision)
            answer = self._cls.run({"crops": crops})
        return answer["label"], answer["score"]

    def rec_inputs(self, strip: Strip) -> list[Tensors]:
        """The inputs of every call of rec that reads these lines."""
        return [_named(call_inputs(strip, call)) for call in plan_calls(strip.widths, *self._call_limits)]

    def recognise(self, strip: Strip) -> Steps:
        """Classes and probabilities of all lines, in width buckets as rec_batcher asks for them."""
        calls = plan_calls(strip.widths, *self._call_limits)
        outputs = list(self._streams.map(lambda call: self.rec.run(_named(call_inputs(strip, call))), calls))
        return join_answers(calls, [(output["index"], output["score"]) for output in outputs])

    def run_rec(self, inputs: list[Tensors]) -> None:
        """Run rec on inputs that are ready, as many at a time as it has streams."""
        list(self._streams.map(self.rec.run, inputs))


def _named(inputs: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]) -> Tensors:
    return dict(zip(("crops", "widths"), inputs, strict=True))
