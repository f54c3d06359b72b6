"""The rule of reading order, box by box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.reading_order import reading_order


def box(left, top, width=100, height=20):
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


def order(*boxes):
    return reading_order(np.array(boxes, np.float32).reshape(-1, 4, 2)).tolist()


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], []),
        ([box(0, 0)], [0]),
        ([box(0, 100), box(0, 0)], [1, 0]),
        ([box(200, 0), box(0, 0)], [1, 0]),
        ([box(200, 4), box(0, 9)], [1, 0]),  # same line: less than half a height apart
        ([box(200, 0), box(0, 11)], [0, 1]),  # next line: more than half a height apart
        ([box(0, 50), box(200, 0), box(0, 3), box(200, 52)], [2, 1, 0, 3]),
        ([box(0, 0, height=200), box(150, 10), box(150, 40), box(150, 130)], [1, 2, 0, 3]),  # a tall box beside lines
    ],
)
def test_rule(boxes, expected):
    assert order(*boxes) == expected


def test_the_rule_does_not_depend_on_resolution():
    rng = np.random.default_rng(3)
    boxes = np.array([box(*rng.integers(0, 1000, 2), *rng.integers(10, 80, 2)) for _ in range(60)], np.float32)
    expected = reading_order(boxes).tolist()
    for scale in (0.1, 0.5, 3, 20):
        assert reading_order(boxes * scale).tolist() == expected


@given(st.lists(st.tuples(*[st.integers(0, 500)] * 2, *[st.integers(1, 90)] * 2), max_size=40))
def test_it_is_always_a_permutation(rects):
    assert sorted(order(*(box(*rect) for rect in rects))) == list(range(len(rects)))
