"""Encoded image to pixels, as a person sees them: EXIF orientation applied, transparency laid on a ground.

Baseline and progressive JPEG go through OpenCV, which writes BGR directly; every other format goes through
Pillow, which knows 16-bit, palette, CMYK and alpha pictures and reports truncated files.
"""

import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr_contract.errors import InvalidImage
from ocr_pipeline.stages.bands import band_rows, rgb_in_bands
from ocr_pipeline.stages.files import MAX_BYTES, check_jpeg_end, check_parts, image_bytes
from ocr_pipeline.stages.ground import on_ground
from ocr_pipeline.stages.pages import check_size, opened, tiff_begun_at, turn_to

MAX_PIXELS = 100_000_000
OTHER_FORMATS_SHARE = 2  # what is not JPEG takes about twice the memory a pixel, so half as many pixels are allowed

_SCALE_16_BIT = 257  # 65535 / 255
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_image(
    data: bytes, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES, page: int = 0
) -> npt.NDArray[np.uint8]:
    """Decode one picture.

    Beside `data`, it takes at most 9 bytes of memory for each of `max_pixels`.

    Args:
        data: an image file (JPEG, PNG, BMP, WebP, TIFF, GIF), its base64 text, or a data URL.
        max_pixels: a JPEG picture with more pixels is refused, and one of another format with more than half as many;
            read from the header, before decoding.
        max_bytes: longer files are refused.
        page: which picture of a file that holds several, from 1 on; 0 for the only one, or for an animation's first.

    Returns:
        (H, W, 3) uint8, BGR, 0..255.

    Raises:
        InvalidImage: empty, not an image, truncated, or broken base64; a file without that page, or a TIFF of several
            pages when none is named.
        ImageTooLarge: above `max_pixels` or `max_bytes`, or a page too far back in an animation.
    """
    data = image_bytes(data, max_bytes)
    check_parts(data)
    data = tiff_begun_at(data, page)
    with opened(data) as picture:
        is_plain_jpeg = picture.format in ("JPEG", "MPO") and picture.mode in ("L", "RGB") and page < 2
        limit = max_pixels if is_plain_jpeg else max_pixels // OTHER_FORMATS_SHARE
        turn_to(picture, page, limit)
        if not is_plain_jpeg:
            picture.load()
            upright = _turn(picture)
    if is_plain_jpeg:
        return _decode_jpeg(data)
    try:
        return _to_bgr(upright)
    except (ValueError, AssertionError) as error:  # a colour space that Pillow does not convert; no palette
        raise InvalidImage(f"image cannot be decoded: {error}") from error


def pixels_of_array(array: npt.NDArray[Any], max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """An array that is a picture as what `decode_image` gives for its PNG file.

    Args:
        array: (H, W) gray, (H, W, 3) BGR or (H, W, 4) BGRA, uint8 or uint16.
        max_pixels: as in `decode_image`.

    Returns:
        (H, W, 3) uint8, BGR.

    Raises:
        ImageTooLarge: it has more pixels than a PNG file may have.
    """
    check_size(array.shape[1], array.shape[0], max_pixels // OTHER_FORMATS_SHARE, "an array")
    pixels = (array >> 8).astype(np.uint8) if array.dtype == np.uint16 else array
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_GRAY2BGR)
    if pixels.shape[2] == 4:
        return on_ground(Image.fromarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGRA2RGBA)))
    return np.ascontiguousarray(pixels)


def pixels_of_rgb(rgb: npt.NDArray[np.uint8], max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """RGB pixels as what `decode_image` gives for their PNG file.

    Args:
        rgb: (H, W, 3) uint8, as Pillow and Docling have them.
        max_pixels: as in `decode_image`.

    Returns:
        (H, W, 3) uint8, BGR.

    Raises:
        InvalidImage: it has no pixels.
        ImageTooLarge: it has more pixels than a PNG file may have.
    """
    height, width = rgb.shape[:2]
    if rgb.size == 0:
        raise InvalidImage(f"a picture has at least one pixel, got {width} x {height}")
    check_size(width, height, max_pixels // OTHER_FORMATS_SHARE, "raw pixels")
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)


def _decode_jpeg(data: bytes) -> npt.NDArray[np.uint8]:
    check_jpeg_end(data)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InvalidImage("image cannot be decoded: broken JPEG data")
    return pixels


def _to_bgr(upright: Image.Image) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 of a picture of any kind.

    Raises:
        ValueError, AssertionError: Pillow does not convert it.
    """
    if upright.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        levels = np.asarray(upright)
        if "transparency" not in upright.info:
            return _gray_to_bgr(levels)
        visible = (levels != upright.info["transparency"]) * np.uint8(255)
        upright = Image.fromarray(np.dstack([_gray_to_bgr(levels)[..., 0], visible]))
    if upright.has_transparency_data:
        return on_ground(upright)
    if upright.mode == "1":
        upright = upright.convert("L")
    if upright.mode == "L":  # scanned pages are large: RGB in Pillow would be four times as much to write
        return cv2.cvtColor(np.asarray(upright), cv2.COLOR_GRAY2BGR)
    return rgb_in_bands(upright, lambda band: band.convert("RGB"))


def _turn(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a picture whose EXIF data is nonsense is as a person sees it without."""
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG)
    except (struct.error, SyntaxError, ValueError, OSError, KeyError, TypeError):
        return picture
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _gray_to_bgr(gray: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 of 16-bit, 32-bit or float levels (H, W), some rows at a time."""
    height, width = gray.shape
    highest = np.fmax.reduce(gray, axis=None)  # NaN passed over
    pixels = np.empty((height, width, 3), np.uint8)
    rows = band_rows(width)
    for top in range(0, height, rows):
        pixels[top : top + rows] = _levels(gray[top : top + rows], highest)[..., None]
    return pixels


def _levels(gray: npt.NDArray[Any], highest: float) -> npt.NDArray[np.uint8]:
    """Levels as 0..255; their range is told by the type, or by the highest of the picture."""
    if gray.dtype == np.uint16:
        return (gray >> 8).astype(np.uint8)
    finite = np.nan_to_num(gray)
    if gray.dtype.kind == "f" and highest <= 1:
        finite = finite * 255
    elif highest > 255:
        finite = finite / _SCALE_16_BIT
    return np.clip(finite, 0, 255).astype(np.uint8)
