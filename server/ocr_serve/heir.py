"""What a killed supervisor leaves behind is removed by its heir: a process that waits for nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable

from ocr_serve import stubs
from ocr_serve.claim import Claim

_POLL_S = 0.05
_GIVE_UP_S = 10.0


class Heir:
    """A process that outlives this one by the time that it takes to clean.

    It holds one end of a pipe. When this process ends, in whatever way, the other end is closed.
    """

    def __init__(self, ignored: Iterable[signal.Signals]) -> None:
        """Start it; this process must have one thread.

        Args:
            ignored: signals that may go to both, and end only this one.
        """
        reader, self._writer = os.pipe()  # tritonserver does not inherit them
        if os.fork() == 0:
            os.close(self._writer)
            os.setsid()
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
            _wait_and_clean(reader)
            os._exit(0)
        os.close(reader)

    def inherits(self, claim: Claim | None) -> None:
        """Say what there is to clean from now on; None for nothing."""
        os.write(self._writer, b"\n" if claim is None else f"{claim.name}\n".encode())


def _wait_and_clean(reader: int) -> None:
    said = b""
    while part := os.read(reader, 4096):
        said = (said + part)[-4096:]
    name = said.decode().rstrip("\n").rpartition("\n")[2] if not said.endswith(b"\n\n") else ""
    if not name:
        return
    clear(Claim(name))


def clear(claim: Claim) -> None:
    """End the steps of a server that has ended, those too that were just being started, and remove what it owned."""
    give_up = time.monotonic() + _GIVE_UP_S
    while not claim.remove_if_stale() and claim.lock_file.exists() and time.monotonic() < give_up:
        stubs.kill(stubs.stubs(claim.region_prefix))
        time.sleep(_POLL_S)
