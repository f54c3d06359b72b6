"""Memory of the server's processes over the time of a run, and whether it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil

from ocr_bench.process_tree import pss_bytes, repeated, tree
from ocr_bench.soak.faults import tritonservers

INTERVAL_S = 1.0
FLAT = 0.03


@dataclass(frozen=True)
class Sample:
    """The whole tree's proportional set size, MiB, so many seconds after the begin."""

    at_s: float
    mib: float


@dataclass(frozen=True)
class Growth:
    """How memory moves in the second half of a run, as shares of its mean there.

    Attributes:
        slope: what a straight line, fitted to the samples, rises by over that half.
        quarters: by how much the mean of the fourth quarter is above that of the third.
    """

    slope: float
    quarters: float

    @property
    def is_flat(self) -> bool:
        """Whether neither is more than 3 %, up or down."""
        return max(abs(self.slope), abs(self.quarters)) <= FLAT


def growth(samples: Sequence[Sample]) -> Growth:
    """How memory moves in the second half of the samples' time.

    Raises:
        ValueError: there are less than two samples in a quarter.
    """
    at_s, mib = np.array([(sample.at_s, sample.mib) for sample in samples]).reshape(-1, 2).T
    first_s, last_s = (at_s.min(), at_s.max()) if len(at_s) else (0.0, 0.0)
    half_s, quarter_s = (first_s + last_s) / 2, (first_s + 3 * last_s) / 4
    third, fourth = mib[(at_s >= half_s) & (at_s < quarter_s)], mib[at_s >= quarter_s]
    if min(len(third), len(fourth)) < 2:
        raise ValueError(f"{len(samples)} samples are too few to tell whether memory grows")
    half = at_s >= half_s
    mib_per_s = float(np.polyfit(at_s[half], mib[half], 1)[0])
    mean = float(mib[half].mean())
    return Growth(mib_per_s * (last_s - half_s) / mean, (float(fourth.mean()) - float(third.mean())) / mean)


class Watch:
    """Looks at a tree of processes again and again."""

    def __init__(self, pid: int) -> None:
        self.samples: list[Sample] = []
        self.servers: set[int] = set()  # process ids of every tritonserver that was seen
        self._pid = pid

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take samples while the body runs."""
        begun = time.monotonic()
        with repeated(lambda: self._look(time.monotonic() - begun), INTERVAL_S):
            yield

    def _look(self, at_s: float) -> None:
        self.servers.update(process.pid for process in tritonservers(tree(self._pid)))
        self.samples.append(Sample(at_s, pss_bytes(self._pid) / 2**20))


def listener(port: int) -> int | None:
    """Process id of whoever listens on a port of this machine, as far as this user may see it."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
            return connection.pid
    return None
