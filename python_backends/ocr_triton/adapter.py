"""What every Python model of the repository has in common: tensors in, tensors out, errors to the one request."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils
from PIL import Image

from ocr_contract.errors import (
    DeadlineExceeded,
    InvalidInput,
    NotServing,
    Overloaded,
    fault_entry,
    server_fault,
)
from ocr_pipeline.beats import Pulse
from ocr_pipeline.cores import cores
from ocr_pipeline.repository import BUDGET, number
from ocr_pipeline.tickets import Tickets
from ocr_pipeline.time_limits import TimeLimits
from ocr_triton.memory import Room, as_out_of_memory
from ocr_triton.metrics import Counters, StageClock

Tensors = Mapping[str, npt.NDArray[Any]]

# Parameters that Triton's own frontends add to a request; everything else is an option of ours.
_RESERVED = {"id", "priority", "timeout", "headers", "classification"}
_RESERVED_PREFIXES = ("triton_", "sequence_", "binary_data", "shared_memory_")


# Every other error is INTERNAL. By name: Triton puts TritonError into its module after the model has been imported.
_CODES = (
    (InvalidInput, "INVALID_ARG"),
    (Overloaded, "UNAVAILABLE"),
    (NotServing, "UNAVAILABLE"),
    (DeadlineExceeded, "CANCELLED"),
)
_room = Room()


@dataclass
class Visit:
    """A request in a step.

    Attributes:
        request: Triton's.
        limits: of the time that the step may be at it.
        gets_on: to be called whenever the step has come further with it, so that it does not seem to hang.
        ticket: its number; see ocr_pipeline.tickets.
        tensors: outputs of the step.
        lines: the endpoint that the answer is of, and how many lines of text it has; None in all steps but the last.
        response: what Triton is given.
    """

    request: Any
    gets_on: Callable[[], None]
    limits: TimeLimits = field(default_factory=TimeLimits)
    ticket: int = 0
    tensors: Tensors = field(default_factory=dict)
    lines: tuple[str, int] | None = None
    response: Any = None


class Step:
    """Base of the Python models: what they read when they are loaded, and how a request comes and goes.

    Attributes:
        stages: parts of the model that ocr_stage_duration_us tells of from the start.
        endpoints: those whose requests end here.
        has_budget: whether a request may take the step so long that it must be given up.
    """

    stages: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    has_budget = False
    max_seconds: int | None = None

    def initialize(self, args: Mapping[str, str]) -> None:
        """Called once by Triton when the model is loaded."""
        cv2.setNumThreads(cores())  # this process is ours; OpenCV would count the cores of the whole machine
        self.config = json.loads(args["model_config"])
        # A step reads nothing but its own folder: Triton copies each model by itself out of an object store.
        self.directory = Path(args["model_repository"]) / args["model_version"]
        self.clock = StageClock(args["model_name"], self.stages)
        models = Path(args["model_repository"]).parent
        self.pulse = Pulse(models, args["model_name"])
        self.tickets = Tickets(models)
        self.counters = Counters(args["model_name"], self.endpoints)
        if self.has_budget:
            self.max_seconds = self.number(BUDGET)
        self.load()

    def load(self) -> None:
        """Read what the model needs from `self.directory` and `self.config`."""

    def number(self, key: str, most: int | None = None) -> int:
        """A whole number from 1 to `most` from the `parameters` of config.pbtxt.

        Raises:
            InvalidModel: it is something else; the model is not loaded.
        """
        return number(self.config, key, most)

    def next_step(self, request: Any) -> str | None:
        """The step that the request goes on to; None where it is answered here."""
        return None

    @contextmanager
    def at(self, request: Any) -> Iterator[Visit]:
        """Be at a request: the body begins the visit and gives it tensors; it then has a response, whatever happens."""
        with self.pulse.request() as gets_on:
            visit = Visit(request, gets_on)
            try:
                yield visit
                visit.response = success(visit.tensors)
                self._end(visit)
            except Exception as raised:
                error = as_out_of_memory(raised) or raised
                visit.response = failure(error, request.request_id())
                self.counters.ended_by(error)
                self.tickets.give_back(visit.ticket)

    def begin(self, visit: Visit) -> None:
        """Take the request's ticket.

        Raises:
            DeadlineExceeded: whoever sent it no longer waits.
        """
        ticket = tensor(visit.request, "ticket")
        if ticket is not None:  # whoever asks an inner model by himself has none
            visit.ticket, deadline = map(int, ticket)
            visit.limits = TimeLimits(deadline, self.max_seconds)
            self.tickets.take(visit.ticket)
        visit.limits.check()
        # Triton marks a request whose gRPC client has gone when it goes on to a step, and runs the step all the same.
        if self.has_budget and visit.request.is_cancelled():
            raise DeadlineExceeded("whoever sent this request no longer waits for an answer")

    def _end(self, visit: Visit) -> None:
        following = self.next_step(visit.request)
        if following is None:
            self.tickets.give_back(visit.ticket)
        else:
            self.tickets.hand_on(visit.ticket, following)
        if visit.lines is not None:
            self.counters.answered(*visit.lines)


class Adapter(Step, ABC):
    """A Python model that answers one request after the other. A subclass says how, in `answer`."""

    @abstractmethod
    def answer(self, request: Any, visit: Visit) -> Tensors:
        """Output tensors of one request.

        Raises:
            InvalidInput: the request is at fault.
            DeadlineExceeded: whoever sent it no longer waits.
        """

    def execute(self, requests: list[Any]) -> list[Any]:
        """Called by Triton with requests; a failing one fails alone."""
        responses = []
        for request in requests:
            with self.at(request) as visit:
                self.begin(visit)
                visit.tensors = self.answer(request, visit)
            responses.append(visit.response)
        self.clock.export()
        return responses


def take_large_pictures(max_pixels: int) -> None:
    """Let Pillow open pictures of this size in this process; our own limit is looked at before pixels are decoded."""
    Image.MAX_IMAGE_PIXELS = max_pixels


def success(tensors: Tensors) -> Any:
    """A response with output tensors by name.

    Raises:
        OutOfMemory: shared memory has no room for them.
    """
    _room.check(tensor.nbytes for tensor in tensors.values())
    outputs = [pb_utils.Tensor(name, np.ascontiguousarray(tensor)) for name, tensor in tensors.items()]
    return pb_utils.InferenceResponse(output_tensors=outputs)


def failure(error: Exception, request_id: str = "") -> Any:
    """A response that says what went wrong: a code for each error raised on purpose, else INTERNAL.

    Of an error that nobody foresaw only the log tells: its text may quote what another request, or another program,
    holds in memory.
    """
    for kind, code in _CODES:
        if isinstance(error, kind):
            triton_error = pb_utils.TritonError(str(error), getattr(pb_utils.TritonError, code))
            break
    else:
        pb_utils.Logger.log_error(fault_entry(error, request_id))
        triton_error = pb_utils.TritonError(server_fault(request_id), pb_utils.TritonError.INTERNAL)
    return pb_utils.InferenceResponse(output_tensors=[], error=triton_error)


def tensor(request: Any, name: str) -> Any:
    """Input tensor `name` as a numpy array, or None when it is optional and absent."""
    found = pb_utils.get_input_tensor_by_name(request, name)
    return None if found is None else found.as_numpy()


def given(request: Any, name: str) -> Any:
    """Input tensor `name` as a numpy array. Where one input of a model is optional, Triton lets any be left out.

    Raises:
        InvalidInput: it is not there.
    """
    found = tensor(request, name)
    if found is None:
        raise InvalidInput(f"the input {name} is missing")
    return found


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
