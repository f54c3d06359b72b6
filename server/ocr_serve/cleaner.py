"""Waits for the server to end, in whatever way, and removes what it left behind.

Triton takes its Python stubs and shared memory with it when it is asked to stop, but not when it is killed. Ctrl-C
while it still loads models goes to the stubs as well, and Triton may wait for ever for one that is gone: then it is
killed.
`python -I -m ocr_serve.cleaner SERVER_PID NAME ADDRESS PORT...`
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from ocr_serve.claim import Claim

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_S = 0.5
GRACE_S = 3.0  # stubs that notice the end of their server end by themselves


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


def clean(claim: Claim) -> None:
    """Wait for the stubs, end those that are left after a grace period, and remove what the server owned."""
    _wait_until_removed(claim)
    for pid in stubs(claim.region_prefix):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    _wait_until_removed(claim)


def _wait_until_removed(claim: Claim) -> None:
    give_up = time.monotonic() + GRACE_S
    while claim.lock_file.exists() and not claim.remove_if_stale() and time.monotonic() < give_up:
        time.sleep(0.1)


def is_loading(address: str, ports: list[int]) -> bool:
    """Whether the server has opened none of its ports yet, which it does when every model is loaded."""
    for port in ports:
        try:
            socket.create_connection((address, port), timeout=POLL_S).close()
        except OSError:
            continue
        return False
    return True


def start(claim: Claim, address: str, ports: Iterable[int]) -> None:
    """Start the cleaner of this process, which is about to become tritonserver."""
    # Ctrl-C goes to the cleaner as well, and must not end it before it can take note of it.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    words = [str(os.getpid()), claim.name, address, *map(str, ports)]
    subprocess.Popen([sys.executable, "-I", "-m", __name__, *words])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def main() -> None:
    """Wait while the server is this process's parent, then clean."""
    server, name, address, *ports = sys.argv[1:]
    interrupted: list[int] = []
    for number in SIGNALS:
        signal.signal(number, lambda number, _frame: interrupted.append(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    loading = True
    while os.getppid() == int(server):
        time.sleep(POLL_S)
        loading = loading and is_loading(address, [int(port) for port in ports])
        if interrupted and loading:
            time.sleep(GRACE_S)
            if os.getppid() == int(server):
                os.kill(int(server), signal.SIGKILL)
    clean(Claim(name))


if __name__ == "__main__":
    main()
