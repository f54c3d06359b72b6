"""Sending a request again, within its one time limit, where a moment later it may be answered.

That is so when nobody took it (connection refused, or lost before the end of the answer) and when the server says that
it has too much to do (HTTP 429 and 503, gRPC UNAVAILABLE). Reading a picture twice does no harm. What was refused or
what failed is not sent again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from ocr_client.errors import OcrClientError, UsageError

_T = TypeVar("_T")
_log = logging.getLogger("ocr_client")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_MOST_RETRIES = 100


@dataclass(frozen=True)
class Patience:
    """How long and how often a client tries.

    Attributes:
        timeout_s: seconds that a request may take, connecting, pauses and retries included.
        retries: how often it is sent again at most; 0 for never.
    """

    timeout_s: float = 60.0
    retries: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.timeout_s <= 86400:
            raise UsageError(f"timeout_s: expected seconds, above 0 and at most 86400, got {self.timeout_s!r}")
        if not 0 <= self.retries <= _MOST_RETRIES:
            raise UsageError(f"retries: expected a whole number from 0 to {_MOST_RETRIES}, got {self.retries!r}")

    def call(self, send: Callable[[float], _T], request_id: str) -> _T:
        """What `send` returns, called with the seconds that are left; its error where no call succeeds.

        Args:
            send: sends the request.
            request_id: names it in the log.

        Raises:
            OcrClientError: that of the last call.
        """
        tries = _Tries(self, request_id)
        while True:
            try:
                return tries.answered(send(tries.left_s()))
            except OcrClientError as error:
                if (pause_s := tries.pause_s(error)) is None:
                    raise
            time.sleep(pause_s)

    async def call_async(self, send: Callable[[float], Awaitable[_T]], request_id: str) -> _T:
        """`call` for asyncio."""
        tries = _Tries(self, request_id)
        while True:
            try:
                return tries.answered(await send(tries.left_s()))
            except OcrClientError as error:
                if (pause_s := tries.pause_s(error)) is None:
                    raise
            await asyncio.sleep(pause_s)


class _Tries:
    """The tries of one request."""

    def __init__(self, patience: Patience, request_id: str) -> None:
        self._id = request_id
        self._began = time.monotonic()
        self._until = self._began + patience.timeout_s
        self._retries = patience.retries
        self._failed = 0

    def left_s(self) -> float:
        return self._until - time.monotonic()

    def answered(self, answer: _T) -> _T:
        _log.debug("request_id %s: answered after %.3f s", self._id, time.monotonic() - self._began)
        return answer

    def pause_s(self, error: OcrClientError) -> float | None:
        """Seconds to wait before the next try; None when there is to be none.

        The pause is what the server asks for, or grows from try to try and differs from client to client, so that
        those whom a busy server turned away do not come back all at once.
        """
        if not error.retryable or self._failed == self._retries:
            _log.debug("request_id %s: failed: %s", self._id, error)
            return None
        longest = min(_FIRST_PAUSE_S * 2**self._failed, _LONGEST_PAUSE_S)
        self._failed += 1
        pause = random.uniform(longest / 2, longest)  # noqa: S311 -- nothing to guess
        pause = max(pause, error.retry_after_s or 0.0)
        if pause >= self.left_s():
            _log.debug("request_id %s: failed, and no time is left to send it again: %s", self._id, error)
            return None
        _log.warning("request_id %s: failed, and is sent again in %.1f s: %s", self._id, pause, error)
        return pause
