"""Probability map to text boxes: DB post-processing (Liao et al. 2020, PaddleOCR's `DBPostProcess`).

Per contour of the thresholded map: smallest rectangle around it, mean probability inside ("fast" score), unclip.
PaddleOCR grows the rectangle with a polygon clipper and takes the smallest rectangle around the rounded result.
That rectangle is the first one, each side moved out by the same distance, so it is computed directly.

PaddleOCR looks at `max_candidates` contours, the lowest on the page first, noise included, and leaves the text of the
others out. Here noise is dropped first, and a page with more lines than `max_lines` is refused.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt
import pyclipper

from ocr_contract.errors import TooMuchText
from ocr_contract.result import DetectionResult
from ocr_contract.shown import shown

MIN_SIZE = 3  # pixels of the map: contours whose rectangle has a shorter side are noise
MIN_BOX_SIDE = 3  # pixels of the picture: boxes with a side no longer than this are dropped
MAX_LINES = 10_000
POLYGON_EPSILON = 0.002  # of a contour's length: how far its polygon may lie from it (PaddleOCR)
MIN_POLYGON_CORNERS = 4  # contours whose polygon has fewer are noise (PaddleOCR)

Boxes = npt.NDArray[np.float32]
ProbabilityMap = npt.NDArray[np.float32] | npt.NDArray[np.uint8]
ScoreMode = Literal["fast", "slow"]
BoxType = Literal["quad", "poly"]


@dataclass(frozen=True)
class DbVariant:
    """The kind of DB post-processing that a detector was tuned with (names and values are PaddleOCR's).

    Attributes:
        score_mode: "fast": a quad's score is the mean probability inside the rectangle around its contour; "slow":
            inside the contour. The score of a polygon is always that inside it.
        box_type: what is grown by `unclip_ratio`: "quad": the rectangle around the contour; "poly": the contour's
            polygon, around which the rectangle is taken then.
        use_dilation: thicken the thresholded map by a pixel before contours are looked for.
    """

    score_mode: ScoreMode = "fast"
    box_type: BoxType = "quad"
    use_dilation: bool = False

    def __post_init__(self) -> None:
        if self.score_mode not in get_args(ScoreMode):
            raise ValueError(f"score_mode must be {' or '.join(get_args(ScoreMode))}, not {shown(self.score_mode)}")
        if self.box_type not in get_args(BoxType):
            raise ValueError(f"box_type must be {' or '.join(get_args(BoxType))}, not {shown(self.box_type)}")
        if not isinstance(self.use_dilation, bool):
            raise ValueError(f"use_dilation must be true or false, not {shown(self.use_dilation)}")


PLAIN_DB = DbVariant()


def boxes_from_prob(
    prob: ProbabilityMap,
    picture_hw: tuple[int, int],
    *,
    thresh: float,
    box_thresh: float,
    unclip_ratio: float,
    variant: DbVariant = PLAIN_DB,
    max_lines: int = MAX_LINES,
) -> DetectionResult:
    """Text boxes, in no particular order, each clockwise from the corner whose side to the next points right.

    Args:
        prob: (h, w), the detector's probability map: float32, 0..1, of which NaN is no text, or uint8, 0..255.
        picture_hw: height and width in pixels of the picture that the boxes are for.
        thresh: probability above which a pixel is text.
        box_thresh: mean probability inside a box from which it is kept.
        unclip_ratio: how far a box is grown: area * ratio / perimeter.
        variant: the kind of post-processing.
        max_lines: a page with more boxes is refused.

    Raises:
        TooMuchText: there are more than `max_lines`.
    """
    unit = 255.0 if prob.dtype == np.uint8 else 1.0
    bitmap = (prob > thresh * unit).view(np.uint8)
    if variant.use_dilation:
        bitmap = cv2.dilate(bitmap, np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(bitmap, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    quads: list[Boxes] = []
    scores: list[float] = []
    for contour in contours:
        _, _, width, height = cv2.boundingRect(contour)
        if math.hypot(width - 1, height - 1) < MIN_SIZE:  # no rectangle in it has a longer side
            continue
        rect = cv2.minAreaRect(contour)
        if min(rect[1]) < MIN_SIZE:
            continue
        if variant.box_type == "poly":
            outline: npt.NDArray[Any] = polygon_of(contour)
            if len(outline) < MIN_POLYGON_CORNERS:
                continue
        else:
            outline = contour[:, 0] if variant.score_mode == "slow" else cv2.boxPoints(rect)
        score = box_score(prob, outline) / unit
        if not score >= box_thresh:  # nor is NaN
            continue
        grown = unclip(rect, unclip_ratio) if variant.box_type == "quad" else unclip_polygon(outline, unclip_ratio)
        if grown is None:
            continue
        if len(quads) == max_lines:
            raise TooMuchText(
                f"the picture has more than {max_lines} text lines, which is the limit; send it in parts, "
                "or raise max_lines in the config.pbtxt of det_batcher"
            )
        quads.append(cv2.boxPoints(grown))
        scores.append(score)
    if not quads:
        return DetectionResult.empty()
    boxes = to_picture(order_corners(np.stack(quads)), prob.shape, picture_hw)
    keep = (side_lengths(boxes) > MIN_BOX_SIDE).all(axis=1)
    return DetectionResult(boxes[keep], np.array(scores, np.float32)[keep])


def box_score(prob: ProbabilityMap, outline: npt.NDArray[Any]) -> float:
    """Mean of `prob` (h, w) inside `outline` (K, 2), pixels (x, y) of the map, corners or a whole contour.

    PaddleOCR's `box_score_fast` and `box_score_slow`.
    """
    height, width = prob.shape
    left, top = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(outline.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(outline - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(prob[top : bottom + 1, left : right + 1], mask)[0])


def unclip(rect: cv2.typing.RotatedRect, ratio: float) -> cv2.typing.RotatedRect:
    """Grow a rectangle by area * ratio / perimeter on every side (Vatti clipping, DB equation 10).

    Args:
        rect: OpenCV's ((centre x, centre y), (width, height), angle in degrees).
        ratio: `unclip_ratio`.
    """
    centre, (width, height), angle = rect
    distance = width * height * ratio / (2 * (width + height))
    return centre, (width + 2 * distance, height + 2 * distance), angle


def polygon_of(contour: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Corners (K, 2) of a contour (C, 1, 2), pixels (x, y) of the map, without those that hardly bend it."""
    return cv2.approxPolyDP(contour, POLYGON_EPSILON * cv2.arcLength(contour, closed=True), closed=True)[:, 0]


def unclip_polygon(polygon: npt.NDArray[np.int32], ratio: float) -> cv2.typing.RotatedRect | None:
    """Grow a polygon, and take the smallest rectangle around it (PaddleOCR's `polygons_from_bitmap`).

    Args:
        polygon: (K, 2) int32, pixels (x, y) of the map.
        ratio: `unclip_ratio`.

    Returns:
        OpenCV's rotated rectangle; None where the polygon falls into pieces.
    """
    distance = cv2.contourArea(polygon) * ratio / cv2.arcLength(polygon, closed=True)
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(polygon.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    pieces = offset.Execute(distance)
    return cv2.minAreaRect(np.array(pieces[0], np.float32)) if len(pieces) == 1 else None


def order_corners(quads: Boxes) -> Boxes:
    """Corners of each of (N, 4, 2) rectangles, clockwise from the one whose side to the next points right.

    PaddleOCR's `get_mini_boxes` takes the upper one of the two leftmost corners, which is another one where a tall box
    leans to the right by more than its width: its text was then read upside down.
    """
    by_x = np.take_along_axis(quads, np.argsort(quads[..., 0], axis=1, kind="stable")[..., None], axis=1)
    left, right = by_x[:, :2], by_x[:, 2:]
    left = np.take_along_axis(left, np.argsort(left[..., 1], axis=1, kind="stable")[..., None], axis=1)
    right = np.take_along_axis(right, np.argsort(right[..., 1], axis=1, kind="stable")[..., None], axis=1)
    clockwise = np.stack([left[:, 0], right[:, 0], right[:, 1], left[:, 1]], axis=1)
    sides = np.roll(clockwise, -1, axis=1) - clockwise
    to_the_right = sides[..., 0] / np.maximum(np.linalg.norm(sides, axis=2), 1e-6)
    first = np.argmax(to_the_right, axis=1)
    return np.take_along_axis(clockwise, ((first[:, None] + np.arange(4)) % 4)[..., None], axis=1)


def to_picture(quads: Boxes, map_hw: tuple[int, ...], picture_hw: tuple[int, int]) -> Boxes:
    """Quads (N, 4, 2) in pixels of the map to pixels of the picture, clipped to it."""
    scale = np.array([picture_hw[1] / map_hw[1], picture_hw[0] / map_hw[0]], np.float32)
    limit = np.array([picture_hw[1], picture_hw[0]], np.float32)
    return np.clip(quads * scale, 0, limit).astype(np.float32)


def side_lengths(boxes: Boxes) -> npt.NDArray[np.float32]:
    """(N, 2) float32: length in pixels of the top and of the left side of (N, 4, 2) boxes."""
    return np.linalg.norm(boxes[:, (1, 3)] - boxes[:, :1], axis=2).astype(np.float32)
