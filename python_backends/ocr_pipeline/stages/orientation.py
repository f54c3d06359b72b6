"""Line orientation: 0 or 180 degrees (PaddleOCR's text line orientation classifier, `cls`)."""

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.stages.crops import LINE_HEIGHT, Strip

CLS_WIDTH = 192  # pixels: input width of the classifier; longer lines are squeezed
CLS_BATCH = 32  # max_batch_size of `cls`
CLS_THRESH = 0.9  # probability from which a line is turned (PaddleOCR)
UPSIDE_DOWN = 1  # label
_GRAY = 128  # zero after the classifier's normalisation, (x / 255 - 0.5) / 0.5


def cls_crops(strip: Strip) -> npt.NDArray[np.uint8]:
    """The classifier's input, (N, 48, 192, 3) uint8."""
    inputs = np.full((len(strip.widths), LINE_HEIGHT, CLS_WIDTH, 3), _GRAY, np.uint8)
    for line, target in zip(strip.lines(), inputs, strict=True):
        shown = min(line.shape[1], CLS_WIDTH)
        target[:, :shown] = cv2.resize(line, (shown, LINE_HEIGHT), interpolation=cv2.INTER_LINEAR)
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
