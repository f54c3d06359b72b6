"""Resize a picture to what the detector takes (PaddleOCR's `DetResizeForTest`)."""

import cv2
import numpy as np
import numpy.typing as npt

SIDE_MULTIPLE = 32  # pixels: the stride of DB's feature pyramid


def det_size(height: int, width: int, limit_side_len: int, limit_type: str, max_side_limit: int) -> tuple[int, int]:
    """Height and width in pixels of the detector's input for a picture of `height` x `width` pixels.

    Sides are scaled alike and then rounded to multiples of 32 one by one, so the scale of the two axes differs a
    little, as in PaddleOCR.

    Args:
        height: of the picture.
        width: of the picture.
        limit_side_len: pixels.
        limit_type: "min": the short side becomes at least `limit_side_len`; "max": the long side at most.
        max_side_limit: pixels; the long side never exceeds it.
    """
    if limit_type == "min":
        scale = max(limit_side_len / min(height, width), 1.0)
    else:
        scale = min(limit_side_len / max(height, width), 1.0)
    scale = min(scale, max_side_limit / max(height, width))
    return _round_side(height * scale, max_side_limit), _round_side(width * scale, max_side_limit)


def _round_side(side_px: float, limit_px: int) -> int:
    multiples = min(round(int(side_px) / SIDE_MULTIPLE), limit_px // SIDE_MULTIPLE)
    return max(multiples, 1) * SIDE_MULTIPLE


def resize_for_det(pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The detector's input.

    Args:
        pixels: (H, W, 3) uint8, BGR.
        size: height and width in pixels, multiples of 32, as `det_size` gives them.

    Returns:
        (1, h, w, 3) uint8, BGR. Normalisation happens inside the ONNX graph.
    """
    return cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_LINEAR)[None]
