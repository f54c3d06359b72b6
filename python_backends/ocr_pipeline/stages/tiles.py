"""The detector's input: a picture scaled (PaddleOCR's `DetResizeForTest`), and cut into tiles where it is large.

A tile is as large as the detector's input may be, so the detector's memory does not depend on the picture. Tiles share
a margin; each answers for its own side of the middle of that margin, and the probability maps are put together before
boxes are looked for: no line is cut, and no box is found twice.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

SIDE_MULTIPLE = 32  # pixels: the stride of DB's feature pyramid
MAX_TILE_SIDE = 1984  # pixels of the detector's input: what our default limit of 2000, RapidOCR's, comes to
MARGIN = 192  # pixels that neighbouring tiles share
MIN_SHORT_SHARE = 0.75  # of limit_side_len: receipts of 3 to 1 are read as well in one piece, and faster
MIN_STRIP_SIDE = 96  # pixels: where less than half would be left, a thin line's text would fill the input and be lost
MIN_TEXT_SIDE = 4  # pixels of the picture: no letter has room in a thinner one, so it is not worth tiles
MAX_ENLARGEMENT = 6.0  # small pictures are scaled up no further: docs/decisions.md has how other limits read


@dataclass(frozen=True)
class Tile:
    """A piece of the scaled picture, and the part of it that this tile answers for; pixels of the scaled picture.

    Attributes:
        top, left: where the piece begins; its size is the plan's.
        own_rows, own_columns: first and last + 1 of the part.
    """

    top: int
    left: int
    own_rows: tuple[int, int]
    own_columns: tuple[int, int]


@dataclass(frozen=True)
class TilePlan:
    """How a picture is given to the detector.

    Attributes:
        scaled_hw: height and width in pixels of the whole picture as the detector sees it, multiples of 32.
        tile_hw: height and width of each tile, multiples of 32.
        tiles: at least one; together they answer for every pixel once.
    """

    scaled_hw: tuple[int, int]
    tile_hw: tuple[int, int]
    tiles: tuple[Tile, ...]


def plan_tiles(height: int, width: int, *, limit_side_len: int, limit_type: str, max_side_limit: int) -> TilePlan:
    """Size and tiles of the detector's input for a picture of `height` x `width` pixels.

    Sides are scaled alike and then rounded to multiples of 32 one by one, so the scale of the two axes differs a
    little, as in PaddleOCR. Where `max_side_limit` would shrink the short side to less than three quarters of
    `limit_side_len` (strips, long screenshots), the picture keeps its own size instead, or its short side's limit where
    that is smaller. Where less than half of `MIN_STRIP_SIDE` would be left of a thin picture, it is enlarged to that.

    Args:
        height: of the picture.
        width: of the picture.
        limit_side_len: pixels.
        limit_type: "min": the short side becomes at least `limit_side_len`; "max": the long side at most.
        max_side_limit: pixels; the long side does not exceed it, strips apart.
    """
    short, long = sorted((height, width))
    if limit_type == "min":
        scale = min(max(limit_side_len / short, 1.0), MAX_ENLARGEMENT)
    else:
        scale = min(limit_side_len / long, 1.0)
    limited = min(scale, max_side_limit / long)
    is_strip = limited < 1 and limited * short < MIN_SHORT_SHARE * limit_side_len
    is_thin = limited < scale and limited * short < MIN_STRIP_SIDE / 2
    if limit_type == "min" and (is_strip or is_thin) and short >= MIN_TEXT_SIDE:
        limited = max(min(1.0, limit_side_len / short), min(scale, MIN_STRIP_SIDE / short))
        max_side_limit = math.ceil(long * limited)
    scaled_hw = _round_side(height * limited, max_side_limit), _round_side(width * limited, max_side_limit)
    rows, tile_height = _cut(scaled_hw[0])
    columns, tile_width = _cut(scaled_hw[1])
    tiles = tuple(Tile(top, left, own_rows, own_columns) for top, own_rows in rows for left, own_columns in columns)
    return TilePlan(scaled_hw, (tile_height, tile_width), tiles)


def _round_side(side_px: float, limit_px: int) -> int:
    multiples = min(round(int(side_px) / SIDE_MULTIPLE), limit_px // SIDE_MULTIPLE)
    return max(multiples, 1) * SIDE_MULTIPLE


def _cut(side: int) -> tuple[list[tuple[int, tuple[int, int]]], int]:
    """Where tiles begin along a side and what each answers for, and their length, a multiple of 32."""
    count = 1 if side <= MAX_TILE_SIDE else math.ceil((side - MARGIN) / (MAX_TILE_SIDE - MARGIN))
    length = math.ceil((side + (count - 1) * MARGIN) / count / SIDE_MULTIPLE) * SIDE_MULTIPLE
    starts = [round(number * (side - length) / max(count - 1, 1)) for number in range(count)]
    seams = [(before + length + after) // 2 for before, after in pairwise(starts)]
    return list(zip(starts, zip([0, *seams], [*seams, side], strict=True), strict=True)), length


def cut_tile(pixels: npt.NDArray[np.uint8], plan: TilePlan, tile: Tile) -> npt.NDArray[np.uint8]:
    """The detector's input for a tile.

    Args:
        pixels: (H, W, 3) uint8, BGR, the whole picture.
        plan: made for its size.
        tile: one of the plan's.

    Returns:
        (1, h, w, 3) uint8, BGR. Normalisation happens inside the ONNX graph.
    """
    height, width = plan.tile_hw
    if len(plan.tiles) == 1:
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)[None]
    step_y, step_x = pixels.shape[0] / plan.scaled_hw[0], pixels.shape[1] / plan.scaled_hw[1]
    # Only what the tile shows is handed over, a pixel around it for the interpolation: OpenCV counts in 16 bits.
    first_y, first_x = max(int(tile.top * step_y) - 2, 0), max(int(tile.left * step_x) - 2, 0)
    shown = pixels[
        first_y : math.ceil((tile.top + height) * step_y) + 2, first_x : math.ceil((tile.left + width) * step_x) + 2
    ]
    to_picture = np.array(
        [
            [step_x, 0, (tile.left + 0.5) * step_x - 0.5 - first_x],
            [0, step_y, (tile.top + 0.5) * step_y - 0.5 - first_y],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(shown, to_picture, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)[None]


def join_tile(whole: npt.NDArray[np.uint8], tile: Tile, prob: npt.NDArray[np.float32]) -> None:
    """Write the part that a tile answers for into the map of the whole picture.

    Args:
        whole: (H, W) uint8, 0..255 for probabilities of 0..1, written to.
        tile: whose map it is.
        prob: (h, w) float32, 0..1; NaN counts as 0.
    """
    (top, bottom), (left, right) = tile.own_rows, tile.own_columns
    own = prob[top - tile.top : bottom - tile.top, left - tile.left : right - tile.left]
    whole[top:bottom, left:right] = np.rint(np.nan_to_num(own) * 255)
