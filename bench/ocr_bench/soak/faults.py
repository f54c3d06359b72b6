"""What goes wrong on purpose: processes of the server are killed or stopped, at times that a seed decides."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import psutil

from ocr_bench.process_tree import tree

LEAST_S = 30.0  # between two faults, on average
MOST, WITHIN_S = 5, 600.0  # ocr-serve gives up after more restarts than that
AGAIN_S = 180.0  # a server that does not serve by then does not come back
POLL_S = 0.1


class Kind(str, Enum):
    """What is done to which process."""

    STEP_KILLED = "SIGKILL of a step"
    SERVER_KILLED = "SIGKILL of tritonserver"
    STEP_STOPPED = "SIGSTOP of a step"


@dataclass(frozen=True)
class Planned:
    """A fault to come, seconds after the begin."""

    at_s: float
    kind: Kind


@dataclass(frozen=True)
class Fault:
    """A fault that was.

    Attributes:
        at_s: since the begin.
        what: was done to which process.
        again_s: from there until another tritonserver was ready; None where there was none in time.
    """

    at_s: float
    what: str
    again_s: float | None


def plan(duration_s: float, seed: int) -> list[Planned]:
    """Faults for a run: each somewhere in the middle of a part of it, the parts being equal; the kinds take turns.

    There are as many as ocr-serve starts a server anew without giving up.
    """
    chance = random.Random(seed)  # noqa: S311 -- nothing to guess
    count = max(1, min(MOST, int(duration_s / LEAST_S)))
    if duration_s > WITHIN_S:  # any MOST + 1 of them are further apart, also where the first is late and the last early
        count = int(duration_s * (MOST - 0.5) / WITHIN_S)
    part_s = duration_s / count
    kinds = chance.sample([*Kind], len(Kind))
    return [
        Planned((number + chance.uniform(0.25, 0.75)) * part_s, kinds[number % len(kinds)]) for number in range(count)
    ]


def tritonservers(members: Sequence[psutil.Process]) -> list[psutil.Process]:
    """The processes among some that are tritonserver, without its children that have not yet become a step."""
    named = {process.pid: process for process in members if Path(_command(process)[0]).name == "tritonserver"}
    return [process for process in named.values() if _parent(process) not in named]


def step_of(process: psutil.Process) -> str | None:
    """Name of the model whose Python step a process is; None where it is none."""
    command = _command(process)
    if Path(command[0]).name != "triton_python_backend_stub":
        return None
    return Path(command[1]).parents[1].name  # .../MODEL/1/model.py


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or [""]
    except psutil.Error:  # it has ended meanwhile
        return [""]


class Faults:
    """Injects the faults of a plan into the server whose supervisor is the process `pid`."""

    def __init__(self, pid: int, is_ready: Callable[[], bool], planned: list[Planned], seed: int) -> None:
        self.injected: list[Fault] = []
        self._pid, self._is_ready, self._planned = pid, is_ready, planned
        self._chance = random.Random(f"{seed} steps")  # noqa: S311 -- nothing to guess
        self._done = threading.Event()

    @contextmanager
    def happening(self) -> Iterator[None]:
        """Inject them while the body runs; those whose time has not come by its end never happen."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join(2 * AGAIN_S)

    def _work(self) -> None:
        begun = time.monotonic()
        for planned in self._planned:
            if self._done.wait(max(0.0, begun + planned.at_s - time.monotonic())):
                return
            self._inject(planned.kind, begun)

    def _inject(self, kind: Kind, begun: float) -> None:
        members = tree(self._pid)
        servers = tritonservers(members)
        steps = [process for process in members if step_of(process)]
        at_s = time.monotonic() - begun
        if len(servers) != 1 or not steps:
            self.injected.append(Fault(at_s, "there is no server to do anything to", None))
            return
        if kind is Kind.SERVER_KILLED:
            what = kind.value
            servers[0].send_signal(signal.SIGKILL)
        else:
            step = self._chance.choice(steps)
            what = f"{kind.value}: {step_of(step)}"
            step.send_signal(signal.SIGKILL if kind is Kind.STEP_KILLED else signal.SIGSTOP)
        self.injected.append(Fault(at_s, what, self._again_s(servers[0].pid)))

    def _again_s(self, before: int) -> float | None:
        """Seconds until a tritonserver other than the one before is ready."""
        started = time.monotonic()
        while time.monotonic() - started < AGAIN_S:
            if any(process.pid != before for process in tritonservers(tree(self._pid))) and self._is_ready():
                return time.monotonic() - started
            time.sleep(POLL_S)
        return None
