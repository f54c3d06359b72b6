"""Threads for what takes time, so that the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


class Threads:
    """So many calls at a time.

    Who is cancelled does not wait for his call, but its thread is another one's only when it has ended: however many
    clients hang up, no more calls are under way.
    """

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, name)

    async def run(self, call: Callable[[], _T]) -> _T:
        """Return what a call returns."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)
