"""One clock for what takes one call."""

import time
from collections.abc import Callable


def timed_ms(work: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)
