"""A picture in any form a caller has it to the bytes that are sent."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr_client.errors import ImageError
from ocr_contract.errors import InvalidImage
from ocr_contract.reader import Picture, picture_content

_TO_RGB = {3: [2, 1, 0], 4: [2, 1, 0, 3]}
_LEVEL = 1  # the picture mostly crosses one machine's loopback; a smaller file would cost more than it saves


def picture_bytes(image: Picture) -> bytes:
    """The bytes to send: a file's as they are, an array as PNG.

    Of 16-bit arrays the high byte is sent, which is all that the server looks at; nothing else is lost.

    Raises:
        ImageError: the file cannot be read, or the array is not a picture.
        TypeError: it is none of the types of `Picture`.
    """
    try:
        content = picture_content(image)
    except InvalidImage as error:
        raise ImageError(str(error)) from (error.__cause__ or error)
    return content if isinstance(content, bytes) else _png(content)


def _png(pixels: npt.NDArray[Any]) -> bytes:
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 3:
        pixels = pixels[..., _TO_RGB[pixels.shape[2]]] if pixels.shape[2] > 1 else pixels[..., 0]
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=_LEVEL)
    return file.getvalue()
