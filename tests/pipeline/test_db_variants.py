"""Variants of DB post-processing, held to a plain version of what PaddleOCR publishes.

The plain version takes the long way: dilation as "one of four neighbours is text", scores as the mean over a mask of
the whole map, growing by shapely's buffers, which know no rounding to pixels.
"""

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_pipeline.stages.db_postprocess import PLAIN_DB, DbVariant, boxes_from_prob

THRESH, BOX_THRESH, UNCLIP_RATIO = 0.3, 0.6, 1.5
SLOW, POLY, DILATED = DbVariant(score_mode="slow"), DbVariant(box_type="poly"), DbVariant(use_dilation=True)
ALL = DbVariant("slow", "poly", True)


def find(prob, variant, picture_hw=None):
    return boxes_from_prob(
        prob, picture_hw or prob.shape, thresh=THRESH, box_thresh=BOX_THRESH, unclip_ratio=UNCLIP_RATIO, variant=variant
    )


def inside(polygon, shape):
    """(h, w) bool: the pixels of a map inside a polygon (K, 2)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [polygon.astype(np.int32)], 1)
    return mask == 1


def dilated(bitmap):
    """A pixel is text where it, its left, its upper or its upper left neighbour is (a kernel of 2 x 2)."""
    padded = np.pad(bitmap, ((1, 0), (1, 0)))
    return padded[1:, 1:] | padded[:-1, 1:] | padded[1:, :-1] | padded[:-1, :-1]


def grown(polygon, ratio):
    """A polygon moved out by area * ratio / perimeter with round corners; None where it is not one polygon."""
    shape = shapely.Polygon(polygon)
    around = shape.buffer(shape.area * ratio / shape.length, quad_segs=64)
    return np.array(around.exterior.coords, np.float32) if around.geom_type == "Polygon" else None


def reference(prob, variant):
    """Boxes, scores: for each contour its rectangle or polygon, its score, what it grows to, the rectangle of that."""
    bitmap = prob > THRESH
    if variant.use_dilation:
        bitmap = dilated(bitmap)
    contours, _ = cv2.findContours(bitmap.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes, scores = [], []
    for contour in contours:
        rect = cv2.minAreaRect(contour)
        if variant.box_type == "poly":
            corners = cv2.approxPolyDP(contour, 0.002 * cv2.arcLength(contour, True), True)[:, 0]
            if len(corners) < 4:
                continue
            scored = corners
        else:
            if min(rect[1]) < 3:
                continue
            corners = cv2.boxPoints(rect)
            scored = contour[:, 0] if variant.score_mode == "slow" else corners
        score = prob[inside(scored, prob.shape)].mean()
        if score < BOX_THRESH:
            continue
        polygon = grown(corners, UNCLIP_RATIO)
        if polygon is None:
            continue
        around = cv2.minAreaRect(polygon)
        if min(around[1]) < 5:
            continue
        boxes.append(np.clip(cv2.boxPoints(around), 0, prob.shape[::-1]))
        scores.append(score)
    return np.array(boxes, np.float32).reshape(-1, 4, 2), np.array(scores, np.float32)


def same(found, boxes, scores):
    """Whether every box is found with its score; PaddleOCR's clipper rounds to pixels, so boxes differ a bit."""
    assert len(found) == len(boxes)
    places = [shapely.Polygon(box) for box in found.boxes]
    for box, score in zip(map(shapely.Polygon, boxes), scores, strict=True):
        overlaps = [box.intersection(place).area / box.union(place).area for place in places]
        nearest = int(np.argmax(overlaps))
        assert overlaps[nearest] > 0.85
        assert found.box_scores[nearest] == pytest.approx(score, abs=1e-5)


def drawn(*polygons, shape=(240, 320)):
    """A probability map of filled polygons, blurred as a network's are: text is sure of itself inside."""
    prob = np.zeros(shape, np.float32)
    for polygon in polygons:
        cv2.fillPoly(prob, [np.array(polygon, np.int32)], 1.0)
    return cv2.GaussianBlur(prob, (5, 5), 1.0)


