"""Boxes from a probability map, held to a plain transcription of the published algorithm with pyclipper."""

import cv2
import numpy as np
import pyclipper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_contract.errors import TooMuchText
from ocr_pipeline.stages.db_postprocess import box_score, boxes_from_prob, order_corners, unclip

PARAMETERS = {"thresh": 0.3, "box_thresh": 0.6, "unclip_ratio": 1.5}


def map_with(*rects, shape=(400, 600), level=0.9):
    """A probability map with filled rotated rectangles ((centre x, centre y), (width, height), degrees)."""
    prob = np.zeros(shape, np.float32)
    for rect in rects:
        cv2.fillPoly(prob, [np.rint(cv2.boxPoints(rect)).astype(np.int32)], level)
    return prob


def reference_boxes(prob, parameters):
    """Contour, smallest rectangle, score, polygon offset with round joins, smallest rectangle again."""
    bitmap = (prob > parameters["thresh"]).astype(np.uint8) * 255
    contours, _ = cv2.findContours(bitmap, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        rect = cv2.minAreaRect(contour)
        if min(rect[1]) < 3:
            continue
        quad = cv2.boxPoints(rect)
        mask = np.zeros(prob.shape, np.uint8)
        cv2.fillPoly(mask, [quad.astype(np.int32)], 1)
        if prob[mask == 1].mean() < parameters["box_thresh"]:
            continue
        area, perimeter = cv2.contourArea(quad), cv2.arcLength(quad, True)
        offset = pyclipper.PyclipperOffset()
        offset.AddPath(np.rint(quad * 64).astype(int), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
        grown = np.array(offset.Execute(64 * area * parameters["unclip_ratio"] / perimeter)[0]) / 64
        rect = cv2.minAreaRect(grown.astype(np.float32))
        found.append(np.clip(cv2.boxPoints(rect), 0, prob.shape[::-1]))
    return np.array(found, np.float32).reshape(-1, 4, 2)


def same_boxes(one, other, tolerance_px):
    """Whether every box of `one` has its like in `other`, corners compared without regard to where they begin."""
    assert len(one) == len(other)
    for box in one:
        distance = min(
            np.abs(box - np.roll(candidate[::direction], shift, axis=0)).max()
            for candidate in other
            for shift in range(4)
            for direction in (1, -1)
        )
        assert distance <= tolerance_px


@pytest.mark.parametrize("prob", [np.zeros((64, 96), np.float32), np.full((32, 32), 0.29, np.float32)])
def test_no_text_gives_empty_arrays_of_the_right_shape(prob):
    found = boxes_from_prob(prob, (100, 100), **PARAMETERS)
    assert found.boxes.shape == (0, 4, 2)
    assert found.box_scores.shape == (0,)
    assert found.boxes.dtype == found.box_scores.dtype == np.float32


@pytest.mark.parametrize("angle", [0, 7, 30, 45, 88, 135])
def test_a_line_at_any_angle_is_found_as_the_reference_finds_it(angle):
    prob = map_with(((300, 200), (180, 24), angle))
    found = boxes_from_prob(prob, prob.shape, **PARAMETERS)
    same_boxes(found.boxes, reference_boxes(prob, PARAMETERS), tolerance_px=1.0)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.tuples(st.integers(60, 540), st.integers(60, 340)),
            st.tuples(st.integers(6, 120), st.integers(6, 40)),
            st.integers(0, 179),
        ),
        max_size=6,
    ),
    st.floats(0.5, 2.5),
)
def test_many_lines_are_found_as_the_reference_finds_them(rects, unclip_ratio):
    prob = map_with(*rects)
    parameters = {**PARAMETERS, "unclip_ratio": unclip_ratio}
    found = boxes_from_prob(prob, prob.shape, **parameters)
    expected = list(reference_boxes(prob, parameters))
    sides = [np.linalg.norm(np.diff(box[[0, 1, 2]], axis=0), axis=1).min() for box in expected]
    same_boxes(found.boxes, np.array([box for box, side in zip(expected, sides, strict=True) if side > 3]), 1.5)


def test_unclip_moves_every_side_by_area_times_ratio_over_perimeter():
    _, (width, height), angle = unclip(((50, 50), (100, 20), 30), 1.5)
    distance = 100 * 20 * 1.5 / 240
    assert (width, height) == (100 + 2 * distance, 20 + 2 * distance)
    assert angle == 30


def test_boxes_are_scaled_to_the_picture_and_clipped_to_it():
    prob = map_with(((20, 20), (60, 30), 0), shape=(200, 300))
    found = boxes_from_prob(prob, (400, 900), **PARAMETERS)
    (box,) = found.boxes
    assert box.min() == 0
    distance = 50 * 35 * 1.5 / (2 * (50 + 35))  # the part of the rectangle that lies on the map
    assert box[2, 0] == pytest.approx((50 + distance) * 3, abs=6)
    assert box[2, 1] == pytest.approx((35 + distance) * 2, abs=4)


