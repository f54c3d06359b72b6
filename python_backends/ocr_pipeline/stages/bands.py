"""A picture some rows at a time: what is made of it on the way stays small beside the picture."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

BAND_PIXELS = 1_000_000  # pixels of a band


def band_rows(width: int, multiple_of: int = 1) -> int:
    """Rows of a band of a picture that is so many pixels wide."""
    return max(BAND_PIXELS // width // multiple_of, 1) * multiple_of


def bands(picture: Image.Image, multiple_of: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """The first row of each band, and the band; all but the last have a number of rows that is `multiple_of`."""
    width, height = picture.size
    rows = band_rows(width, multiple_of)
    for top in range(0, height, rows):
        yield top, picture.crop((0, top, width, min(top + rows, height)))


def rgb_in_bands(picture: Image.Image, to_rgb: Callable[[Image.Image], Image.Image]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR of a picture that `to_rgb` converts to RGB band by band."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    for top, band in bands(picture):
        cv2.cvtColor(np.asarray(to_rgb(band)), cv2.COLOR_RGB2BGR, dst=pixels[top : top + band.height])
    return pixels
