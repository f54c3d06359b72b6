"""Text lines cut out of the picture, upright and 48 pixels high (PaddleOCR's `get_rotate_crop_image` + rec resize).

The lines of a page make one strip: they stand beside each other, each at its own width, with nothing between them.

A line is warped at its own size (cubic) and then resized (linear), as PaddleOCR does. One warp straight to 48 pixels
is faster and reads worse: docs/decisions.md has the figures.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import cv2
import numpy as np
import numpy.typing as npt

from ocr_contract.errors import TooMuchText
from ocr_pipeline.cores import cores

LINE_HEIGHT = 48  # pixels: input height of the PP-OCR recognisers from v3 on
MAX_LINE_WIDTH = 64_000  # pixels: longer lines, over a thousand times as long as high, are squeezed
MAX_STRIP_WIDTH = 2_000_000  # pixels, of the lines of one page together: 275 MiB
MAX_CROP_THREADS = 4
MAX_WARP_SIDE = 20_000  # pixels: OpenCV warps from and to less than 32,768, a diagonal included
TALL_RATIO = 1.5  # boxes at least this much higher than wide are read top to bottom (PaddleOCR)

Widths = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Strip:
    """Lines side by side.

    Attributes:
        pixels: (48, S, 3) uint8, BGR; S is the sum of the widths.
        widths: (N,) int64, pixels, 1 to MAX_STRIP_WIDTH.
    """

    pixels: npt.NDArray[np.uint8]
    widths: Widths

    def __post_init__(self) -> None:
        # Each has its bound, so that the sum of many does not wrap around.
        if self.widths.ndim != 1 or self.widths.min(initial=1) < 1 or self.widths.max(initial=1) > MAX_STRIP_WIDTH:
            raise ValueError(f"the widths of a strip are whole numbers from 1 to {MAX_STRIP_WIDTH}, one for each line")
        if self.pixels.shape != (LINE_HEIGHT, self.widths.sum(), 3):
            raise ValueError(f"the widths in sum do not fit a strip of shape {self.pixels.shape}")

    @classmethod
    def blank(cls, widths: Widths) -> "Strip":
        """Lines of these widths, to be written to.

        Raises:
            TooMuchText: they are wider together than a page may be.
        """
        total = int(widths.sum())
        if total > MAX_STRIP_WIDTH:
            raise TooMuchText(
                f"the {len(widths)} lines are {total} pixels wide together at {LINE_HEIGHT} pixels of height, "
                f"the limit is {MAX_STRIP_WIDTH}; send them in parts"
            )
        return cls(np.empty((LINE_HEIGHT, total, 3), np.uint8), widths)

    def lines(self) -> list[npt.NDArray[np.uint8]]:
        """Each line, (48, width, 3) uint8, as a view."""
        ends = np.cumsum(self.widths).tolist()
        return [self.pixels[:, end - width : end] for end, width in zip(ends, self.widths.tolist(), strict=True)]


def from_own_top_left(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Boxes (N, 4, 2) as `order_corners` begins them, begun at the text's own top-left corner instead.

    PaddleOCR turns tall lines a quarter counterclockwise before it reads them, so their text begins at the corner
    that is top-right on the picture.
    """
    size = np.stack([_side(boxes, 0, 1, 2, 3), _side(boxes, 0, 3, 1, 2)], axis=1)
    tall = size[:, 1] >= TALL_RATIO * size[:, 0]
    return np.where(tall[:, None, None], np.roll(boxes, -1, axis=1), boxes)


def line_widths(boxes: npt.NDArray[np.float32]) -> Widths:
    """(N,) int64: width in pixels of each line of (N, 4, 2) boxes when it is 48 pixels high."""
    width, height = _side(boxes, 0, 1, 2, 3), _side(boxes, 0, 3, 1, 2)
    scaled = np.ceil(LINE_HEIGHT * width / np.maximum(height, 1.0))
    return np.clip(scaled, 1, MAX_LINE_WIDTH).astype(np.int64)


def _side(boxes: npt.NDArray[np.float32], a: int, b: int, c: int, d: int) -> npt.NDArray[np.float32]:
    """(N,) float32: the longer of the two opposite sides a-b and c-d of each box, in pixels."""
    first = np.linalg.norm(boxes[:, a] - boxes[:, b], axis=1)
    second = np.linalg.norm(boxes[:, c] - boxes[:, d], axis=1)
    return np.maximum(first, second).astype(np.float32)


def crop_threads() -> ThreadPoolExecutor:
    """Threads for `crop_lines`, one a core, but few: other pages want their cores too."""
    return ThreadPoolExecutor(min(cores(), MAX_CROP_THREADS))


def crop_lines(pixels: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32], threads: Executor | None = None) -> Strip:
    """Cut every box out of the picture.

    Args:
        pixels: (H, W, 3) uint8, BGR.
        boxes: (N, 4, 2) float32, pixels (x, y), clockwise from the text's own top-left corner.
        threads: share the work; lines of a page of several megapixels are large before they are resized.

    Raises:
        TooMuchText: the lines are wider together than a page may be.
    """
    strip = Strip.blank(line_widths(boxes))
    for _ in (threads.map if threads else map)(_warp, repeat(pixels), boxes, strip.lines()):
        pass
    return strip


def _warp(pixels: npt.NDArray[np.uint8], box: npt.NDArray[np.float32], line: npt.NDArray[np.uint8]) -> None:
    """Warp the quad `box` (4, 2) of `pixels` onto all of `line` (48, width, 3)."""
    low = np.maximum(np.floor(box.min(axis=0)).astype(int) - 1, 0)
    high = np.ceil(box.max(axis=0)).astype(int) + 2
    patch = pixels[low[1] : high[1], low[0] : high[0]]
    box = box - low
    if (longest := max(patch.shape)) > MAX_WARP_SIDE:
        scale = MAX_WARP_SIDE / longest
        patch, box = cv2.resize(patch, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), box * scale
    width, height = (max(int(_side(box[None], *corners)[0]), 1) for corners in ((0, 1, 2, 3), (0, 3, 1, 2)))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(box.astype(np.float32), corners)
    upright = cv2.warpPerspective(
        patch, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    line[:] = cv2.resize(upright, line.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def resize_line(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """One line picture (H, W, 3) uint8 to (48, width, 3) uint8, at most `MAX_LINE_WIDTH` pixels wide."""
    height, width = pixels.shape[:2]
    line_width = min(max(math.ceil(LINE_HEIGHT * width / height), 1), MAX_LINE_WIDTH)
    return cv2.resize(pixels, (line_width, LINE_HEIGHT), interpolation=cv2.INTER_LINEAR)


def join_lines(lines: Sequence[npt.NDArray[np.uint8]]) -> Strip:
    """Lines (48, width, 3) uint8 as a strip.

    Raises:
        TooMuchText: they are wider together than a page may be.
    """
    strip = Strip.blank(np.array([line.shape[1] for line in lines], np.int64))
    for line, place in zip(lines, strip.lines(), strict=True):
        place[:] = line
    return strip
