"""Model `admit`: the way into every endpoint. A request gets a ticket, or is refused at once."""

import json
import os
from typing import Any

import numpy as np

from ocr_contract.errors import InvalidInput, InvalidOption
from ocr_pipeline.beats import RESTARTS_VARIABLE
from ocr_pipeline.tickets import MOST
from ocr_pipeline.time_limits import TimeLimits, deadline_ns
from ocr_triton.adapter import Adapter, Tensors, Visit
from ocr_triton.metrics import Restarts


class TritonPythonModel(Adapter):
    """Any input of an endpoint, unread, to `ticket` INT64 [2]: its number, and the deadline in ns of time.monotonic."""

    def load(self) -> None:
        """This server's limit."""
        self.max_in_flight = self.number("max_in_flight", MOST)
        self.restarts = Restarts(int(os.environ.get(RESTARTS_VARIABLE, "0")))

    def next_step(self, request: Any) -> str | None:
        """A request that was admitted waits for its turn."""
        return "wait_turn"

    def begin(self, visit: Visit) -> None:
        """Admit the request.

        Raises:
            InvalidInput: it has no input, or its timeout is no number.
            Overloaded: as many are under way as this server takes.
        """
        if not visit.request.inputs():
            raise InvalidInput("the request has no input; send what the endpoint takes to the endpoint itself")
        visit.limits = TimeLimits(deadline_ns(timeout_us(visit.request)))
        visit.ticket = self.tickets.admit(self.max_in_flight)

    def answer(self, request: Any, visit: Visit) -> Tensors:
        """What goes with the request from here on."""
        return {"ticket": np.array([visit.ticket, visit.limits.deadline_ns])}


def timeout_us(request: Any) -> int:
    """Microseconds after which whoever sent a request gives up; 0 for never.

    Raises:
        InvalidOption: it is no such number.
    """
    # Triton knows `timeout` as its own in requests to infer, and hands that of requests to generate on as it came.
    stated = request.timeout() or json.loads(request.parameters() or "{}").get("timeout", 0)
    if type(stated) is not int or stated < 0:
        raise InvalidOption(f"timeout must be a whole number of microseconds, not {stated!r}")
    return stated
