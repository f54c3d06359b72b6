"""Line orientation: 0 or 180 degrees (PaddleOCR's text line orientation classifier, `cls`)."""

import math

import cv2
import numpy as np
import numpy.typing as npt

CLS_WIDTH = 192  # pixels: input width of the classifier; longer lines are squeezed
CLS_BATCH = 32  # max_batch_size of `cls`
CLS_THRESH = 0.9  # probability from which a line is turned (PaddleOCR)
UPSIDE_DOWN = 1  # label
_GRAY = 128  # zero after the classifier's normalisation, (x / 255 - 0.5) / 0.5


def cls_crops(crops: npt.NDArray[np.uint8], widths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The classifier's input, (N, 48, 192, 3) uint8, from crops (N, 48, Wmax, 3) and their widths (N,) in pixels."""
    inputs = np.full((len(crops), crops.shape[1], CLS_WIDTH, 3), _GRAY, np.uint8)
    for crop, width, target in zip(crops, widths.tolist(), inputs, strict=True):
        shown = min(math.ceil(width), CLS_WIDTH)
        target[:, :shown] = cv2.resize(crop[:, :width], (shown, crops.shape[1]), interpolation=cv2.INTER_LINEAR)
    return inputs


def turn_lines(
    boxes: npt.NDArray[np.float32],
    crops: npt.NDArray[np.uint8],
    widths: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Turn the lines that the classifier is sure stand on their head.

    Args:
        boxes: (N, 4, 2) float32, clockwise from the crop's top-left corner.
        crops: (N, 48, Wmax, 3) uint8.
        widths: (N,) int64, pixels.
        labels: (N,) int64, 1 for upside down.
        scores: (N,) float32, 0..1, probability of the label.

    Returns:
        Copies: boxes begun at the text's own top-left corner, crops upright.
    """
    boxes, crops = boxes.copy(), crops.copy()
    for line in np.flatnonzero((labels == UPSIDE_DOWN) & (scores >= CLS_THRESH)):
        boxes[line] = np.roll(boxes[line], 2, axis=0)
        crops[line, :, : widths[line]] = crops[line, ::-1, : widths[line]][:, ::-1]
    return boxes, crops
