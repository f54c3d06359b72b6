"""When a server that keeps silent is taken for one that hangs.

A page may take long, so an answer that does not come proves nothing. A server that works on one says at once that it is
ready, however long the page takes. One that hangs, or whose machine has gone without a word, says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ocr_client.errors import ServerNotReadyError, ServerTimeoutError, ServerUnreachableError

_LOOK_AFTER_S, _LOOK_LIMIT_S = 3.0, 3.0  # a server with 64 requests on two cores says so within 0.13 s
PROBE_LIMIT_S = 3.0  # for a server that is out to say that it is ready
SILENT = (ServerUnreachableError, ServerTimeoutError)  # what asking a server for its readiness raises that hangs
NOT_READY = (*SILENT, ServerNotReadyError)


@dataclass(frozen=True)
class Watch:
    """How a server is watched while it has a request.

    Attributes:
        after_s: seconds of silence, after which it is asked whether it is ready, again and again.
        limit_s: seconds that it has to say so.
    """

    after_s: float
    limit_s: float

    @classmethod
    def within(cls, limit_s: float) -> Watch:
        """The watch over a request that may take so long; half of a short time is left to another server."""
        return cls(min(_LOOK_AFTER_S, limit_s / 4), min(_LOOK_LIMIT_S, limit_s / 4))
