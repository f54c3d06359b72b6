"""Pages that are turned: how that is found, and where their boxes come to lie."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_contract.options import OCR, resolve
from ocr_pipeline.parameters import Parameters
from ocr_pipeline.stages.crops import from_own_top_left
from ocr_pipeline.stages.doc_orientation import (
    MAX_ASKED,
    Turn,
    both_ways,
    page_turn,
    telling_lines,
    turn_back,
    turn_page,
    turned_squares,
    votes,
)
from ocr_pipeline.stages.orientation import CLS_BATCH
from ocr_pipeline.upright import find_upright, which_turn


class NoClock:
    def stage(self, name):
        return contextlib.nullcontext()


def boxes_of(*sizes, at=(10, 10)):
    """Upright rectangles of these sizes, begun as lines that the detector has found."""
    quads = [[[0, 0], [width, 0], [width, height], [0, height]] for width, height in sizes]
    return from_own_top_left(np.array(quads, np.float32).reshape(-1, 4, 2) + np.float32(at))


LYING, STANDING = boxes_of((200, 20)), boxes_of((20, 200))


@pytest.mark.parametrize(
    ("boxes", "line", "squares", "turn"),
    [
        (LYING, 1, -1, Turn.NONE),
        (LYING, -1, 1, Turn.HALF),
        (LYING, 1, 0, Turn.NONE),  # squares of Latin letters say nothing
        (LYING, -1, 0, Turn.HALF),
        (LYING, -0.1, 0, Turn.NONE),  # a page that says little stays
        (STANDING, 1, -1, Turn.THREE_QUARTERS),
        (STANDING, -1, 1, Turn.QUARTER),
        (STANDING, 1, 0, Turn.THREE_QUARTERS),
        (STANDING, -1, 0, Turn.QUARTER),
        (STANDING, 1, 1, Turn.NONE),  # columns of upright characters
        (STANDING, -1, -1, Turn.HALF),
        (LYING, 1, 1, Turn.QUARTER),  # the same, on their side
        (LYING, -1, -1, Turn.THREE_QUARTERS),
    ],
)
def test_lines_and_their_squares_say_how_the_page_is_turned(boxes, line, squares, turn):
    assert page_turn(boxes, line, squares) == turn


def test_lying_lines_are_taken_for_columns_only_where_their_squares_leave_no_doubt():
    assert page_turn(LYING, 1, 0.8) == Turn.NONE
    assert page_turn(LYING, -1, -0.8) == Turn.HALF
    assert page_turn(STANDING, 1, 0.8) == Turn.NONE, "an upright page of columns is not turned either"


@pytest.mark.parametrize(
    ("line", "squares", "turn"),
    [
        (1, 0.1, Turn.NONE),  # upright letters, narrow ones
        (0.7, -1, Turn.NONE),
        (1, -0.5, Turn.THREE_QUARTERS),
        (-1, 0.5, Turn.QUARTER),
        (-1, -1, Turn.HALF),
    ],
)
def test_a_page_of_very_short_words_is_turned_only_where_all_votes_are_sure(line, squares, turn):
    assert page_turn(boxes_of((20, 34), (20, 32)), line, squares) == turn


@pytest.mark.parametrize(("line", "turn"), [(1, Turn.NONE), (-1, Turn.HALF)])
def test_what_the_classifier_says_of_squares_on_their_heads_too_does_not_count(line, turn):
    """It has a liking for some Latin letters, however they stand."""
    calls = []

    def classify(crops):
        calls.append(len(crops))
        half = len(crops) // 2
        said = np.repeat([line, -line] if len(calls) == 1 else [line, line], half)
        return (said < 0).astype(np.int64), np.ones(2 * half, np.float32)

    assert which_turn(BARS, boxes_of((300, 24), (300, 24)), classify, NoClock()) == turn
    assert len(calls) == 2


@pytest.mark.parametrize(("signs", "turn"), [((1, -1, -1), Turn.NONE), ((-1, 1, 1), Turn.HALF)])
def test_long_lines_count_for_more(signs, turn):
    calls = []

    def classify(crops):
        calls.append(len(crops))
        said = np.array([*signs, *(-sign for sign in signs)]) if len(calls) == 1 else np.ones(len(crops))
        return (said < 0).astype(np.int64), np.ones(len(crops), np.float32)

    assert which_turn(BARS, boxes_of((400, 20), (100, 20), (100, 20)), classify, NoClock()) == turn


def test_a_page_without_lines_that_tell_stays_as_it_is():
    assert len(telling_lines(boxes_of())) == len(telling_lines(boxes_of((30, 25), (25, 30)))) == 0


def test_the_longest_lines_of_the_majority_are_asked():
    assert telling_lines(boxes_of((100, 20), (20, 300), (150, 20), (22, 20), (120, 20))).tolist() == [2, 4, 0]
    assert telling_lines(boxes_of((100, 20), (20, 300), (150, 20))).tolist() == [1]
    many = boxes_of(*((100 + number, 20) for number in range(100)))
    assert telling_lines(many).tolist() == list(range(99, 99 - MAX_ASKED, -1))
    assert 2 * MAX_ASKED <= CLS_BATCH, "each is shown both ways"


def test_votes_are_what_the_classifier_says_of_a_line_less_what_it_says_of_it_on_its_head():
    labels, scores = np.array([0, 1, 0, 1, 1, 0, 0, 1]), np.array([1, 1, 1, 0.75, 1, 0.5, 1, 0.5], np.float32)
    assert votes(labels, scores).tolist() == [1, -0.5, 0, -0.25]
    line = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    as_is, turned = both_ways([line])
    assert np.array_equal(as_is, line)
    assert np.array_equal(turned, np.rot90(line, 2))


def test_squares_are_turned_where_they_stand():
    line = np.zeros((48, 100, 3), np.uint8)
    line[:10, :50] = 255  # the top of the first square
    (squares,) = turned_squares([line])
    assert squares.shape == (48, 96, 3)
    assert (squares[:, 40:48] == 255).all(), "it is on the right now"
    assert (squares[:, :36] == 0).all()
    assert (squares[:, 48:] == 0).all()
    assert [shown.shape for shown in turned_squares([np.zeros((48, 3, 3), np.uint8)])] == [(48, 48, 3)]


def test_long_lines_are_shown_in_parts_and_of_many_parts_some():
    blank = np.zeros((48, 48 * 9, 3), np.uint8)
    assert [shown.shape[1] // 48 for shown in turned_squares([blank])] == [3, 3, 3]
    many = [np.full((48, 192, 3), number, np.uint8) for number in range(100)]
    shown = [int(picture[0, 0, 0]) for picture in turned_squares(many)]
    assert len(shown) == MAX_ASKED
    assert (shown[0], shown[-1]) == (0, 99)
    assert turned_squares([]) == []


@given(st.sampled_from(Turn), st.integers(2, 40), st.integers(2, 40), st.data())
def test_a_box_comes_back_to_the_pixels_that_it_holds(turn, height, width, data):
    pixels = np.random.default_rng(height * 41 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    turned = turn_page(pixels, turn)
    assert np.array_equal(turned, np.rot90(pixels, -turn))
    left, top = data.draw(st.integers(0, turned.shape[1] - 1)), data.draw(st.integers(0, turned.shape[0] - 1))
    right, bottom = data.draw(st.integers(left + 1, turned.shape[1])), data.draw(st.integers(top + 1, turned.shape[0]))
    box = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float32)
    (before,) = turn_back(box, turn, (height, width))
    low, high = before.min(axis=0).astype(int), before.max(axis=0).astype(int)
    held = pixels[low[1] : high[1], low[0] : high[0]]
    assert np.array_equal(np.rot90(held, -turn), turned[top:bottom, left:right])
    # Clockwise from the same corner: warped by its corners it is the same picture.
    along, across = before[1] - before[0], before[3] - before[0]
    assert along[0] * across[1] - along[1] * across[0] > 0
    assert np.array_equal(np.linalg.norm([along, across], axis=1), [right - left, bottom - top])


def test_no_boxes_come_back_as_none():
    for turn in Turn:
        assert turn_back(np.zeros((0, 4, 2), np.float32), turn, (30, 40)).shape == (0, 4, 2)


# Bright bars, brightest where a reader begins.
BARS = np.zeros((320, 480, 3), np.uint8)
for row in range(40, 280, 60):
    BARS[row : row + 24, 60:420] = np.linspace(255, 120, 360).astype(np.uint8)[None, :, None]


def detect(tile):
    return (tile[..., 0] > 60).astype(np.float32)


def classifier():
    """Finds lines upright whose left is brighter; of squares, asked about after them, it can say nothing."""
    asked = []

    def classify(crops):
        asked.append(len(crops))
        half = crops.shape[2] // 2
        is_down = crops[:, :, :half].mean((1, 2, 3)) < crops[:, :, half:].mean((1, 2, 3))
        return is_down.astype(np.int64), np.full(len(crops), 1 if len(asked) == 1 else 0.5, np.float32)

    return classify


def found_on(picture, **options):
    return find_upright(
        picture, detect, classifier(), resolve(options, OCR), NoClock(), parameters=Parameters(), max_lines=100
    )


@pytest.mark.parametrize("turned", range(4))
def test_a_turned_picture_is_read_upright_and_its_boxes_lie_in_the_picture_as_sent(turned):
    sent = np.ascontiguousarray(np.rot90(BARS, -turned))
    upright = found_on(sent, use_doc_orientation_classify=True)
    assert np.array_equal(upright.pixels, BARS)
    assert upright.turn == -turned % 4
    expected = found_on(BARS)
    assert len(expected.found) == 4
    assert np.array_equal(upright.found.boxes, expected.found.boxes)
    boxes = upright.as_sent(upright.found.boxes).boxes
    assert (boxes >= 0).all()
    assert (boxes <= np.array(sent.shape[1::-1])).all()
    middle = boxes.mean(axis=1)
    to_begin = (boxes[:, 0] + boxes[:, 3] - boxes[:, 1] - boxes[:, 2]) / 2
    near, far = (np.rint(middle + share * to_begin).astype(int) for share in (0.4, -0.4))
    assert (sent[near[:, 1], near[:, 0], 0] > sent[far[:, 1], far[:, 0], 0]).all(), "each begins where its text does"


def test_a_picture_is_turned_only_where_that_is_asked_for():
    sent = np.ascontiguousarray(np.rot90(BARS, 2))
    plain = found_on(sent)
    assert plain.turn == Turn.NONE
    assert plain.pixels is sent
    assert plain.as_sent(plain.found.boxes) == plain.found


def test_the_classifier_is_not_asked_where_there_is_no_text():
    def never(crops):
        raise AssertionError("asked")

    assert which_turn(BARS, np.zeros((0, 4, 2), np.float32), never, NoClock()) == Turn.NONE
