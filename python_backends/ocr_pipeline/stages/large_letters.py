"""Letters that are larger than what two tiles share: a second, coarse look at the whole picture finds their lines.

A tile sees such letters in part, and takes strokes for letters. Where the coarse look finds a line that is so high, its
part of the coarse map takes the place of what the tiles have made of it.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.stages.db_postprocess import MIN_SIZE, box_score, unclip
from ocr_pipeline.stages.tiles import MARGIN, MAX_TILE_SIDE, SIDE_MULTIPLE, Tile, TilePlan

REDUCTION = 1 / 6  # of the coarse look: letters of 200 to 1,200 pixels have the size of usual ones in it
SMALL = 0.12  # of the letters' height: what is less high in their box is left as it is, text or not
LINE_HEIGHT_SHARE = 0.4  # of the letters' height: what is less high may be a line of other text in their box,
LINE_LENGTH = 4  # if it is this many times as long as high
MAX_LINES_SHARE = 0.05  # of the box: with more, it is a paragraph or a watermark, whose lines are to be read


def coarse_plan(plan: TilePlan) -> TilePlan | None:
    """The whole picture as one small tile, where it is looked at in several and such letters have room in it."""
    if len(plan.tiles) == 1 or min(plan.scaled_hw) < MARGIN:
        return None
    scale = min(REDUCTION, MAX_TILE_SIDE / max(plan.scaled_hw))
    height, width = (max(round(side * scale / SIDE_MULTIPLE), 1) * SIDE_MULTIPLE for side in plan.scaled_hw)
    return TilePlan((height, width), (height, width), (Tile(0, 0, (0, height), (0, width)),))


def put_large_letters(
    whole: npt.NDArray[np.uint8],
    coarse: npt.NDArray[np.float32],
    *,
    thresh: float,
    box_thresh: float,
    unclip_ratio: float,
) -> None:
    """Write the lines of large letters into the map that was put together of tiles.

    Args:
        whole: (H, W) uint8, 0..255 for probabilities of 0..1, written to.
        coarse: (h, w) float32, 0..1, of the same picture; NaN counts as 0.
        thresh: probability above which a pixel is text.
        box_thresh: mean probability inside a box from which it is kept.
        unclip_ratio: how far a box is grown.
    """
    coarse = np.nan_to_num(coarse)
    scale = np.array(whole.shape[::-1]) / coarse.shape[::-1]
    for contour in _contours(coarse > thresh):
        rect = cv2.minAreaRect((contour * scale).astype(np.float32))
        if min(rect[1]) < MIN_SIZE or box_score(coarse, cv2.boxPoints(cv2.minAreaRect(contour))) < box_thresh:
            continue
        grown = unclip(rect, unclip_ratio)
        if min(grown[1]) < MARGIN:
            continue
        box = cv2.boxPoints(grown)
        left, top = np.maximum(np.floor(box.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(box.max(axis=0)).astype(int) + 1
        place = whole[top:bottom, left:right]
        strokes: list[npt.NDArray[np.int32]] = []
        of_lines = 0.0
        for part in _contours(place > thresh * 255):
            of_part = cv2.minAreaRect(part)
            centre = of_part[0][0] + float(left), of_part[0][1] + float(top)
            if min(of_part[1]) < MIN_SIZE or cv2.pointPolygonTest(box, centre, measureDist=False) < 0:
                continue
            height, length = sorted(unclip(of_part, unclip_ratio)[1])
            if height >= SMALL * min(grown[1]):
                strokes.append(part)
            is_line = height < LINE_HEIGHT_SHARE * min(grown[1]) and length >= LINE_LENGTH * height
            if is_line and box_score(place, cv2.boxPoints(of_part)) >= box_thresh * 255:
                of_lines += height * length
        if of_lines <= MAX_LINES_SHARE * grown[1][0] * grown[1][1]:
            cv2.drawContours(place, strokes, -1, 0, cv2.FILLED)
            _put(whole, coarse, contour, scale)


def _contours(is_text: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int32]]:
    contours, _ = cv2.findContours(is_text.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [contour.astype(np.int32) for contour in contours]


def _put(
    whole: npt.NDArray[np.uint8],
    coarse: npt.NDArray[np.float32],
    contour: npt.NDArray[np.int32],
    scale: npt.NDArray[np.float64],
) -> None:
    """Write what is inside a contour of the coarse map, enlarged, into the whole map wherever it tells more."""
    x, y, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.drawContours(inside, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
    own = np.pad((inside * coarse[y : y + height, x : x + width] * 255).astype(np.uint8), 1)
    left, top = np.rint((x - 1, y - 1) * scale).astype(int).tolist()
    right, bottom = np.rint((x + width + 1, y + height + 1) * scale).astype(int).tolist()
    enlarged = cv2.resize(own, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    place = whole[max(top, 0) : bottom, max(left, 0) : right]
    shown = enlarged[max(-top, 0) :, max(-left, 0) :][: place.shape[0], : place.shape[1]]
    np.maximum(place, shown, out=place)
