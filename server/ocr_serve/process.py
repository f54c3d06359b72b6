"""What a supervisor asks of the system: signals to stop, and who its children are."""

from __future__ import annotations

import os
import signal

from ocr_serve.prctl import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl
from ocr_serve.private import keep_private

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def await_stop_signals() -> None:
    """Have signals to stop wait until `stop_signal` asks for them; to be called in the main thread, before others."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _awaited())


def stop_signal(limit_s: float) -> bool:
    """Wait so long for a signal to stop, and no longer; whether there was one."""
    return signal.sigtimedwait(_awaited(), limit_s) is not None


def _awaited() -> set[signal.Signals]:
    """Signals to stop, but for a hang-up that whoever started this process has it ignore, as nohup does."""
    is_kept = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return set(STOP_SIGNALS) - ({signal.SIGHUP} if is_kept else set())


def adopt_orphans() -> None:
    """Processes whose parent, a child of this one, was killed become children of this one, which reaps them."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def become_child() -> None:
    """What a child does before it becomes tritonserver."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        keep_private()
    except OSError as error:
        os.write(2, f"ocr-serve: other users of this machine can read pictures in shared memory ({error})\n".encode())
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing is served behind the back of a supervisor that was killed
