"""Intervals and differences against distributions that are known in closed form."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_bench.scoring.bootstrap import (
    RESAMPLES,
    Estimate,
    Interval,
    draws,
    f1_estimate,
    hmeans,
    mean_estimate,
    recall_estimate,
    recalls,
)
from ocr_bench.scoring.metrics import Score

COUNT = st.integers(0, 5)


def read(*lines: int) -> list[Score]:
    """Pictures of one line each that is read (1) or not (0)."""
    return [Score(hit, 1, 1) for hit in lines]


def binomial_quantile(level: float, trials: int, chance: float) -> int:
    """The smallest number of successes whose cumulative probability reaches `level`."""
    total, successes = 0.0, -1
    while total < level:
        successes += 1
        total += comb(trials, successes) * chance**successes * (1 - chance) ** (trials - successes)
    return successes


@pytest.mark.parametrize("hits", [2, 10, 19])
def test_the_interval_of_pictures_read_or_not_is_that_of_the_binomial_distribution(hits: int) -> None:
    """Of n pictures with k read, a draw holds Binomial(n, k / n) read ones."""
    estimate = recall_estimate("set", read(*[1] * hits, *[0] * (20 - hits)))
    assert estimate.value == hits / 20
    low, high = (binomial_quantile(level, 20, hits / 20) / 20 for level in (0.025, 0.975))
    assert (estimate.interval.low, estimate.interval.high) == (pytest.approx(low), pytest.approx(high))


def test_pictures_that_are_all_alike_leave_nothing_to_chance() -> None:
    for scores in (read(1), read(1, 1, 1), [Score(3, 4, 5)] * 7):
        estimate = f1_estimate("set", scores)
        assert estimate.interval.low == pytest.approx(estimate.value) == pytest.approx(estimate.interval.high)


@given(st.lists(st.tuples(COUNT, COUNT, COUNT), min_size=1, max_size=8))
def test_ratios_of_many_sums_are_those_of_a_score(counts: list[tuple[int, int, int]]) -> None:
    scores = [Score(hits, hits + wrong, hits + missed) for hits, wrong, missed in counts]
    sums = np.array([(score.hits, score.predicted, score.labelled) for score in scores], np.float64)
    assert hmeans(sums) == pytest.approx([score.hmean for score in scores])
    assert recalls(sums) == pytest.approx([score.recall for score in scores])
    total = sum(scores, Score())
    assert f1_estimate("set", scores).value == pytest.approx(total.hmean)
    assert recall_estimate("set", scores).value == pytest.approx(total.recall)


def test_large_pictures_weigh_more_as_they_do_in_the_metric() -> None:
    """A set of a page of 9 lines, all read, and one of 1 line that is not: 18/18, 9/10 or 0/2 in a draw."""
    estimate = recall_estimate("set", [Score(9, 9, 9), Score(0, 1, 1)])
    assert set(estimate.resampled.tolist()) == {1.0, 0.9, 0.0}
    assert (estimate.resampled == 0.9).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("lost", [1, 4])
def test_a_difference_is_of_the_same_pictures(lost: int) -> None:
    """20 pictures, some read by the one only: a draw's difference is Binomial(20, lost / 20) / 20.

    Drawn apart, the two would vary by far more.
    """
    first = recall_estimate("set", read(*[1] * 10, *[0] * 10))
    second = recall_estimate("set", read(*[0] * lost, *[1] * (10 - lost), *[0] * 10))
    difference = second - first
    assert difference.value == pytest.approx(-lost / 20)
    most, least = (binomial_quantile(level, 20, lost / 20) / 20 for level in (0.975, 0.025))
    assert (difference.interval.low, difference.interval.high) == (pytest.approx(-most), pytest.approx(-least))
    assert difference.interval.holds(0) == (lost == 1)


def test_equal_subjects_differ_by_nothing() -> None:
    one, other = (f1_estimate("set", [Score(1, 2, 3), Score(5, 5, 7)]) for _ in range(2))
    assert (one - other).interval == Interval(0, 0)


def test_subjects_that_have_read_other_pictures_are_not_compared() -> None:
    for other in (recall_estimate("set", read(1, 0)), recall_estimate("another", read(1, 0, 1))):
        with pytest.raises(ValueError, match="expected a metric of"):
            recall_estimate("set", read(1, 0, 1)) - other


def test_sets_count_the_same_in_the_mean_and_are_drawn_each_on_its_own() -> None:
    """The mean of two sets drawn alike would vary as much as one set, of two drawn apart by sqrt(2) less."""
    lines = read(*[1] * 50, *[0] * 50)
    first, second, small = recall_estimate("a", lines), recall_estimate("b", lines), recall_estimate("c", read(1))
    assert mean_estimate([first, small]).value == pytest.approx(0.75)
    apart = mean_estimate([first, second])
    assert apart.resampled.std() == pytest.approx(first.resampled.std() / 2**0.5, rel=0.05)
    assert apart.drawn_from == (("a", 100), ("b", 100))


def test_draws_are_as_large_as_the_set_and_the_same_each_time() -> None:
    made = draws("set", 7)
    assert made.shape == (RESAMPLES, 7)
    assert (made.sum(axis=1) == 7).all()
    draws.cache_clear()
    assert (draws("set", 7) == made).all()
    assert not (draws("other", 7) == made).all()


def test_an_interval_holds_its_ends() -> None:
    interval = Estimate(0.5, np.linspace(0, 1, 1001), (("set", 1),)).interval
    assert (interval.low, interval.high) == (pytest.approx(0.025), pytest.approx(0.975))
    assert [Interval(0, 1).holds(value) for value in (-0.1, 0, 0.5, 1, 1.1)] == [False, True, True, True, False]
