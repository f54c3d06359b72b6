"""The networks of a model repository as sessions of this process."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidOption
from ocr_pipeline.clock import Clock
from ocr_pipeline.page import NO_CLS
from ocr_pipeline.repository import REC_SECOND, WEIGHTS, ModelRepository, number
from ocr_pipeline.stages.buckets import Steps, call_inputs, join_answers, plan_calls
from ocr_pipeline.stages.crops import Strip
from ocr_pipeline.stages.second_pass import check_second_pass, merge_passes, needs_second_pass, take_lines
from onnxruntime_backend.precision import REPORT, Precision, auto_of, with_precision
from onnxruntime_backend.session import Session, Tensors
from onnxruntime_backend.settings import Device


def load_session(
    repository: ModelRepository, model: str, device: Device = Device.CPU, precision: Precision = Precision.AUTO
) -> Session:
    """The session that the server makes for `model`.

    Raises:
        InvalidModel: config.pbtxt or the weights are missing or not what they should be.
        BackendError: the configuration asks for what this machine does not have, or the weights cannot be loaded.
    """
    config = with_precision(repository.config(model), precision, device, auto_of(repository.file(model, REPORT)))
    weights = repository.file(model, config.get("default_model_filename", WEIGHTS))
    return Session(weights, config, device)


@dataclass(frozen=True)
class RecCall:
    """A call of a recogniser that is ready to be made."""

    recogniser: Session
    inputs: Tensors


@dataclass(frozen=True)
class _Second:
    """The second recogniser, and how many characters the first one has."""

    session: Session
    first_characters: int


class Networks:
    """det, rec, rec_second where the set has it, and cls once it is asked for.

    Each method may be called from several threads.
    """

    def __init__(
        self, repository: ModelRepository, device: Device = Device.CPU, precision: Precision = Precision.AUTO
    ) -> None:
        self._repository, self._device, self._precision = repository, device, precision
        self.det, self.rec = (load_session(repository, model, device, precision) for model in ("det", "rec"))
        characters = repository.parameters().rec_characters
        self._second: _Second | None = None
        if characters is not None:
            self._second = _Second(load_session(repository, REC_SECOND, device, precision), characters)
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

    def recognise(self, strip: Strip, counts: npt.NDArray[np.int64], threshold: float, clock: Clock) -> Steps:
        """Classes and probabilities of all lines, in width buckets as rec_batcher asks for them.

        Args:
            strip: pieces of lines, P of them.
            counts: (N,) int64, how many pieces each line has.
            threshold: lines whose score is below it are read again by rec_second.
            clock: times the passes.

        Raises:
            InvalidOption: lines are to be read again, and the installed model set has one recogniser.
        """
        check_second_pass(threshold, self._second is not None)
        with clock.stage("rec"):
            steps = self._pass(self.rec, strip)
        if self._second is None:
            return steps
        again = needs_second_pass(steps, counts, threshold)
        if not again.any():
            return steps
        with clock.stage("rec_second"):
            second = self._pass(self._second.session, take_lines(strip, again))
        return merge_passes(steps, second, again, self._second.first_characters)

    def passes(self, strip: Strip, counts: npt.NDArray[np.int64], threshold: float) -> list[list[RecCall]]:
        """All calls that `recognise` makes, with inputs that are ready: those of one pass, or of two."""
        calls = [self._calls(self.rec, strip)]
        if self._second is not None:
            again = needs_second_pass(self._pass(self.rec, strip), counts, threshold)
            calls.append(self._calls(self._second.session, take_lines(strip, again)))
        return calls

    def run_calls(self, calls: Sequence[RecCall]) -> list[Tensors]:
        """Run recognisers, as many at a time as rec has streams."""
        return list(self._streams.map(lambda call: call.recogniser.run(call.inputs), calls))

    def _pass(self, recogniser: Session, strip: Strip) -> Steps:
        plan = plan_calls(strip.widths, *self._call_limits)
        outputs = list(self._streams.map(lambda call: recogniser.run(_named(call_inputs(strip, call))), plan))
        return join_answers(plan, [(output["index"], output["score"]) for output in outputs])

    def _calls(self, recogniser: Session, strip: Strip) -> list[RecCall]:
        plan = plan_calls(strip.widths, *self._call_limits)
        return [RecCall(recogniser, _named(call_inputs(strip, call))) for call in plan]


def _named(inputs: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]) -> Tensors:
    return dict(zip(("crops", "widths"), inputs, strict=True))