def arc(centre, radius, thickness, start, end):
    """A curved line of text, between two angles in degrees."""
    angles = np.radians(np.linspace(start, end, 24))
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.rint(np.concatenate([centre + radius * rays, centre + (radius - thickness) * rays[::-1]])).astype(int)


STRAIGHT = [(40, 30), (280, 50), (278, 74), (38, 54)]
CURVED = arc(np.array([160, 230]), 150, 26, 210, 330)
L_SHAPED = [(30, 100), (60, 100), (60, 190), (200, 190), (200, 214), (30, 214)]


@pytest.mark.parametrize("variant", [PLAIN_DB, SLOW, POLY, DILATED, ALL], ids=str)
@pytest.mark.parametrize("polygons", [(), (STRAIGHT,), (CURVED,), (STRAIGHT, L_SHAPED), (STRAIGHT, CURVED)])
def test_drawn_lines_are_found_as_the_plain_version_finds_them(polygons, variant):
    prob = drawn(*polygons)
    same(find(prob, variant), *reference(prob, variant))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(60, 90), st.integers(10, 20), st.integers(0, 179)), min_size=1, max_size=4),
    st.sampled_from([SLOW, POLY, DILATED, ALL]),
)
def test_lines_of_any_size_at_any_angle_are_found_as_the_plain_version_finds_them(sizes, variant):
    centres = [(80, 60), (240, 60), (80, 180), (240, 180)]
    rects = [(centre, (width, height), angle) for centre, (width, height, angle) in zip(centres, sizes, strict=False)]
    prob = drawn(*map(cv2.boxPoints, rects))
    same(find(prob, variant), *reference(prob, variant))


@pytest.mark.parametrize("variant", [SLOW, POLY, ALL], ids=str)
def test_a_curved_line_is_scored_low_by_its_rectangle_and_high_by_its_contour_and_its_polygon(variant):
    prob = drawn(CURVED)
    assert len(find(prob, PLAIN_DB)) == 0
    (score,) = find(prob, variant).box_scores
    assert score > 0.8


def test_the_box_of_a_polygon_is_smaller_than_that_of_its_grown_rectangle():
    """The rectangle of a curved line holds much that is not text, so it grows further than the line itself."""
    prob = drawn(CURVED)
    area = {
        variant.box_type: cv2.contourArea(find(prob, variant).boxes[0]) for variant in (SLOW, DbVariant("slow", "poly"))
    }
    assert area["poly"] < 0.85 * area["quad"]


def test_dilation_joins_what_a_gap_of_one_pixel_parts():
    prob = np.zeros((60, 120), np.float32)
    prob[20:40, 10:50] = prob[20:40, 51:100] = 0.9
    assert len(find(prob, PLAIN_DB)) == 2
    assert len(find(prob, DILATED)) == 1


def test_a_triangle_is_no_line_where_polygons_are_asked_for():
    prob = np.zeros((120, 120), np.float32)
    cv2.fillPoly(prob, [np.array([(10, 10), (110, 10), (10, 110)], np.int32)], 0.9)
    assert len(find(prob, SLOW)) == 1
    assert len(find(prob, POLY)) == 0


@pytest.mark.parametrize("variant", [SLOW, POLY, DILATED, ALL], ids=str)
def test_boxes_of_every_variant_are_for_the_picture(variant):
    prob = drawn(STRAIGHT)
    (on_map,), (on_picture,) = find(prob, variant).boxes, find(prob, variant, (480, 960)).boxes
    np.testing.assert_allclose(on_picture, on_map * (3, 2), atol=0.01)


@pytest.mark.parametrize("variant", [PLAIN_DB, SLOW, POLY, DILATED, ALL], ids=str)
def test_an_empty_map_has_no_boxes(variant):
    found = find(np.zeros((64, 96), np.float32), variant)
    assert found.boxes.shape == (0, 4, 2)
    assert found.box_scores.shape == (0,)
