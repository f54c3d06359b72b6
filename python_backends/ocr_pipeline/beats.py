"""Since when each process of a server has not got on with a request: told by the process, read by who watches it.

A request that takes long is none that hangs: on a machine with too much to do it may wait for each call of a network.
So the time is that of the last step forward, not of the request's begin.

A file of 8 bytes a process, in the folder of the models that are served: the time by the machine's monotonic clock, or
0 while there is no request. Nothing is written where nobody has asked for it by `ask`.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RESTARTS_VARIABLE = "OCR_RESTARTS"  # of the environment: how often whoever watches has started the server anew
_ASKED = "beats"  # a file of that name asks for them
_SUFFIX = ".beat"
_TIME = struct.Struct("=d")


@dataclass(frozen=True)
class Beat:
    """A process that is at a request.

    Attributes:
        model: that it serves.
        pid: of the process.
        since: seconds, by time.monotonic, when it began, or last got on with, the request that has waited longest.
    """

    model: str
    pid: int
    since: float


def ask(models: Path) -> None:
    """Have the processes that will serve a folder of models tell since when they are at their requests."""
    (models / _ASKED).touch()


def read(models: Path) -> list[Beat]:
    """Return the processes that are at a request."""
    found = []
    for path in models.glob(f"*{_SUFFIX}"):
        model, pid = path.stem.rsplit(".", 1)
        content = path.read_bytes()
        if len(content) == _TIME.size and (since := _TIME.unpack(content)[0]):
            found.append(Beat(model, int(pid), since))
    return found


class Pulse:
    """What a process tells of itself."""

    def __init__(self, models: Path, model: str) -> None:
        """Begin, if somebody asks.

        Args:
            models: the folder of the models that are served.
            model: that this process serves.
        """
        self._since: dict[object, float] = {}  # of each request that this process is at
        self._shown: mmap.mmap | None = None
        if (models / _ASKED).exists():
            with (models / f"{model}.{os.getpid()}{_SUFFIX}").open("w+b") as file:
                file.truncate(_TIME.size)
                self._shown = mmap.mmap(file.fileno(), _TIME.size)

    @contextmanager
    def request(self) -> Iterator[Callable[[], None]]:
        """Tell that this process is at a request while the body runs; there may be several at a time.

        The body calls what it is given whenever it gets on with the request.
        """
        own = object()

        def gets_on() -> None:
            self._since[own] = time.monotonic()
            self._show()

        gets_on()
        try:
            yield gets_on
        finally:
            del self._since[own]
            self._show()

    def _show(self) -> None:
        if self._shown is not None:
            self._shown[:] = _TIME.pack(min(self._since.values(), default=0.0))
