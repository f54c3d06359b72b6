"""Text lines cut out of the picture, upright and 48 pixels high (PaddleOCR's `get_rotate_crop_image` + rec resize).

A line is warped at its own size (cubic) and then resized (linear), as PaddleOCR does. One warp straight to 48 pixels
is faster and reads worse: bench/RESULTS.md has the figures.
"""

import math
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import repeat

import cv2
import numpy as np
import numpy.typing as npt

LINE_HEIGHT = 48  # pixels: input height of the PP-OCR recognisers from v3 on
MAX_LINE_WIDTH = 3200  # pixels: longer lines are squeezed
MAX_CROPS_BYTES = (
    256 * 2**20
)  # of one page: 582 lines of MAX_LINE_WIDTH; with more lines, the longest are squeezed more
MAX_CROP_THREADS = 4
TALL_RATIO = 1.5  # boxes at least this much higher than wide are read top to bottom (PaddleOCR)

Crops = npt.NDArray[np.uint8]
Widths = npt.NDArray[np.int64]


def from_own_top_left(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Boxes (N, 4, 2), clockwise from the picture's top-left, begun at the text's own top-left corner instead.

    PaddleOCR turns tall lines a quarter counterclockwise before it reads them, so their text begins at the corner
    that is top-right on the picture.
    """
    size = np.stack([_side(boxes, 0, 1, 2, 3), _side(boxes, 0, 3, 1, 2)], axis=1)
    tall = size[:, 1] >= TALL_RATIO * size[:, 0]
    return np.where(tall[:, None, None], np.roll(boxes, -1, axis=1), boxes)


def width_limit(lines: int) -> int:
    """Pixels that a line may be wide on a page of `lines` lines, which all take the room of the widest."""
    return max(min(MAX_LINE_WIDTH, MAX_CROPS_BYTES // (3 * LINE_HEIGHT * max(lines, 1))), 1)


def line_widths(boxes: npt.NDArray[np.float32]) -> Widths:
    """(N,) int64: width in pixels of each line of (N, 4, 2) boxes when it is 48 pixels high."""
    width, height = _side(boxes, 0, 1, 2, 3), _side(boxes, 0, 3, 1, 2)
    scaled = np.ceil(LINE_HEIGHT * width / np.maximum(height, 1.0))
    return np.clip(scaled, 1, width_limit(len(boxes))).astype(np.int64)


def _side(boxes: npt.NDArray[np.float32], a: int, b: int, c: int, d: int) -> npt.NDArray[np.float32]:
    """(N,) float32: the longer of the two opposite sides a-b and c-d of each box, in pixels."""
    first = np.linalg.norm(boxes[:, a] - boxes[:, b], axis=1)
    second = np.linalg.norm(boxes[:, c] - boxes[:, d], axis=1)
    return np.maximum(first, second).astype(np.float32)


def crop_threads() -> ThreadPoolExecutor:
    """Threads for `crop_lines`, one a core, but few: other pages want their cores too."""
    return ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), MAX_CROP_THREADS))


def crop_lines(
    pixels: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32], threads: Executor | None = None
) -> tuple[Crops, Widths]:
    """Cut every box out of the picture.

    Args:
        pixels: (H, W, 3) uint8, BGR.
        boxes: (N, 4, 2) float32, pixels (x, y), clockwise from the text's own top-left corner.
        threads: share the work; lines of a page of several megapixels are large before they are resized.

    Returns:
        crops: (N, 48, Wmax, 3) uint8, BGR; zero right of a line's own width.
        widths: (N, 1) int64, pixels.
    """
    widths = line_widths(boxes)
    crops = np.zeros((len(boxes), LINE_HEIGHT, int(widths.max(initial=1)), 3), np.uint8)
    lines = [crop[:, :width] for crop, width in zip(crops, widths.tolist(), strict=True)]
    for _ in (threads.map if threads else map)(_warp, repeat(pixels), boxes, lines):
        pass
    return crops, widths[:, None]


def _warp(pixels: npt.NDArray[np.uint8], box: npt.NDArray[np.float32], line: npt.NDArray[np.uint8]) -> None:
    """Warp the quad `box` (4, 2) of `pixels` onto all of `line` (48, width, 3)."""
    low = np.maximum(np.floor(box.min(axis=0)).astype(int) - 1, 0)
    high = np.ceil(box.max(axis=0)).astype(int) + 2
    patch = pixels[low[1] : high[1], low[0] : high[0]]
    width, height = (max(int(_side(box[None], *corners)[0]), 1) for corners in ((0, 1, 2, 3), (0, 3, 1, 2)))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform((box - low).astype(np.float32), corners)
    upright = cv2.warpPerspective(
        patch, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    line[:] = cv2.resize(upright, line.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def resize_line(pixels: npt.NDArray[np.uint8], max_width: int = MAX_LINE_WIDTH) -> npt.NDArray[np.uint8]:
    """One line picture (H, W, 3) uint8 to (48, width, 3) uint8, at most `max_width` pixels wide."""
    height, width = pixels.shape[:2]
    line_width = min(max(math.ceil(LINE_HEIGHT * width / height), 1), max_width)
    return cv2.resize(pixels, (line_width, LINE_HEIGHT), interpolation=cv2.INTER_LINEAR)


def stack_lines(lines: list[npt.NDArray[np.uint8]]) -> tuple[Crops, Widths]:
    """Lines (48, width, 3) uint8 to one tensor, zero right of each; the shapes are those of `crop_lines`."""
    widths = np.array([line.shape[1] for line in lines], np.int64)
    crops = np.zeros((len(lines), LINE_HEIGHT, int(widths.max(initial=1)), 3), np.uint8)
    for line, crop in zip(lines, crops, strict=True):
        crop[:, : line.shape[1]] = line
    return crops, widths[:, None]
