"""How long the stages of reading a page take, by the reader's own clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spent:
    """What a reader has spent since it began.

    Attributes:
        pages: pictures that it has read.
        ns: nanoseconds of each stage.
    """

    pages: int = 0
    ns: Mapping[str, int] = field(default_factory=dict)

    def plus(self, ns: Mapping[str, int]) -> Spent:
        """Return the sum with what one more picture took."""
        return Spent(self.pages + 1, dict(Counter(self.ns) + Counter(ns)))

    def mean_ms_since(self, before: Spent) -> dict[str, float]:
        """Return milliseconds a page of each stage that ran since an earlier reading; none where no page was read."""
        pages = self.pages - before.pages
        spent = {stage: ns - before.ns.get(stage, 0) for stage, ns in self.ns.items()}
        return {stage: round(ns / pages / 1e6, 2) for stage, ns in spent.items() if ns} if pages > 0 else {}
