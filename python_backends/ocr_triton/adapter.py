"""What every Python model of the repository has in common: tensors in, tensors out, errors to the one request."""

import json
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils
from PIL import Image

from ocr_contract.errors import DeadlineExceeded, InvalidInput, Overloaded
from ocr_pipeline.beats import Pulse
from ocr_pipeline.cores import cores
from ocr_pipeline.repository import number

Tensors = Mapping[str, npt.NDArray[Any]]

# Parameters that Triton's own frontends add to a request; everything else is an option of ours.
_RESERVED = {"id", "priority", "timeout", "headers", "classification"}
_RESERVED_PREFIXES = ("triton_", "sequence_", "binary_data", "shared_memory_")


# Every other error is INTERNAL. By name: Triton puts TritonError into its module after the model has been imported.
_CODES = ((InvalidInput, "INVALID_ARG"), (Overloaded, "UNAVAILABLE"), (DeadlineExceeded, "CANCELLED"))


class Step:
    """Base of the Python models: what they read when they are loaded."""

    stages: tuple[str, ...] = ()  # parts of the model that ocr_stage_duration_us tells of from the start

    def initialize(self, args: Mapping[str, str]) -> None:
        """Called once by Triton when the model is loaded."""
        cv2.setNumThreads(cores())  # this process is ours; OpenCV would count the cores of the whole machine
        self.config = json.loads(args["model_config"])
        # A step reads nothing but its own folder: Triton copies each model by itself out of an object store.
        self.directory = Path(args["model_repository"]) / args["model_version"]
        self.clock = StageClock(args["model_name"], self.stages)
        self.pulse = Pulse(Path(args["model_repository"]).parent, args["model_name"])
        self.load()

    def load(self) -> None:
        """Read what the model needs from `self.directory` and `self.config`."""

    def number(self, key: str) -> int:
        """A whole number of at least 1 from the `parameters` of config.pbtxt.

        Raises:
            InvalidModel: it is something else; the model is not loaded.
        """
        return number(self.config, key)


class Adapter(Step, ABC):
    """A Python model that answers one request after the other. A subclass says how, in `answer`."""

    @abstractmethod
    def answer(self, request: Any) -> Tensors:
        """Output tensors of one request.

        Raises:
            InvalidInput: the request is at fault.
        """

    def execute(self, requests: list[Any]) -> list[Any]:
        """Called by Triton with requests; a failing one fails alone."""
        responses = []
        for request in requests:
            try:
                with self.pulse.request():
                    responses.append(success(self.answer(request)))
            except Exception as error:
                responses.append(failure(error))
        self.clock.export()
        return responses


def take_large_pictures(max_pixels: int) -> None:
    """Let Pillow open pictures of this size in this process; our own limit is looked at before pixels are decoded."""
    Image.MAX_IMAGE_PIXELS = max_pixels


def success(tensors: Tensors) -> Any:
    """A response with output tensors by name."""
    outputs = [pb_utils.Tensor(name, np.ascontiguousarray(tensor)) for name, tensor in tensors.items()]
    return pb_utils.InferenceResponse(output_tensors=outputs)


def failure(error: Exception) -> Any:
    """A response that says what went wrong: a code for each error raised on purpose, else INTERNAL and a log entry."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            triton_error = pb_utils.TritonError(str(error), getattr(pb_utils.TritonError, code))
            break
    else:
        pb_utils.Logger.log_error("".join(traceback.format_exception(error)))
        triton_error = pb_utils.TritonError(f"{type(error).__name__}: {error}", pb_utils.TritonError.INTERNAL)
    return pb_utils.InferenceResponse(output_tensors=[], error=triton_error)


def tensor(request: Any, name: str) -> Any:
    """Input tensor `name` as a numpy array, or None when it is optional and absent."""
    found = pb_utils.get_input_tensor_by_name(request, name)
    return None if found is None else found.as_numpy()


def encoded(value: Any) -> bytes:
    """One element of a BYTES tensor as bytes; JSON requests bring text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8")


def text_tensor(texts: Iterable[str]) -> npt.NDArray[Any]:
    """Strings as the (N,) object array that a BYTES output takes."""
    return np.array([text.encode("utf-8") for text in texts], dtype=object)


def request_parameters(request: Any) -> dict[str, Any]:
    """The request's options, without what Triton's frontends add."""
    parameters = json.loads(request.parameters() or "{}")
    return {
        name: value
        for name, value in parameters.items()
        if name not in _RESERVED and not name.startswith(_RESERVED_PREFIXES)
    }


class StageClock:
    """Sums the time of the stages inside one model and exports it to Triton's /metrics.

    Counters `ocr_stage_duration_us` and `ocr_stage_count`, labels `model` and `stage`.
    """

    def __init__(self, model: str, stages: tuple[str, ...]) -> None:
        counter = pb_utils.MetricFamily.COUNTER
        self._model = model
        self._families = (
            pb_utils.MetricFamily("ocr_stage_duration_us", "Time spent in a stage inside a Python model", counter),
            pb_utils.MetricFamily("ocr_stage_count", "Times a stage inside a Python model ran", counter),
        )
        self._spent_us: dict[str, int] = {}
        self._count: dict[str, int] = {}
        self._metrics: dict[str, tuple[Any, ...]] = {}
        for stage in stages:
            self._add(stage)

    def _add(self, stage: str) -> None:
        """Count a stage from now on; its counters stand at 0."""
        labels = {"model": self._model, "stage": stage}
        self._metrics[stage] = tuple(family.Metric(labels=labels) for family in self._families)
        self._spent_us[stage] = self._count[stage] = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body as stage `name`, be it one that nobody has named before."""
        if name not in self._metrics:
            self._add(name)
        start = time.perf_counter_ns()
        try:
            yield
        finally:
            self._spent_us[name] += (time.perf_counter_ns() - start) // 1000
            self._count[name] += 1

    def export(self) -> None:
        """Hand what has been summed since the last call to Triton."""
        for stage, count in self._count.items():
            if count:
                duration_metric, count_metric = self._metrics[stage]
                duration_metric.increment(self._spent_us[stage])
                count_metric.increment(count)
                self._spent_us[stage] = self._count[stage] = 0
