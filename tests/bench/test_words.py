"""Word boxes against the places where words were drawn."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ocr_bench.contenders.contender import ChildContender
from ocr_bench.drawn.sheet import CJK, FONTS, Drawn
from ocr_bench.drawn.word_pages import word_page
from ocr_bench.measurements.words import WordBoxes, Words, WordTally
from ocr_bench.scoring.labels import Line
from ocr_bench.scoring.words import word_overlaps
from ocr_contract.result import OcrResult

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
NONE = np.empty((0, 4, 2), np.float32)

# A peer that gives two lines, of two words and of none.
CHILD = """
from ocr_bench.contenders import peer_child

BOX = [[0, 0], [9, 0], [9, 9], [0, 9]]
peer_child.serve("fake", lambda: lambda path: ([BOX, BOX], ["a b", ""], [0.5, 0.5], [[("a", BOX), ("b", BOX)], []]))
"""


def test_overlap_by_hand() -> None:
    right = SQUARE + np.float32([5, 0])
    taller = SQUARE * np.float32([1, 2])
    area, along = word_overlaps([SQUARE, SQUARE + 100], np.stack([right, taller]))
    assert area.tolist() == [0.5, 0]
    assert along.tolist() == [1, 0]
    area, along = word_overlaps([SQUARE], right[None])
    assert (area[0], along[0]) == pytest.approx((1 / 3, 1 / 3))


def test_nothing_known_and_nothing_found_are_ordinary() -> None:
    assert [each.tolist() for each in word_overlaps([], SQUARE[None])] == [[], []]
    assert [each.tolist() for each in word_overlaps([SQUARE], NONE)] == [[0], [0]]


@pytest.mark.parametrize("degrees", [30.0, 90.0, 180.0])
def test_what_a_box_covers_of_the_line_is_measured_along_it(degrees: float) -> None:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]], np.float32)
    half_and_taller = SQUARE * np.float32([0.5, 1.2])
    _, along = word_overlaps([SQUARE @ turn], (half_and_taller @ turn)[None])
    assert along[0] == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("degrees", [0.0, 8.0])
@pytest.mark.parametrize("font", FONTS)
def test_drawn_words_reach_as_far_as_their_ink(font: str, degrees: float) -> None:
    page = word_page(font, 24, degrees)
    assert page.kind == f"{font}, {'tilted' if degrees else 'level'}"
    assert sum(len(line.text) if font == CJK else len(line.text.split()) for line in page.lines) == len(page.words)
    rows, columns = np.nonzero(page.pixels[..., 0] < 128)
    ink = np.stack([columns, rows], axis=1) + 0.5
    for word in page.words[::7]:
        corner, right, _, down = word.polygon.astype(np.float64)
        along, across = right - corner, down - corner
        width = float(np.linalg.norm(along))
        x, y = (ink - corner) @ along / width, (ink - corner) @ across / (across @ across)
        own = x[(y > 0) & (y < 1) & (x > -1.5) & (x < width + 1.5)]
        assert own.min() < 2.5, word.text
        assert own.max() > width - 2.5, word.text


def test_a_childs_words_come_with_their_lines(tmp_path: Path) -> None:
    child = ChildContender("fake", [sys.executable, "-c", CHILD], tmp_path / "log")
    try:
        answer = child.read([Path("page.png")]).answers[0]
    finally:
        child.close()
    assert (answer.words, answer.word_lines.tolist()) == (("a", "b"), [0, 0])
    assert answer.word_boxes.shape == (2, 4, 2)


def test_figures_by_hand() -> None:
    page = Drawn("serif, level", 0, np.zeros((1, 1, 3), np.uint8), (), (Line("a", SQUARE), Line("b", SQUARE + 100)))
    answer = OcrResult(NONE, (), np.empty(0, np.float32), np.empty(0, np.float32))
    line = (SQUARE[None] + 1, ("a",), [1])
    given = OcrResult(*line, [1], words=line[1], word_boxes=line[0], word_scores=line[2], word_lines=[0])
    ours, peer = WordTally("serif, level", "ours"), WordTally("serif, level", "peer")
    ours.add(page, given)
    peer.add(page, answer)
    found = WordBoxes([ours, peer, WordTally("mono, level", "ours", 1, [1.0], [1.0])], ["x is left out: y"])
    rows = Words().table(found).rows
    assert rows[0] == ("serif, level", "ours", 2, 1, pytest.approx(81 / 119 / 2), 0.5, pytest.approx(9 / 11 / 2))
    assert rows[1] == ("serif, level", "peer", 2, 0, 0, 0, 0)
    together, missing = Words().notes(found)
    assert "| all | ours | 3 | 2 | 0.560 |" in together
    assert missing == "x is left out: y"
