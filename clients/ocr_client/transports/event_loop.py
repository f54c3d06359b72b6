"""One event loop in a thread of its own, in which the blocking HTTP clients of a process run their requests."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def submit(work: Coroutine[Any, Any, _T]) -> Future[_T]:
    """Begin a coroutine in that loop; callable from any thread."""
    return asyncio.run_coroutine_threadsafe(work, _running_loop())


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine, awaited in that loop; callable from any other thread. Ctrl-C cancels it."""
    future = submit(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603 -- one a process
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="ocr-client-http", daemon=True).start()
        return _loop


def _forget() -> None:
    """After a fork: the child has no such thread, and whoever held the lock is gone."""
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
