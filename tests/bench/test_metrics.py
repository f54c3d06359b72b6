"""Metrics against slow obvious versions and examples worked by hand."""

from functools import cache
from itertools import permutations
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_bench.metrics import (
    Score,
    edit_distance,
    exact_lines,
    folded,
    intersection_area,
    iou,
    normalised_distance,
    token_score,
    tokens,
)

TEXT = st.text(alphabet="ab1 -文字", max_size=6)


def polygon(*points: tuple[float, float]) -> Any:
    return np.array(points, np.float32)


def rectangle(left: float, top: float, right: float, bottom: float) -> Any:
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" -_.,", []),
        ("Total: RM12.50", ["total", "rm12", "50"]),
        ("第3件免费", ["第", "3", "件", "免", "费"]),
        ("〇々カな한", ["〇", "々", "カ", "な", "한"]),
        ("Ünïcode_x", ["ünïcode", "x"]),
        ("𠮷野", ["𠮷", "野"]),
        ("、。「」", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_token_score_is_a_bag_of_words() -> None:
    score = token_score("b a a c", "a b b")
    assert score == Score(hits=2, predicted=4, labelled=3)
    assert score.hmean == pytest.approx(2 * 2 / (4 + 3))


def test_tokens_outside_an_incomplete_label_do_not_count_against_the_reader() -> None:
    score = token_score("a b something else", "a b c", complete=False)
    assert score == Score(hits=2, predicted=2, labelled=3)


def test_ratios_of_nothing() -> None:
    assert (Score().precision, Score().recall, Score().hmean) == (1, 1, 1)
    assert (Score(0, 3, 0).precision, Score(0, 3, 0).hmean) == (0, 0)
    assert (Score(0, 0, 3).precision, Score(0, 0, 3).recall) == (0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("RM 12.50!", "rm1250"), ("", ""), ("---", ""), ("Straße", "strasse"), ("你好，世界", "你好世界")],
)
def test_folded(text: str, expected: str) -> None:
    assert folded(text) == expected


def slow_exact_hits(predicted: list[str], labelled: list[str]) -> int:
    """Cross out a prediction for each label that it reads."""
    free = [folded(text) for text in predicted]
    hits = 0
    for text in labelled:
        if folded(text) and folded(text) in free:
            free.remove(folded(text))
            hits += 1
    return hits


@given(st.lists(TEXT, max_size=6), st.lists(TEXT, max_size=6))
def test_exact_lines_against_crossing_out(predicted: list[str], labelled: list[str]) -> None:
    score = exact_lines(predicted, labelled)
    assert score.hits == slow_exact_hits(predicted, labelled)
    assert score.labelled == sum(bool(folded(text)) for text in labelled)


def test_each_prediction_reads_one_line_only() -> None:
    assert exact_lines(["1.00"], ["1.00", "100"]) == Score(hits=1, predicted=1, labelled=2)


@cache
def slow_distance(first: str, second: str) -> int:
    """The recursive definition."""
    if not first or not second:
        return len(first) + len(second)
    return min(
        slow_distance(first[1:], second) + 1,
        slow_distance(first, second[1:]) + 1,
        slow_distance(first[1:], second[1:]) + (first[0] != second[0]),
    )


@given(TEXT, TEXT)
def test_edit_distance_against_its_definition(first: str, second: str) -> None:
    assert edit_distance(first, second) == slow_distance(first, second)


def test_normalised_distance_by_hand() -> None:
    assert normalised_distance("kitten", "sitting") == pytest.approx(3 / 7)
    assert normalised_distance("", "") == 0
    assert normalised_distance("", "ab") == 1


def test_iou_by_hand() -> None:
    assert iou(rectangle(0, 0, 10, 10), rectangle(5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert iou(rectangle(0, 0, 10, 10), rectangle(0, 0, 10, 10)) == pytest.approx(1)
    assert iou(rectangle(0, 0, 10, 10), rectangle(10, 0, 20, 10)) == 0
    diamond = polygon((5, 0), (10, 5), (5, 10), (0, 5))
    assert iou(rectangle(0, 0, 10, 10), diamond) == pytest.approx(0.5)


def test_direction_and_first_corner_do_not_matter() -> None:
    square, other = rectangle(0, 0, 10, 10), rectangle(3, 2, 12, 9)
    for turned in (np.roll(square, 1, axis=0), square[::-1]):
        assert iou(turned, other) == pytest.approx(iou(square, other))


def test_a_polygon_without_area_shares_nothing() -> None:
    line = polygon((0, 0), (10, 10), (5, 5), (2, 2))
    assert intersection_area(line, rectangle(0, 0, 10, 10)) == 0
    assert iou(line, line) == 0


def drawn_iou(first: Any, second: Any) -> float:
    """Count pixels of both polygons drawn 16 times enlarged."""
    masks = []
    for corners in (first, second):
        mask = np.zeros((640, 640), np.uint8)
        cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 1)
        masks.append(mask.astype(bool))
    union = (masks[0] | masks[1]).sum()
    return float((masks[0] & masks[1]).sum() / union)


corner = st.tuples(st.integers(0, 39), st.integers(0, 39))


@given(st.lists(corner, min_size=4, max_size=4, unique=True), st.lists(corner, min_size=4, max_size=4, unique=True))
def test_iou_against_drawn_pixels(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    hulls = [cv2.convexHull(np.array(points, np.float32))[:, 0] for points in (first, second)]
    if any(cv2.contourArea(hull) < 20 for hull in hulls):
        return
    assert iou(hulls[0], hulls[1]) == pytest.approx(drawn_iou(hulls[0], hulls[1]), abs=0.06)


def test_scores_add_up_in_any_order() -> None:
    parts = [Score(1, 2, 3), Score(0.5, 1, 4), Score(0, 7, 0)]
    assert {sum(order, Score()) for order in permutations(parts)} == {Score(1.5, 10, 7)}
