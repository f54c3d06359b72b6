"""How far a metric depends on which pictures were taken: percentile bootstrap over the pictures of a set.

As many pictures as a set has are drawn from it with replacement, RESAMPLES times, and the metric is taken anew of each
draw (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Draws depend on the set's name and size
alone. So all subjects are judged on the same draws, and the difference of two of them is a paired one. Sets are drawn
from each on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ocr_bench.scoring.metrics import Score

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 1993

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both inside."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies inside."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Estimate:
    """A metric over the pictures of one set or of several, or the difference of two such.

    Attributes:
        value: on the pictures themselves.
        resampled: on RESAMPLES draws of them, (RESAMPLES,) float64.
        drawn_from: name and number of pictures of each set.
    """

    value: float
    resampled: Values
    drawn_from: tuple[tuple[str, int], ...]

    @property
    def interval(self) -> Interval:
        """The middle LEVEL of the values on the draws."""
        low, high = np.quantile(self.resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(float(low), float(high))

    def __sub__(self, other: Estimate) -> Estimate:
        """Give the paired difference.

        Raises:
            ValueError: the other one is of other pictures.
        """
        if self.drawn_from != other.drawn_from:
            raise ValueError(f"expected a metric of {self.drawn_from} to compare with, got one of {other.drawn_from}")
        return Estimate(self.value - other.value, self.resampled - other.resampled, self.drawn_from)


def f1_estimate(name: str, scores: Sequence[Score]) -> Estimate:
    """F1 of the summed scores of a set's pictures, at least one; `name` is the set's."""
    return _estimate(name, scores, hmeans)


def recall_estimate(name: str, scores: Sequence[Score]) -> Estimate:
    """Recall of the summed scores of a set's pictures, at least one; `name` is the set's."""
    return _estimate(name, scores, recalls)


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """Mean over sets, at least one; each counts the same, whatever its size."""
    return Estimate(
        float(np.mean([each.value for each in estimates])),
        np.mean([each.resampled for each in estimates], axis=0),
        tuple(each for estimate in estimates for each in estimate.drawn_from),
    )


def recalls(sums: Values) -> Values:
    """Score.recall of sums (N, 3) of hits, predicted and labelled: (N,)."""
    return _shares(sums[:, 0], sums[:, 2], np.ones(len(sums)))


def hmeans(sums: Values) -> Values:
    """Score.hmean of sums (N, 3) of hits, predicted and labelled: (N,)."""
    precision = _shares(sums[:, 0], sums[:, 1], (sums[:, 2] == 0).astype(np.float64))
    recall = recalls(sums)
    return _shares(2 * precision * recall, precision + recall, np.zeros(len(sums)))


def _shares(part: Values, whole: Values, of_nothing: Values) -> Values:
    return np.divide(part, whole, out=of_nothing, where=whole > 0)


def _estimate(name: str, scores: Sequence[Score], ratio: Callable[[Values], Values]) -> Estimate:
    counts = np.array([(score.hits, score.predicted, score.labelled) for score in scores], np.float64)
    (value,) = ratio(counts.sum(axis=0, keepdims=True))
    return Estimate(float(value), ratio(draws(name, len(scores)) @ counts), ((name, len(scores)),))


@lru_cache(maxsize=1)  # both metrics of a set; of a large set it is large
def draws(name: str, pictures: int) -> Values:
    """How often each draw holds each picture of a set: (RESAMPLES, pictures) float64, rows sum up to `pictures`."""
    # The name takes part, or two sets of one size would be drawn alike, and their mean would vary too much.
    generator = np.random.default_rng([SEED, *name.encode()])
    return generator.multinomial(pictures, np.full(pictures, 1 / pictures), RESAMPLES).astype(np.float64)
