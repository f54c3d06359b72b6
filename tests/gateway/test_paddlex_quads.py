"""Boxes as PaddleX gives them, against the rules of its code written out step by step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_gateway.ways.paddlex.quads import (
    are_same,
    directions,
    extents,
    order,
    quarters_of,
    runs_to_right,
    turned,
    whole,
)

NONE = np.empty((0, 4, 2), np.float32)
SIZE = (400, 300)
whole_numbers = st.integers(0, 60)
quads = st.lists(st.lists(st.tuples(whole_numbers, whole_numbers), min_size=4, max_size=4), max_size=25)


def box(left, top, width, height, begins_at=0):
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    return np.roll(np.array([corners], np.float32), -begins_at, axis=1)


def sort_quad_boxes(boxes):
    """SortQuadBoxes: by height, then from the left; then neighbours on a row change places."""
    boxes = sorted(boxes, key=lambda box: (box[0][1], box[0][0]))
    for i in range(len(boxes) - 1):
        for j in range(i, -1, -1):
            if abs(boxes[j + 1][0][1] - boxes[j][0][1]) < 10 and boxes[j + 1][0][0] < boxes[j][0][0]:
                boxes[j], boxes[j + 1] = boxes[j + 1], boxes[j]
            else:
                break
    return boxes


def mini_boxes(corners):
    """get_mini_boxes: of the two corners on the left the upper one is first, of those on the right it is second."""
    corners = sorted(corners, key=lambda corner: corner[0])
    first, fourth = sorted(corners[:2], key=lambda corner: corner[1])
    second, third = sorted(corners[2:], key=lambda corner: corner[1])
    return [first, second, third, fourth]


@given(quads)
def test_order_is_that_of_the_code_written_out(boxes):
    ranked = [boxes[i] for i in order(np.array(boxes, np.int64).reshape(-1, 4, 2))]
    assert [one[0] for one in ranked] == [one[0] for one in sort_quad_boxes(boxes)]


@given(quads)
def test_corners_are_those_of_the_code_written_out(boxes):
    found = whole(np.array(boxes, np.float32).reshape(-1, 4, 2), (60, 60))
    assert found.dtype == np.int64
    assert [[tuple(corner) for corner in one] for one in found.tolist()] == [mini_boxes(one) for one in boxes]


def test_pixels_are_whole_and_on_the_page():
    quad = np.array([[[-3.2, 10.6], [500, 10.4], [500, 30], [-3, 30]]], np.float32)
    assert whole(quad, SIZE).tolist() == [[[0, 11], [400, 10], [400, 30], [0, 30]]]


@pytest.mark.parametrize("begins_at", range(4))
def test_corners_do_not_depend_on_where_the_text_begins(begins_at):
    assert whole(box(10, 20, 5, 50, begins_at), SIZE).tolist() == [[[10, 20], [15, 20], [15, 70], [10, 70]]]


@pytest.mark.parametrize("quarters", range(4))
def test_points_turn_as_pixels_do(quarters):
    """A pixel's middle goes where the pixel goes."""
    width, height = 7, 5
    page = np.arange(width * height).reshape(height, width)
    middles = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1).astype(np.float32)
    x, y = np.moveaxis(np.floor(turned(middles, quarters, (width, height))).astype(int), -1, 0)
    assert (np.rot90(page, quarters)[y, x] == page).all()


@pytest.mark.parametrize("begins_at", range(4))
def test_direction_is_where_the_text_runs_to(begins_at):
    assert directions(box(10, 10, 100, 90, begins_at)).tolist() == [begins_at]


class TestTurns:
    """How a page lies is told from the directions of its text."""

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_lines(self, quarters):
        lines = np.concatenate([box(10, 40 * i, 200, 20) for i in range(5)])
        sent = turned(lines, 4 - quarters, SIZE)
        assert not runs_to_right(sent)
        assert quarters_of(sent) == quarters

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_more_columns_than_lines(self, quarters):
        upright = np.concatenate([box(10, 10, 200, 20), *(box(10 + 40 * i, 40, 20, 220, 1) for i in range(5))])
        assert quarters_of(turned(upright, 4 - quarters, SIZE)) == quarters

    def test_nothing_is_as_good_as_upright(self):
        assert runs_to_right(NONE)
        assert runs_to_right(box(10, 10, 100, 20))

    def test_boxes_of_one_detection_are_the_same_wherever_they_begin(self):
        boxes = np.concatenate([box(10, 40 * i, 200, 20) for i in range(5)])
        again = np.concatenate([box(10, 40 * i, 200, 20, 1) for i in reversed(range(5))])
        assert are_same(boxes, again)
        assert not are_same(boxes, boxes + 1)
        assert not are_same(boxes, NONE)


def test_no_boxes():
    assert whole(NONE, SIZE).shape == (0, 4, 2)
    assert order(whole(NONE, SIZE)).shape == (0,)
    assert extents(whole(NONE, SIZE)).shape == (0, 4)
    assert turned(NONE, 1, SIZE).shape == (0, 4, 2)
