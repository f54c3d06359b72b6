"""The ICDAR 2015 protocol on pages small enough to work out by hand."""

from typing import Any

import numpy as np
import pytest

from ocr_bench.labels import Line, Page
from ocr_bench.matching import distance_score, match_boxes, word_distance_score
from ocr_bench.metrics import Score
from ocr_bench.score import Answer, Tally


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


def test_a_line_picture_is_compared_as_a_whole() -> None:
    assert word_distance_score("J0INT", "Joint").hits == pytest.approx(0.8)


def test_a_page_goes_through_all_metrics(tmp_path: Any) -> None:
    lines = (line("Total 5", 0, 10), line("###", 40, 50))
    page = Page(tmp_path / "a.png", "Total 5", lines)
    tally = Tally()
    tally.add("lines", page, Answer.of([box(0, 10), box(40, 50)], ["TOTAL: 5", "smudge"], [0.9, 0.8]))
    found = tally.accuracy("lines")
    assert (found.token_f1, found.exact_lines, found.edit_similarity, found.det_hmean) == (1, 1, 1, 1)
    page_only = tally.accuracy("page")
    assert page_only.det_hmean is page_only.exact_lines is None


def test_an_answer_has_one_text_and_score_a_box() -> None:
    with pytest.raises(ValueError, match="1 boxes, 0 texts"):
        Answer.of([box(0, 10)], [], [])
    assert Answer.of([], [], []).boxes.shape == (0, 4, 2)
