"""The ICDAR 2015 protocol on pages small enough to work out by hand."""

from typing import Any

import numpy as np
import pytest

from ocr_bench.scoring.labels import Line, Page
from ocr_bench.scoring.matching import distance_score, ious, match_boxes, shapes
from ocr_bench.scoring.metrics import Score
from ocr_bench.scoring.score import Tally
from ocr_contract.result import OcrResult, RecognitionResult


def box(left: float, right: float, top: float = 0, bottom: float = 10) -> Any:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def line(text: str, left: float, right: float) -> Line:
    return Line(text, box(left, right))


def test_nothing_found_and_nothing_there() -> None:
    assert match_boxes([], []).score == Score(0, 0, 0)
    assert match_boxes([box(0, 10)], []).score == Score(0, 1, 0)
    assert match_boxes([], [line("a", 0, 10)]).score == Score(0, 0, 1)


def test_one_to_one() -> None:
    matching = match_boxes([box(0, 10), box(0, 11)], [line("a", 0, 10)])
    assert matching.pairs == ((0, 0),)
    assert matching.score == Score(hits=1, predicted=2, labelled=1)


def test_half_an_overlap_is_not_enough() -> None:
    assert match_boxes([box(0, 20)], [line("a", 0, 10)]).pairs == ()  # IoU 0.5 exactly
    assert match_boxes([box(0, 19)], [line("a", 0, 10)]).pairs == ((0, 0),)


def test_boxes_on_do_not_care_regions_are_left_out() -> None:
    lines = [line("###", 0, 100), line("a", 200, 210)]
    matching = match_boxes([box(0, 30), box(90, 105), box(96, 110), box(200, 210)], lines)
    assert matching.predicted == (2, 3)  # 4 of the third one's 14 pixels lie on the region
    assert matching.labelled == (1,)
    assert matching.pairs == ((1, 3),)


def test_the_first_free_box_is_taken_not_the_best() -> None:
    matching = match_boxes([box(0, 8), box(0, 10)], [line("a", 0, 10), line("b", 0, 8)])
    assert matching.pairs == ((0, 0), (1, 1))


def test_edit_distance_counts_pairs_and_loners() -> None:
    lines = [line("abcd", 0, 10), line("lost", 20, 30), line("###", 40, 50)]
    boxes = [box(0, 10), box(60, 70), box(40, 50)]
    texts = ["ABC", "invented", "whatever"]
    score = distance_score(match_boxes(boxes, lines), texts, lines)
    assert score.labelled == score.predicted == 3  # one pair, one lost line, one invented box
    assert score.precision == pytest.approx(0.75 / 3)


def test_a_page_goes_through_all_metrics(tmp_path: Any) -> None:
    lines = (line("Total 5", 0, 10), line("###", 40, 50))
    page = Page(tmp_path / "a.png", "Total 5", lines)
    answer = OcrResult(np.stack([box(0, 10), box(40, 50)]), ("TOTAL: 5", "smudge"), [0.9, 0.8], [0.9, 0.8])
    tally, page_only = Tally("lines"), Tally("page")
    for each in (tally, page_only):
        each.add(page, answer)
    found = tally.accuracy
    assert (found.token_f1, found.exact_lines, found.edit_similarity, found.det_hmean) == (1, 1, 1, 1)
    assert page_only.accuracy.token_f1 == 1
    assert page_only.accuracy.det_hmean is page_only.accuracy.exact_lines is None


def test_a_line_picture_is_compared_as_a_whole(tmp_path: Any) -> None:
    tally = Tally("words")
    tally.add(Page(tmp_path / "a.png", "Joint"), RecognitionResult(("J0INT",), [0.9]))
    found = tally.accuracy
    assert (found.edit_similarity, found.exact_lines, found.det_hmean) == (pytest.approx(0.8), 0, None)


def polygon(*points: tuple[float, float]) -> Any:
    return np.array(points, np.float32)


def iou(first: Any, second: Any) -> float:
    return float(ious(shapes([first]), shapes([second]))[0, 0])


def test_iou_by_hand() -> None:
    assert iou(box(0, 10), box(5, 15)) == pytest.approx(50 / 150)
    assert iou(box(0, 10), box(0, 10)) == pytest.approx(1)
    assert iou(box(0, 10), box(10, 20)) == 0
    assert iou(box(0, 10), polygon((5, 0), (10, 5), (5, 10), (0, 5))) == pytest.approx(0.5)


def test_direction_and_first_corner_do_not_matter() -> None:
    square, other = box(0, 10), box(3, 12, 2, 9)
    for turned in (np.roll(square, 1, axis=0), square[::-1]):
        assert iou(turned, other) == pytest.approx(iou(square, other))


def test_labels_that_cross_themselves_count_with_all_their_area() -> None:
    bow_tie = polygon((0, 0), (10, 10), (10, 0), (0, 10))
    assert iou(bow_tie, box(0, 10)) == pytest.approx(0.5)


def test_a_polygon_without_area_shares_nothing() -> None:
    line = polygon((0, 0), (10, 10), (5, 5), (2, 2))
    assert iou(line, box(0, 10)) == iou(line, line) == 0
    assert match_boxes([line], [Line("###", box(0, 10)), Line("a", box(0, 10))]).predicted == (0,)