def test_scores_stay_with_their_boxes():
    prob = map_with(((300, 300), (200, 20), 0), level=0.7) + map_with(((300, 100), (200, 20), 0), level=0.95)
    found = boxes_from_prob(prob, prob.shape, **PARAMETERS)
    by_height = np.argsort(found.boxes[:, 0, 1])
    assert found.box_scores[by_height] == pytest.approx([0.95, 0.7], abs=0.02)


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({}, 2),
        ({"box_thresh": 0.8}, 1),
        ({"thresh": 0.8}, 1),
        ({"thresh": 0.97}, 0),
    ],
)
def test_thresholds(parameters, count):
    prob = map_with(((300, 300), (200, 20), 0), level=0.7) + map_with(((300, 100), (200, 20), 0), level=0.95)
    assert len(boxes_from_prob(prob, prob.shape, **{**PARAMETERS, **parameters})) == count


def test_specks_are_dropped():
    assert len(boxes_from_prob(map_with(((300, 200), (40, 1), 0)), (400, 600), **PARAMETERS)) == 0


def test_box_score_is_the_mean_inside_the_quad():
    prob = np.random.default_rng(1).random((50, 80), dtype=np.float32)
    quad = np.array([[10.2, 5.7], [60.9, 5.7], [60.9, 30.1], [10.2, 30.1]], np.float32)
    assert box_score(prob, quad) == pytest.approx(prob[5:31, 10:61].mean(), abs=1e-6)


def test_box_score_of_a_quad_that_leaves_the_map():
    prob = np.full((20, 20), 0.8, np.float32)
    quad = np.array([[-5, -5], [25, -5], [25, 25], [-5, 25]], np.float32)
    assert box_score(prob, quad) == pytest.approx(0.8)


@pytest.mark.parametrize("degrees", [-40, -20, -8, 0, 8, 20, 40])
@pytest.mark.parametrize("size", [(200, 20), (20, 200), (60, 60)])
def test_a_box_begins_at_its_top_left_however_it_leans(size, degrees):
    (box,) = order_corners(cv2.boxPoints(((300, 200), size, degrees))[None])
    angle = np.deg2rad(degrees)
    along, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    width, height = size
    middle = np.array([300, 200])
    expected = [middle + x * width / 2 * along + y * height / 2 * down for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    assert np.allclose(box, expected, atol=1e-3)


@pytest.mark.parametrize("shift", range(4))
def test_corners_are_ordered_clockwise_from_the_top_left(shift):
    quad = np.array([[10, 12], [90, 10], [91, 30], [11, 32]], np.float32)
    assert np.array_equal(order_corners(np.roll(quad, shift, axis=0)[None])[0], quad)


def page_of_lines(lines, specks):
    """Lines of text at the top of a map, specks of one pixel below them."""
    prob = np.zeros((1600, 1200), np.float32)
    for line in range(lines):
        prob[20 + 12 * line : 26 + 12 * line, 40:600] = 0.9
    rng = np.random.default_rng(2)
    for at in rng.choice(800 * 1198 // 4, specks, replace=False):
        prob[790 + 2 * (at // 599), 1 + 2 * (at % 599)] = 0.9
    return prob


@pytest.mark.parametrize("specks", [0, 1500, 20_000])
def test_noise_never_takes_the_place_of_text(specks):
    prob = page_of_lines(58, specks)
    assert len(boxes_from_prob(prob, prob.shape, **PARAMETERS)) == 58


def test_every_line_of_a_crowded_page_is_found_whatever_their_number():
    prob = np.zeros((1600, 1600), np.float32)
    for row in range(100):
        for column in range(40):
            prob[16 * row : 16 * row + 8, 40 * column : 40 * column + 30] = 0.9
    assert len(boxes_from_prob(prob, prob.shape, **PARAMETERS)) == 4000


def test_a_page_with_more_lines_than_the_limit_is_refused_and_not_cut():
    prob = page_of_lines(58, 100)
    assert len(boxes_from_prob(prob, prob.shape, **PARAMETERS, max_lines=58)) == 58
    with pytest.raises(TooMuchText, match=r"more than 57 text lines.*max_lines"):
        boxes_from_prob(prob, prob.shape, **PARAMETERS, max_lines=57)


def test_probabilities_that_are_no_numbers_are_no_text():
    prob = map_with(((300, 100), (200, 20), 0), ((300, 300), (200, 20), 0))
    prob[295:305, 290:310] = np.nan
    found = boxes_from_prob(prob, prob.shape, **PARAMETERS)
    assert len(found) == 1
    assert np.isfinite(found.box_scores).all()
    assert len(boxes_from_prob(np.full((64, 64), np.nan, np.float32), (64, 64), **PARAMETERS)) == 0
