"""One request on its way from server to server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ocr_client.balancing.roster import Outcome, Roster, Turn
from ocr_client.errors import (
    AccessDeniedError,
    BadRequestError,
    BadResponseError,
    OcrClientError,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
)

_log = logging.getLogger("ocr_client")
_MOST_BROKEN, _MOST_BUSY = 2, 3


class Trial:
    """The servers that a request is sent to, one after the other and each at most once, until one takes it.

    It goes on where nobody answers and where the server is too busy. What a server has refused, or what it has failed
    on, no other one is asked. A request whose connection broke may be what broke the server: it gets one more, and not
    all of them at once. Where three are too busy, the fourth is spared: then there are too many requests.

    Args:
        roster: of the servers.
        request_id: names the request in the log.
    """

    def __init__(self, roster: Roster, request_id: str) -> None:
        self._roster = roster
        self._id = request_id
        self._tried: set[int] = set()
        self._errors: dict[str, OcrClientError] = {}
        self._broken = self._busy = 0

    def next(self) -> Turn | None:
        """The server to send it to; None where there is no other one, and `error` says why."""
        is_enough = self._broken == _MOST_BROKEN or self._busy == _MOST_BUSY
        turn = None if is_enough else self._roster.take(self._tried)
        if turn is not None:
            self._tried.add(turn.number)
        return turn

    @contextmanager
    def at(self, turn: Turn) -> Iterator[None]:
        """Send the request inside of this: it notes how that ended, and keeps errors after which the request goes on.

        Raises:
            OcrClientError: that of the server, if no other one is to be asked.
        """
        outcome, reason, rest_s = Outcome.UNKNOWN, "", 0.0
        try:
            yield
            outcome = Outcome.WORKS
            _log.debug("request_id %s: answered by %s", self._id, turn.url)
        except OcrClientError as error:
            outcome, reason, rest_s = _outcome(error), error.reason or str(error), error.retry_after_s or 0.0
            if isinstance(error, ServerTimeoutError) and self._errors:
                raise self._late(turn, error) from error
            if not isinstance(error, ServerUnreachableError | ServerNotReadyError):
                raise
            self._errors[turn.url] = error
            self._broken += isinstance(error, ServerUnreachableError) and error.broke
            self._busy += outcome is Outcome.BUSY
            _log.info("request_id %s: %s does not take it, and another may: %s", self._id, turn.url, reason)
        finally:
            self._roster.give_back(turn, outcome, reason=reason, rest_s=rest_s)

    def error(self) -> OcrClientError:
        """Return what to raise when no server has taken it: one sentence that names all that were not able to."""
        errors = list(self._errors.values())
        where = _listed(self._roster.reasons(self._reasons()))
        retryable = any(error.retryable for error in errors)
        error: OcrClientError
        if all(isinstance(error, ServerUnreachableError) for error in errors):
            error = ServerUnreachableError(
                f"no server answers at {where}: "
                "start one with `make serve`, or give the addresses of yours (url=, --url)",
                retryable=retryable,
            )
        else:
            waits = [error.retry_after_s for error in errors if error.retry_after_s is not None]
            error = ServerNotReadyError(
                f"no server takes the request now: {where}",
                retryable=retryable,
                retry_after_s=min(waits, default=None),
            )
        error.__cause__ = errors[-1]
        return error

    def _late(self, turn: Turn, error: ServerTimeoutError) -> ServerTimeoutError:
        where = _listed({**self._reasons(), turn.url: error.reason or str(error)})
        return ServerTimeoutError(
            f"no answer in time from {where}: allow more (timeout_s=, --timeout), or send less at once"
        )

    def _reasons(self) -> dict[str, str]:
        return {url: error.reason or str(error) for url, error in self._errors.items()}


def _outcome(error: OcrClientError) -> Outcome:
    if isinstance(error, BadRequestError):
        return Outcome.WORKS
    if isinstance(error, ServerUnreachableError):
        return Outcome.GONE
    if isinstance(error, ServerNotReadyError):  # not retryable: the endpoint is not there
        return Outcome.BUSY if error.retryable else Outcome.GONE
    if isinstance(error, ServerFailureError | BadResponseError | AccessDeniedError):
        return Outcome.FAILED
    return Outcome.UNKNOWN


def _listed(reasons: dict[str, str]) -> str:
    return ", ".join(f"{url} ({reason})" for url, reason in reasons.items())
