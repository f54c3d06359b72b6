"""Whether one subject reads the same pictures better or worse than another, and whether it may become the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ocr_bench.scoring.bootstrap import LEVEL, Estimate, Interval, mean_estimate

TOKEN_F1, EXACT_LINES = "token F1", "exact lines"
MEAN_LOSS = {TOKEN_F1: 0.002, EXACT_LINES: 0.005}  # what a default may lose in the mean over the sets
ROUNDING = 1e-9
RULE = (
    f"May be the default: the mean over all sets is lower by no more than {MEAN_LOSS[TOKEN_F1]} token F1 and "
    f"{MEAN_LOSS[EXACT_LINES]} exact lines, and no set falls below the {100 * LEVEL:.0f} % bootstrap interval of the "
    "subject that it is held against."
)

Estimates = Mapping[str, Estimate]  # by metric; EXACT_LINES is missing where the labels have no lines


@dataclass(frozen=True)
class Difference:
    """By how much a metric is higher, over the same pictures, and the bootstrap interval of that."""

    value: float
    interval: Interval

    @property
    def verdict(self) -> str:
        """ "no difference" where the interval holds 0, else "higher" or "lower"."""
        if self.interval.holds(0):
            return "no difference"
        return "higher" if self.value > 0 else "lower"


@dataclass(frozen=True)
class Comparison:
    """A subject against another one.

    Attributes:
        subject: its name.
        against: the name of the one that it is compared with.
        sets: differences by set, then by metric.
        mean: differences of the mean over the sets, by metric.
        lower_sets: (set, metric) where the subject lies below the other one's own interval.
    """

    subject: str
    against: str
    sets: dict[str, dict[str, Difference]]
    mean: dict[str, Difference]
    lower_sets: list[tuple[str, str]]

    @property
    def passes(self) -> bool:
        """Whether the subject may become the default in the other's place, by RULE."""
        mean_holds = all(difference.value >= -MEAN_LOSS[metric] - ROUNDING for metric, difference in self.mean.items())
        return mean_holds and not self.lower_sets


def compare(subject: str, found: Mapping[str, Estimates], against: str, other: Mapping[str, Estimates]) -> Comparison:
    """Compare two subjects set by set, and in the mean over the sets that have the metric.

    Args:
        subject: name of the one.
        found: its metrics by set.
        against: name of the other one.
        other: that one's metrics, of the same pictures of the same sets.

    Raises:
        ValueError: they have read other pictures.
    """
    if list(found) != list(other):
        raise ValueError(f"expected the sets {', '.join(other)}, got {', '.join(found)}")
    apart = {
        name: {metric: estimate - other[name][metric] for metric, estimate in estimates.items()}
        for name, estimates in found.items()
    }
    means = {
        metric: mean_estimate([estimates[metric] for estimates in apart.values() if metric in estimates])
        for metric in MEAN_LOSS
        if any(metric in estimates for estimates in apart.values())
    }
    sets = {name: _differences(estimates) for name, estimates in apart.items()}
    lower = [
        (name, metric)
        for name, estimates in found.items()
        for metric, estimate in estimates.items()
        if estimate.value < other[name][metric].interval.low
    ]
    return Comparison(subject, against, sets, _differences(means), lower)


def _differences(estimates: Estimates) -> dict[str, Difference]:
    return {metric: Difference(estimate.value, estimate.interval) for metric, estimate in estimates.items()}
