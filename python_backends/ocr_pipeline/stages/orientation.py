"""Line orientation: 0 or 180 degrees (PaddleOCR's text line orientation classifiers, `cls`)."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr_contract.shown import shown
from ocr_pipeline.stages.crops import LINE_HEIGHT, Strip

CLS_BATCH = 32  # max_batch_size of `cls`
CLS_THRESH = 0.9  # probability from which a line is turned (PaddleOCR)
UPSIDE_DOWN = 1  # label
MAX_SIDE = 1000  # pixels of what a classifier takes
_GRAY = 128  # zero after the normalisation of those that pad, (x / 255 - 0.5) / 0.5


@dataclass(frozen=True)
class ClsInput:
    """The pixels that a classifier takes.

    Attributes:
        height: pixels.
        width: pixels; longer lines are squeezed.
        stretch: whether shorter lines are stretched to the width, or else padded with gray.
    """

    height: int = LINE_HEIGHT
    width: int = 192
    stretch: bool = False

    def __post_init__(self) -> None:
        right_types = [type(value) for value in astuple(self)] == [int, int, bool]
        if not (right_types and all(1 <= side <= MAX_SIDE for side in (self.height, self.width))):
            raise ValueError(
                f"the input of cls has whole numbers from 1 to {MAX_SIDE} for height and width, and true or false for "
                f"stretch, not {', '.join(map(shown, astuple(self)))}"
            )


PADDED = ClsInput()  # of ch_ppocr_mobile_v2.0_cls


def cls_crops(lines: Sequence[npt.NDArray[np.uint8]], takes: ClsInput = PADDED) -> npt.NDArray[np.uint8]:
    """The classifier's input, (N, height, width, 3) uint8, of N lines (48, W, 3) uint8."""
    inputs = np.full((len(lines), takes.height, takes.width, 3), _GRAY, np.uint8)
    for line, target in zip(lines, inputs, strict=True):
        scaled = round(line.shape[1] * takes.height / line.shape[0])
        shown = takes.width if takes.stretch else min(max(scaled, 1), takes.width)
        target[:, :shown] = cv2.resize(line, (shown, takes.height), interpolation=cv2.INTER_LINEAR)
    return inputs


def upside_down(labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which lines the classifier is sure of that they stand on their head.

    Args:
        labels: (N,) int64, 1 for upside down.
        scores: (N,) float32, 0..1, probability of the label.
    """
    return (labels == UPSIDE_DOWN) & (scores >= CLS_THRESH)


def turn_lines(strip: Strip, turned: npt.NDArray[np.bool_]) -> Strip:
    """A copy of the strip in which those lines are turned by 180 degrees; turned: (N,) bool."""
    upright = Strip(strip.pixels.copy(), strip.widths)
    before, after = strip.lines(), upright.lines()
    for line in np.flatnonzero(turned):
        after[line][:] = before[line][::-1, ::-1]
    return upright


def turn_boxes(boxes: npt.NDArray[np.float32], turned: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Boxes (N, 4, 2), those of `turned` (N,) lines begun at the opposite corner."""
    return np.where(turned[:, None, None], np.roll(boxes, 2, axis=1), boxes)
