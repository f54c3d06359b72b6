"""Keeps a server alive: owns tritonserver as its child, sees what it does not see itself, and starts it anew.

A Python step that dies is not started again by Triton, which goes on calling itself ready while every request that
needs the step fails or waits for ever. Nor does Triton end a step that hangs. So the whole server is started anew:
after a moment in which it takes no new requests and may answer others, it is killed, what it left in shared memory is
removed, and another one begins. Whoever waits for an answer sees the connection break, and may send the request again.

It may be process 1 of a container: it reaps what others leave to it, and hands signals on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from ocr_serve.heir import Heir
from ocr_serve.log import Say
from ocr_serve.process import STOP_SIGNALS, adopt_orphans, await_stop_signals, stop_signal
from ocr_serve.running import Launch, Policy, Server


class Supervisor:
    """Runs servers, one after the other, until it is told to stop or gives up."""

    def __init__(self, launch: Callable[[int], Launch], policy: Policy, say: Say) -> None:
        """Begin; to be called in the main thread, whose signals it takes.

        Args:
            launch: makes room in shared memory for a server, and says how it is started; is given the number of
                restarts so far.
            policy: of restarts.
            say: tells the operator.
        """
        self._launch, self._policy, self._say = launch, policy, say
        self._restarts: deque[float] = deque()
        self._heir = Heir(STOP_SIGNALS)
        await_stop_signals()
        adopt_orphans()  # the steps of a server that was killed

    def run(self) -> int:
        """Serve; returns the exit code: 0 when it was told to stop, 1 when it has given up, else the server's own."""
        restarts = 0
        while True:
            launch = self._launch(restarts)
            self._heir.inherits(launch.claim)
            server = Server(launch, self._policy, self._say)
            fault = server.watch()
            if fault is None:
                server.stop()
                self._heir.inherits(None)
                return 0
            self._say(fault)
            cannot_load = not server.was_ready and (server.code or 0) > 0
            is_told_to_stop = server.end()
            self._heir.inherits(None)
            if is_told_to_stop:
                return 0
            if cannot_load and server.code is not None and not self._restarts:
                return server.code  # what it cannot load now, it will not load the next time
            pause_s = self._pause_s()
            if pause_s is None:
                limit = f"{self._policy.max_restarts} restarts within {self._policy.window_s:g} s"
                self._say(f"{limit} have not helped: giving up")
                return 1
            self._say("the server is started anew")
            if stop_signal(pause_s):
                return 0
            restarts += 1

    def _pause_s(self) -> float | None:
        """Seconds until the next start; None for no further one."""
        now = time.monotonic()
        while self._restarts and now - self._restarts[0] > self._policy.window_s:
            self._restarts.popleft()
        if len(self._restarts) >= self._policy.max_restarts:
            return None
        self._restarts.append(now)
        number = len(self._restarts)
        return 0.0 if number == 1 else 2.0 ** (number - 2)
