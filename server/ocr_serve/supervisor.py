"""Keeps a server alive: owns tritonserver as its child, sees what it does not see itself, and starts it anew.

A Python step that dies is not started again by Triton, which goes on calling itself ready while every request that
needs the step fails or waits for ever. Nor does Triton end a step that hangs. So the whole server is started anew:
after a moment in which it takes no new requests and may answer others, it is killed, what it left in shared memory is
removed, and another one begins. Whoever waits for an answer sees the connection break, and may send the request again.

It may be process 1 of a container: it reaps what others leave to it, and hands signals on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ocr_pipeline import beats
from ocr_serve import stubs
from ocr_serve.claim import Claim
from ocr_serve.heir import Heir, clear

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S = 0.25
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # of prctl(2)
_LIBC = ctypes.CDLL(None, use_errno=True)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Policy:
    """How long is waited for what, in seconds, and how often a server is started anew.

    Attributes:
        max_restarts: more of them within `window_s`, and the supervisor gives up.
        window_s: see there.
        longest_pause_s: before a restart; the first one comes at once, the next after a second, then after two, four...
        start_s: a server that is not ready by then is started anew.
        drain_s: a server with a fault may go on answering for so long.
        stop_s: requests under way have so long when the server is asked to stop.
        step_s: a step that is at one request for longer hangs; one that works gives it up by then.
        stopped_s: a step that has been stopped by a signal for longer hangs.
    """

    max_restarts: int = 5
    window_s: float = 600.0
    longest_pause_s: float = 30.0
    start_s: float = 300.0
    drain_s: float = 2.0
    stop_s: float = 30.0
    step_s: float = 150.0
    stopped_s: float = 3.0


@dataclass(frozen=True)
class Launch:
    """What is started.

    Attributes:
        command: tritonserver and its arguments.
        environment: its variables.
        claim: its place in shared memory.
        lock: the descriptor of the claim's lock, which the server inherits.
        is_ready: whether it says that it is ready; asked until it does.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    claim: Claim
    lock: int
    is_ready: Callable[[], bool]


class Supervisor:
    """Runs servers, one after the other, until it is told to stop or gives up."""

    def __init__(self, launch: Callable[[], Launch], policy: Policy, say: Say) -> None:
        """Begin; to be called in the main thread, whose signals it takes.

        Args:
            launch: makes room in shared memory for a server, and says how it is started.
            policy: of restarts.
            say: tells the operator.
        """
        self._launch, self._policy, self._say = launch, policy, say
        self._restarts: deque[float] = deque()
        self._heir = Heir(STOP_SIGNALS)
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        # Steps whose server was killed become children of this process, which reaps them.
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def run(self) -> int:
        """Serve; returns the exit code: 0 when it was told to stop, 1 when it has given up, else the server's own."""
        while True:
            launch = self._launch()
            self._heir.inherits(launch.claim)
            server = _Server(launch, self._policy)
            fault = server.watch()
            if fault is None:
                server.stop()
                self._heir.inherits(None)
                return 0
            cannot_load = not server.was_ready and (server.code or 0) > 0
            is_told_to_stop = server.end()
            self._heir.inherits(None)
            if is_told_to_stop:
                return 0
            if cannot_load and server.code is not None and not self._restarts:
                return server.code  # what it cannot load now, it will not load the next time
            self._say(f"{fault}; the server is started anew")
            pause_s = self._pause_s()
            if pause_s is None:
                limit = f"{self._policy.max_restarts} restarts within {self._policy.window_s:g} s"
                self._say(f"{limit} have not helped: giving up")
                return 1
            if _stop_signal(pause_s):
                return 0

    def _pause_s(self) -> float | None:
        """Seconds until the next start; None for no further one."""
        now = time.monotonic()
        while self._restarts and now - self._restarts[0] > self._policy.window_s:
            self._restarts.popleft()
        if len(self._restarts) >= self._policy.max_restarts:
            return None
        self._restarts.append(now)
        number = len(self._restarts)
        return 0.0 if number == 1 else min(2.0 ** (number - 2), self._policy.longest_pause_s)


class _Server:
    """One tritonserver and its steps."""

    def __init__(self, launch: Launch, policy: Policy) -> None:
        self.code: int | None = None
        self.was_ready = False
        self._claim, self._lock, self._is_ready = launch.claim, launch.lock, launch.is_ready
        self._policy = policy
        self._steps: list[int] = []
        self._stopped_since: dict[int, float] = {}
        self._process = subprocess.Popen(
            launch.command,
            env=launch.environment,
            # A terminal's Ctrl-C is for this process alone: steps that get it as well end too early.
            start_new_session=True,
            preexec_fn=_as_child,  # noqa: PLW1509 -- this process has one thread
            pass_fds=[launch.lock],
        )

    def watch(self) -> str | None:
        """Wait until something is wrong, which is returned, or until there is a signal to stop (None)."""
        started = time.monotonic()
        while True:
            if _stop_signal(_POLL_S):
                return None
            self._reap()
            if self.code is not None:
                return f"tritonserver has ended ({_ending(self.code)})"
            if not self.was_ready:
                if self._is_ready():
                    self.was_ready = True
                    self._steps = stubs.stubs(self._claim.region_prefix)
                elif time.monotonic() - started > self._policy.start_s:
                    return f"the server was not ready after {self._policy.start_s:g} s"
            elif fault := self._fault():
                return fault

    def _fault(self) -> str | None:
        """What is wrong with a step."""
        now = time.monotonic()
        for pid in self._steps:
            if stubs.has_ended(pid):
                return f"the Python step with process id {pid} has died"
            since = self._stopped_since.setdefault(pid, now) if stubs.is_stopped(pid) else None
            if since is None:
                self._stopped_since.pop(pid, None)
            elif now - since > self._policy.stopped_s:
                return f"the Python step with process id {pid} has been stopped by a signal"
        for beat in beats.read(self._claim.models):
            if now - beat.since > self._policy.step_s:
                return f"the Python step {beat.model} has been at one request for more than {self._policy.step_s:g} s"
        return None

    def stop(self) -> None:
        """End it when it was asked to: requests under way are answered first, until time is up or one more signal."""
        self._drain(self._policy.stop_s)
        self._clear()

    def end(self) -> bool:
        """End it after a fault, when it has drained for a moment; whether there was a signal to stop meanwhile."""
        is_told_to_stop = self._drain(self._policy.drain_s)
        self._clear()
        return is_told_to_stop

    def _clear(self) -> None:
        """Leave nothing of it."""
        if self.code is None:
            self._process.kill()
            self.code = self._process.wait()
        os.close(self._lock)
        clear(self._claim)
        self._reap()

    def _drain(self, limit_s: float) -> bool:
        """Let it answer what is under way, and end by itself; whether a signal to stop has cut that short."""
        if self.code is not None or not self.was_ready:
            return False
        self._process.terminate()
        give_up = time.monotonic() + limit_s
        while self.code is None and time.monotonic() < give_up:
            if _stop_signal(_POLL_S):
                return True
            self._reap()
        return False

    def _reap(self) -> None:
        """Take note of every child that has ended: the server, and what others have left to this process."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if ended.si_pid == self._process.pid:
                self.code = self._process.wait()
            else:
                os.waitpid(ended.si_pid, 0)


def _stop_signal(limit_s: float) -> bool:
    """Wait so long for a signal to stop, and no longer; whether there was one."""
    return signal.sigtimedwait(STOP_SIGNALS, limit_s) is not None


def _as_child() -> None:
    """What the child does before it becomes tritonserver."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing is served behind the back of a supervisor that was killed


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
