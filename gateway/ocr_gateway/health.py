"""Is what stands behind the gateway able to read? The only proof is a picture that was just read right."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum, auto

import anyio

from ocr_client.errors import ServerTimeoutError
from ocr_contract import canary
from ocr_contract.errors import LIMIT_SETTING, OcrError
from ocr_contract.reader import AsyncReader
from ocr_gateway.metrics import Metrics

FRESH_S = 5.0  # for so long a picture that was read right proves it, whoever sent it
ASKED_AGAIN_S = 2.0  # after a picture that was not read the next one waits so long
TIMEOUT_S = 10.0
_SAYS_READY_S = 4.0  # that a server may take to say whether it is ready, once it has not read the picture in time

_log = logging.getLogger(__name__)


class State(Enum):
    """What became of a picture that was sent to find it out."""

    RIGHT = auto()  # read right
    BUSY = auto()  # refused because as many requests are under way as the server takes, or it waits behind them
    WRONG = auto()  # read wrongly, or not at all


class Health:
    """Tells whether pictures are read right. However many ask, one picture is under way at a time."""

    def __init__(self, reader: AsyncReader, metrics: Metrics) -> None:
        self._reader = reader
        self._metrics = metrics
        self._asking = anyio.Lock()
        self._right_at = self._not_right_at = float("-inf")
        self._not_right = State.WRONG
        self._picture = canary.picture()
        self._looking: asyncio.Task[bool] | None = None

    def was_right(self) -> None:
        """Note that a picture, whoever sent it, was just read."""
        self._right_at = anyio.current_time()
        self._metrics.ready(True)

    def was_wrong(self) -> None:
        """Note that what stands behind has just failed: an earlier proof holds no longer."""
        self._right_at = float("-inf")
        self._metrics.ready(False)

    def look(self) -> None:
        """Begin to find out whether pictures are read right; `metrics` are told."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self.is_ready())

    async def is_ready(self, *, accepts_busy: bool = False) -> bool:
        """Tell whether a picture was just read right; one is sent where none was.

        Args:
            accepts_busy: whether a server is ready too that takes no picture now, or does not come to it in time,
                because it has so many of others.
        """
        state = await self._state()
        return state is State.RIGHT or (accepts_busy and state is State.BUSY)

    async def _state(self) -> State:
        async with self._asking:
            now = anyio.current_time()
            if now - self._right_at < FRESH_S:
                return State.RIGHT
            if now - self._not_right_at < ASKED_AGAIN_S:
                return self._not_right
            state = await self._tried()
            if state is State.RIGHT:
                self.was_right()
            else:
                self._not_right_at, self._not_right = anyio.current_time(), state
                self._metrics.ready(False)
            return state

    async def _tried(self) -> State:
        try:
            with anyio.fail_after(TIMEOUT_S):
                is_right = canary.is_right((await self._reader.ocr(self._picture)).texts)
        except (OcrError, TimeoutError) as error:
            _log.warning("the canary picture was not read: %s: %s", type(error).__name__, error)
            if isinstance(error, TimeoutError | ServerTimeoutError):
                is_busy = await self._says_ready()
            else:
                is_busy = LIMIT_SETTING in str(error)
            return State.BUSY if is_busy else State.WRONG
        return State.RIGHT if is_right else State.WRONG

    async def _says_ready(self) -> bool:
        with anyio.move_on_after(_SAYS_READY_S):
            return await self._reader.is_ready()
        return False
