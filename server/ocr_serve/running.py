"""One tritonserver with its steps: how it is started, watched and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ocr_pipeline import beats, tickets
from ocr_serve import stubs
from ocr_serve.canary import Canary
from ocr_serve.claim import Claim
from ocr_serve.heir import clear
from ocr_serve.log import Say, writer
from ocr_serve.process import become_child, stop_signal

_POLL_S = 0.25
_LOG_S = 5.0  # that the log's writer has to end by itself
_UNLOAD_S = 5.0  # that a server which is to end has from when its first step has ended
_ASK_S = 5.0  # between two questions whether a server that was ready still is


@dataclass(frozen=True)
class Policy:
    """How long is waited for what, in seconds, and how often a server is started anew.

    Attributes:
        stop_s: requests under way have so long when the server is asked to stop.
        step_s: a step that has not got on with a request for longer hangs.
        max_restarts: more of them within `window_s`, and the supervisor gives up. The first comes at once, the next
            after a second, then after two, four...
        window_s: see there.
        start_s: a server that is not ready by then is started anew.
        drain_s: a server with a fault may go on answering for so long.
        stopped_s: a step, or tritonserver, that has been stopped by a signal for longer hangs.
        silence_s: a server that has not said for longer that it is ready, when it is asked, hangs.
    """

    stop_s: float
    step_s: float = 150.0
    max_restarts: int = 5
    window_s: float = 600.0
    start_s: float = 300.0
    drain_s: float = 2.0
    stopped_s: float = 3.0
    silence_s: float = 60.0


@dataclass(frozen=True)
class Launch:
    """What is started.

    Attributes:
        command: tritonserver and its arguments.
        environment: its variables.
        claim: its place in shared memory.
        lock: the descriptor of the claim's lock, which the server inherits.
        is_ready: whether it says that it is ready; answers within some seconds.
        problem: what is wrong with how it reads a picture, in one sentence, or None; may take longer.
        has_json_log: whether what it says is written as JSON.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    claim: Claim
    lock: int
    is_ready: Callable[[], bool]
    problem: Callable[[], str | None]
    has_json_log: bool = False


class Server:
    """One tritonserver and its steps."""

    def __init__(self, launch: Launch, policy: Policy, say: Say) -> None:
        self.code: int | None = None
        self.was_ready = False
        self._claim, self._lock, self._is_ready = launch.claim, launch.lock, launch.is_ready
        self._policy, self._say = policy, say
        self._steps: list[int] = []
        self._stopped_since: dict[int, float] = {}
        self._said_ready = self._asked = 0.0
        self._canary = Canary(launch.problem)
        self._log = writer() if launch.has_json_log else None
        self._process = subprocess.Popen(
            launch.command,
            env=launch.environment,
            stdout=self._log.stdin if self._log else None,
            stderr=subprocess.STDOUT if self._log else None,
            # A terminal's Ctrl-C is for this process alone: steps that get it as well end too early.
            start_new_session=True,
            preexec_fn=become_child,  # noqa: PLW1509 -- this process has one thread while it starts a server
            pass_fds=[launch.lock],
        )
        if self._log and self._log.stdin:
            self._log.stdin.close()  # so that it ends with the last of those who write there

    def watch(self) -> str | None:
        """Wait until something is wrong, which is returned, or until there is a signal to stop (None)."""
        started = time.monotonic()
        while True:
            if stop_signal(_POLL_S):
                return None
            self._reap()
            if self.code is not None:
                return f"tritonserver has ended ({_ending(self.code)})"
            if not self.was_ready:
                if self._is_ready():
                    self.was_ready = True
                    self._said_ready = self._asked = time.monotonic()
                    self._steps = stubs.stubs(self._claim.region_prefix)
                elif time.monotonic() - started > self._policy.start_s:
                    return f"the server was not ready after {self._policy.start_s:g} s"
            elif fault := self._fault():
                return fault
            elif said := self._canary.news():
                self._say(said)

    def _fault(self) -> str | None:
        """What is wrong with the server, or with a step."""
        now = time.monotonic()
        for pid in (self._process.pid, *self._steps):
            is_step = pid != self._process.pid
            who = f"the Python step with process id {pid}" if is_step else "tritonserver"
            if is_step and stubs.has_ended(pid):
                return f"{who} has died"
            since = self._stopped_since.setdefault(pid, now) if stubs.is_stopped(pid) else None
            if since is None:
                self._stopped_since.pop(pid, None)
            elif now - since > self._policy.stopped_s:
                return f"{who} has been stopped by a signal"
        if self._log is not None and stubs.has_ended(self._log.pid):
            return "the process that writes the log has ended"
        if now - self._asked > _ASK_S and not self._stopped_since:
            self._said_ready = now if self._is_ready() else self._said_ready
            self._asked = time.monotonic()
            if self._asked - self._said_ready > self._policy.silence_s:
                return f"the server has not said for {self._policy.silence_s:g} s that it is ready"
        for beat in beats.read(self._claim.models):
            if now - beat.since > self._policy.step_s:
                return f"the Python step {beat.model} has not got on with a request for {self._policy.step_s:g} s"
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
        self._canary.wait()
        self._end_log()
        self._reap()

    def _end_log(self) -> None:
        """Let the log's writer end, as it does when all who write there have ended."""
        if self._log is not None:
            try:
                self._log.wait(_LOG_S)
            except subprocess.TimeoutExpired:
                self._log.kill()
                self._log.wait()

    def _drain(self, limit_s: float) -> bool:
        """Let it answer what is under way, and end by itself; whether a signal to stop has cut that short."""
        if self.code is not None or not self.was_ready:
            return False
        # Half of the time is for those that have not started, half for those at work: none is cut off.
        tickets.close(self._claim.models, int((time.monotonic() + limit_s / 2) * 1e9))
        self._process.terminate()
        give_up = time.monotonic() + limit_s
        while self.code is None and time.monotonic() < give_up:
            if stop_signal(_POLL_S):
                return True
            self._reap()
            if any(stubs.has_ended(pid) for pid in self._steps):
                # It has died, and what waits for it is not answered; or nothing waits, and the models are unloaded.
                give_up = min(give_up, time.monotonic() + _UNLOAD_S)
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


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
