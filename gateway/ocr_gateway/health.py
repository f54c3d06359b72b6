"""Is what stands behind the gateway able to read? The only proof is a picture that was just read right."""

from __future__ import annotations

import asyncio
import logging

import anyio

from ocr_contract import canary
from ocr_contract.errors import OcrError
from ocr_contract.reader import AsyncReader
from ocr_gateway.metrics import Metrics

FRESH_S = 5.0  # for so long a picture that was read right proves it, whoever sent it
ASKED_AGAIN_S = 2.0  # after a picture that was not read the next one waits so long
TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)


class Health:
    """Tells whether pictures are read right. However many ask, one picture is under way at a time."""

    def __init__(self, reader: AsyncReader, metrics: Metrics) -> None:
        self._reader = reader
        self._metrics = metrics
        self._asking = anyio.Lock()
        self._right_at = self._wrong_at = float("-inf")
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

    async def is_ready(self) -> bool:
        """Tell whether a picture was just read right; one is sent where none was."""
        async with self._asking:
            now = anyio.current_time()
            if now - self._right_at < FRESH_S:
                return True
            if now - self._wrong_at < ASKED_AGAIN_S:
                return False
            if await self._reads():
                self.was_right()
                return True
            self._wrong_at = anyio.current_time()
            self._metrics.ready(False)
            return False

    async def _reads(self) -> bool:
        try:
            with anyio.fail_after(TIMEOUT_S):
                return canary.is_right((await self._reader.ocr(self._picture)).texts)
        except (OcrError, TimeoutError) as error:
            _log.warning("the canary picture was not read: %s: %s", type(error).__name__, error)
            return False
