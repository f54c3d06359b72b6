"""The Python steps of a server as the process table shows them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

_PROCESSES = Path("/proc")
_ENDED, _STOPPED = "ZX", "Tt"  # states of /proc/PID/stat


def stubs(prefix: str) -> list[int]:
    """Process ids of the stubs whose shared memory has a name that begins with `prefix`."""
    found = []
    for command in _PROCESSES.glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
        except OSError:  # the process has ended meanwhile
            continue
        if words[0].endswith(b"triton_python_backend_stub") and any(prefix.encode() in word for word in words):
            found.append(int(command.parent.name))
    return found


def state(pid: int) -> str:
    """The letter of a process's state; "X" where it is gone."""
    try:
        text = (_PROCESSES / str(pid) / "stat").read_text("ascii", "replace")
    except OSError:
        return "X"
    return text.rpartition(")")[2].split()[0]


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or only its exit status is left."""
    return state(pid) in _ENDED


def is_stopped(pid: int) -> bool:
    """Whether a process has been stopped, as by SIGSTOP."""
    return state(pid) in _STOPPED


def kill(pids: list[int]) -> None:
    """End processes at once, those that have not ended yet."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
