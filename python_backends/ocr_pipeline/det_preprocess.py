"""Resize a picture to what the detector takes (PaddleOCR's `DetResizeForTest`)."""

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.options import DetResize

SIDE_MULTIPLE = 32  # pixels: the stride of DB's feature pyramid


def det_size(height: int, width: int, resize: DetResize) -> tuple[int, int]:
    """Height and width in pixels of the detector's input for a picture of `height` x `width` pixels.

    Sides are scaled alike and then rounded to multiples of 32 one by one, so the scale of the two axes differs a
    little, as in PaddleOCR.
    """
    if resize.limit_type == "min":
        scale = max(resize.limit_side_len / min(height, width), 1.0)
    else:
        scale = min(resize.limit_side_len / max(height, width), 1.0)
    scale = min(scale, resize.max_side_limit / max(height, width))
    return _round_side(height * scale, resize.max_side_limit), _round_side(width * scale, resize.max_side_limit)


def _round_side(side_px: float, limit_px: int) -> int:
    multiples = min(round(int(side_px) / SIDE_MULTIPLE), limit_px // SIDE_MULTIPLE)
    return max(multiples, 1) * SIDE_MULTIPLE


def resize_for_det(pixels: npt.NDArray[np.uint8], resize: DetResize) -> npt.NDArray[np.uint8]:
    """The detector's input.

    Args:
        pixels: (H, W, 3) uint8, BGR.
        resize: target size.

    Returns:
        (1, h, w, 3) uint8, BGR; h and w are multiples of 32. Normalisation happens inside the ONNX graph.
    """
    height, width = det_size(pixels.shape[0], pixels.shape[1], resize)
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)[None]
