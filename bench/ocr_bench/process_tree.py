"""Processor time and memory of a process and all its children."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """The process and its descendants that are alive."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_s(pid: int) -> float:
    """Sum user and system seconds of the tree, ended and awaited children included."""
    total = 0.0
    for process in tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if process.pid == pid:  # children's own are counted above; these are the ended ones
            total += times.children_user + times.children_system
    return total


def pss_bytes(pid: int) -> int:
    """Sum the proportional set size of the tree: memory shared inside it counts once. Linux only."""
    total = 0
    for process in tree(pid):
        try:
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended between the listing and here
        total += sum(1024 * int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


@contextmanager
def repeated(look: Callable[[], None], interval_s: float) -> Iterator[None]:
    """Look again and again, from a thread, while the body runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(interval_s):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class PeakMemory:
    """The largest PSS of a tree seen while sampling."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.bytes = 0

    def sample(self) -> None:
        """Look once."""
        self.bytes = max(self.bytes, pss_bytes(self.pid))

    @contextmanager
    def watched(self, interval_s: float = 0.1) -> Iterator[None]:
        """Sample from a thread while the body runs. Reading PSS costs time: not around what is being timed."""
        try:
            with repeated(self.sample, interval_s):
                yield
        finally:
            self.sample()
