"""Waits for the server to end, in whatever way, and removes what it left behind. Standard library only.

Triton takes its Python stubs and shared memory with it when it is asked to stop, but not when it is killed. Ctrl-C
while it still loads models goes to the stubs as well, and Triton may wait for ever for one that is gone: then it is
killed.
`python -I -S cleaner.py SERVER_PID REGION_PREFIX ADDRESS HTTP_PORT`
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path

POLL_S = 0.5
GRACE_S = 3.0  # stubs that notice the end of their server end by themselves
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives


def stubs(prefix: str) -> list[int]:
    """Process ids of the stubs whose shared memory has a name that begins with `prefix`."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
        except OSError:  # the process has ended meanwhile
            continue
        if words[0].endswith(b"triton_python_backend_stub") and any(prefix.encode() in word for word in words):
            found.append(int(command.parent.name))
    return found


def clean(prefix: str) -> None:
    """End the stubs that are left after a grace period, and remove the regions."""
    give_up = time.monotonic() + GRACE_S
    while stubs(prefix) and time.monotonic() < give_up:
        time.sleep(0.1)
    for pid in stubs(prefix):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for region in SHARED_MEMORY.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)


def is_loading(address: str, port: int) -> bool:
    """Whether the server has not opened its HTTP port yet, which it does when every model is loaded."""
    try:
        socket.create_connection((address, port), timeout=POLL_S).close()
    except OSError:
        return True
    return False


def main() -> None:
    """Wait while the server is this process's parent, then clean."""
    server, prefix, address, port = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    interrupted: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: interrupted.append(number))
    loading = True
    while os.getppid() == server:
        time.sleep(POLL_S)
        loading = loading and is_loading(address, port)
        if interrupted and loading:
            time.sleep(GRACE_S)
            if os.getppid() == server:
                os.kill(server, signal.SIGKILL)
    clean(prefix)


if __name__ == "__main__":
    main()
