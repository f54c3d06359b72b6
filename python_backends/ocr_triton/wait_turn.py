"""Model `wait_turn`: a request waits here, not yet decoded, until few enough others are at work."""

import time
from typing import Any

from ocr_triton.adapter import Adapter, Tensors, Visit, given

# What an endpoint asks for, by the step that its requests go on to.
_OUTPUTS = {"turn_of_picture": "det_batcher", "turn_of_lines": "rec_preprocess"}
_PAUSE_S = 0.005  # between two looks at whether it is the request's turn


class TritonPythonModel(Adapter):
    """`ticket` INT64 [2] to itself, as `turn_of_picture` or `turn_of_lines`, once it is the request's turn."""

    def load(self) -> None:
        """How many requests may be at work."""
        self.max_at_work = self.number("max_at_work")

    def next_step(self, request: Any) -> str | None:
        """The step that opens what the request brought."""
        return _OUTPUTS[_asked_for(request)]

    def answer(self, request: Any, visit: Visit) -> Tensors:
        """Wait.

        Raises:
            DeadlineExceeded: whoever sent the request no longer waits.
            NotServing: the server is being stopped.
        """
        ticket = given(request, "ticket")
        while not self.tickets.start(visit.ticket, self.max_at_work):
            time.sleep(_PAUSE_S)
            visit.gets_on()
            visit.limits.check()
        return {_asked_for(request): ticket}


def _asked_for(request: Any) -> str:
    return next(name for name in _OUTPUTS if name in request.requested_output_names())
