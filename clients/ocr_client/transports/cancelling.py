"""Calls of gRPC that are cancelled as asyncio cancels."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def cancelled_as_asked(call: Coroutine[Any, Any, _T]) -> _T:
    """Return what a call returns; if the task is cancelled, so is the call.

    A call of gRPC that is cancelled raises a CancelledError of its own in place of the one that it got. anyio knows its
    cancellations by what they carry, so its time limits and task groups would take that one for another's.
    """
    under_way = asyncio.ensure_future(call)
    try:
        await asyncio.wait([under_way])
    except asyncio.CancelledError:
        under_way.cancel()
        raise
    return under_way.result()
