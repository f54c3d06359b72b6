"""Probability map to text boxes: DB post-processing (Liao et al. 2020, PaddleOCR's `DBPostProcess`).

Per contour of the thresholded map: smallest rectangle around it, mean probability inside ("fast" score), unclip.
PaddleOCR grows the rectangle with a polygon clipper and takes the smallest rectangle around the rounded result.
That rectangle is the first one, each side moved out by the same distance, so it is computed directly.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.options import DbParameters
from ocr_pipeline.reading_order import reading_order

MIN_SIZE = 3  # pixels of the map: contours whose rectangle has a shorter side are noise
MIN_BOX_SIDE = 3  # pixels of the picture: boxes with a side no longer than this are dropped

Boxes = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TextBoxes:
    """Boxes of one picture.

    Attributes:
        boxes: (N, 4, 2) float32, pixels (x, y) of the picture, clockwise from the corner nearest its top-left.
        scores: (N,) float32, 0..1, mean probability inside the unshrunk contour rectangle.
    """

    boxes: Boxes
    scores: Scores

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.scores), 4, 2):
            raise ValueError(f"boxes {self.boxes.shape} and scores {self.scores.shape} do not belong together")

    def __len__(self) -> int:
        return len(self.scores)


def boxes_from_prob(prob: npt.NDArray[np.float32], picture_hw: tuple[int, int], parameters: DbParameters) -> TextBoxes:
    """Text boxes in reading order.

    Args:
        prob: (h, w) float32, 0..1, the detector's probability map.
        picture_hw: height and width in pixels of the picture that the boxes are for.
        parameters: thresholds.
    """
    bitmap = (prob > parameters.thresh).view(np.uint8)
    contours, _ = cv2.findContours(bitmap, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    quads, scores = [], []
    for contour in contours[: parameters.max_candidates]:
        rect = cv2.minAreaRect(contour)
        if min(rect[1]) < MIN_SIZE:
            continue
        score = box_score(prob, cv2.boxPoints(rect))
        if score < parameters.box_thresh:
            continue
        quads.append(cv2.boxPoints(unclip(rect, parameters.unclip_ratio)))
        scores.append(score)
    if not quads:
        return TextBoxes(np.empty((0, 4, 2), np.float32), np.empty(0, np.float32))
    boxes = to_picture(order_corners(np.stack(quads)), prob.shape, picture_hw)
    keep = (side_lengths(boxes) > MIN_BOX_SIDE).all(axis=1)
    kept, kept_scores = boxes[keep], np.array(scores, np.float32)[keep]
    order = reading_order(kept)
    return TextBoxes(kept[order], kept_scores[order])


def box_score(prob: npt.NDArray[np.float32], quad: npt.NDArray[np.float32]) -> float:
    """Mean of `prob` (h, w) inside `quad` (4, 2), pixels (x, y) of the map; PaddleOCR's `box_score_fast`."""
    height, width = prob.shape
    left, top = np.clip(np.floor(quad.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(quad.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(quad - (left, top)).astype(np.int32)], 1)
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


def order_corners(quads: Boxes) -> Boxes:
    """Corners of each of (N, 4, 2) quads, clockwise from the top-left one (PaddleOCR's `get_mini_boxes`)."""
    by_x = np.take_along_axis(quads, np.argsort(quads[..., 0], axis=1, kind="stable")[..., None], axis=1)
    left, right = by_x[:, :2], by_x[:, 2:]
    left = np.take_along_axis(left, np.argsort(left[..., 1], axis=1, kind="stable")[..., None], axis=1)
    right = np.take_along_axis(right, np.argsort(right[..., 1], axis=1, kind="stable")[..., None], axis=1)
    return np.stack([left[:, 0], right[:, 0], right[:, 1], left[:, 1]], axis=1)


def to_picture(quads: Boxes, map_hw: tuple[int, ...], picture_hw: tuple[int, int]) -> Boxes:
    """Quads (N, 4, 2) in pixels of the map to pixels of the picture, clipped to it."""
    scale = np.array([picture_hw[1] / map_hw[1], picture_hw[0] / map_hw[0]], np.float32)
    limit = np.array([picture_hw[1], picture_hw[0]], np.float32)
    return np.clip(quads * scale, 0, limit).astype(np.float32)


def side_lengths(boxes: Boxes) -> npt.NDArray[np.float32]:
    """(N, 2) float32: length in pixels of the top and of the left side of (N, 4, 2) boxes."""
    return np.linalg.norm(boxes[:, (1, 3)] - boxes[:, :1], axis=2).astype(np.float32)
