"""Is a server ready? Only when it has read a picture right. It is asked in a thread, since the answer may take long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_AGAIN_S = 5.0


class Canary:
    """Has one server read a picture, until it has read it right once."""

    def __init__(self, problem: Callable[[], str | None]) -> None:
        """Make it; nothing is asked yet.

        Args:
            problem: what is wrong with how the server reads, in one sentence; None where it reads right.
        """
        self._problem = problem
        self._thread: threading.Thread | None = None
        self._answers: list[str | None] = []
        self._is_right = False
        self._last_said: str | None = None
        self._again = 0.0

    def news(self) -> str | None:
        """Ask, or look whether there is an answer; what there is to say about it. Returns at once."""
        if self._is_right:
            return None
        if self._thread is None:
            if time.monotonic() >= self._again:
                self._thread = threading.Thread(target=self._ask, daemon=True)
                self._thread.start()
            return None
        if self._thread.is_alive():
            return None
        self._thread.join()
        self._thread, self._again = None, time.monotonic() + _AGAIN_S
        wrong = self._answers.pop()
        self._is_right = wrong is None
        said = "ready: a picture was read right" if wrong is None else f"not ready: {wrong}"
        is_new, self._last_said = said != self._last_said, said
        return said if is_new else None

    def wait(self) -> None:
        """Wait for an answer under way; one of a server that has ended comes at once."""
        if self._thread is not None:
            self._thread.join()

    def _ask(self) -> None:
        self._answers.append(self._problem())
