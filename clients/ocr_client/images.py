"""A picture in any form a caller has it to the bytes of an image file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ocr_client.errors import ImageError

# str and PathLike name a file. An array is (H, W) gray, (H, W, 3) BGR or (H, W, 4) BGRA, uint8 or uint16.
Image = bytes | bytearray | memoryview | str | os.PathLike[str] | npt.NDArray[Any]


def image_bytes(image: Image) -> bytes:
    """Return the bytes to send: a file's as they are, an array encoded as PNG, which loses nothing.

    Raises:
        ImageError: when the file cannot be read, or the array is not a picture.
        TypeError: when image is none of the types of `Image`.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | os.PathLike):
        try:
            return Path(image).read_bytes()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ImageError(f"cannot read {os.fspath(image)!r}: {reason}") from error
    if isinstance(image, np.ndarray):
        return _png(image)
    raise TypeError(f"image: expected bytes, a path or a numpy array, got {type(image).__name__}")


def _png(pixels: npt.NDArray[Any]) -> bytes:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ImageError(
            "an array picture is uint8 or uint16 of shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, "
            f"got {pixels.dtype} {pixels.shape}"
        )
    if pixels.size == 0:
        raise ImageError(f"an array picture has at least one pixel, got shape {pixels.shape}")
    # Level 1: the picture mostly crosses one machine's loopback; a smaller file would cost more than it saves.
    written, data = cv2.imencode(".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not written:
        raise ImageError(f"OpenCV could not encode an array of shape {pixels.shape} as PNG")
    return bytes(data.tobytes())
