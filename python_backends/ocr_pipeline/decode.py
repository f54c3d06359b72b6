"""Encoded image to pixels, as a person sees them: EXIF orientation applied, transparency laid on white.

Baseline and progressive JPEG go through OpenCV, which writes BGR directly; every other format goes through
Pillow, which knows 16-bit, palette, CMYK and alpha pictures and reports truncated files.
"""

import base64
import binascii
import io
import re
import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ocr_pipeline.errors import ImageTooLarge, InvalidImage

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
MAX_PIXELS = 100_000_000
MAX_BYTES = 64 * 1024 * 1024

# Our own limit is checked before any pixel is decoded; Pillow's would answer with a warning or another message.
Image.MAX_IMAGE_PIXELS = None

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"RIFF", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"GIF8")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]+=*\s*")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
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


def image_bytes(data: bytes) -> bytes:
    """The bytes of the image file in `data`, which is that file, its base64 text, or a data URL.

    Raises:
        InvalidImage: `data` is empty, or is text that is not base64.
    """
    if not data or data.isspace():
        raise InvalidImage("image is empty: send the bytes of an image file, or their base64 text")
    if data.startswith(_SIGNATURES):
        return data
    text = data.strip()
    if text[:5].lower() == b"data:":
        header, comma, text = text.partition(b",")
        if not comma or not header.lower().endswith(b";base64"):
            raise InvalidImage("image is a data URL that is not base64: expected data:image/...;base64,...")
    elif not _BASE64.fullmatch(text):
        raise InvalidImage(f"not an image: expected {', '.join(FORMATS)} or base64 text, got {data[:8]!r}...")
    try:
        compact = b"".join(text.split()).translate(bytes.maketrans(b"-_", b"+/"))
        decoded = base64.b64decode(compact, validate=True)
    except binascii.Error as error:
        raise InvalidImage(f"not an image file, and as base64 text it is broken: {error}") from error
    if not decoded:
        raise InvalidImage("image is empty: its base64 text holds no bytes")
    return decoded


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> npt.NDArray[np.uint8]:
    """Decode one picture; the first frame where there are several.

    Args:
        data: an image file (JPEG, PNG, BMP, WebP, TIFF, GIF), its base64 text, or a data URL.
        max_pixels: pictures with more pixels are refused; read from the header, before decoding.
        max_bytes: longer files are refused.

    Returns:
        (H, W, 3) uint8, BGR, 0..255.

    Raises:
        InvalidImage: empty, not an image, truncated, or broken base64.
        ImageTooLarge: above `max_pixels` or `max_bytes`.
    """
    data = image_bytes(data)
    if len(data) > max_bytes:
        raise ImageTooLarge(
            f"image has {len(data)} bytes, the limit is {max_bytes}; "
            "raise max_bytes in the config.pbtxt of det_preprocess or rec_preprocess"
        )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise ImageTooLarge(
                    f"image has {width} x {height} pixels, the limit is {max_pixels}; "
                    "raise max_pixels in the config.pbtxt of det_preprocess or rec_preprocess"
                )
            if picture.format in ("JPEG", "MPO") and picture.mode in ("L", "RGB"):
                return _decode_jpeg(data)
            return _decode_other(picture)
    except UnidentifiedImageError as error:
        raise InvalidImage(f"not an image: expected {', '.join(FORMATS)}, got {data[:8]!r}...") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidImage(f"image cannot be decoded: {error}") from error


def _decode_jpeg(data: bytes) -> npt.NDArray[np.uint8]:
    # OpenCV fills what a truncated file lacks with gray and says nothing, so look for the end marker. Inside the
    # entropy-coded data it cannot occur by chance (ITU T.81, B.1.1.5), and EXIF thumbnails lie before the scan.
    if data.find(_END_OF_IMAGE, _scan_offset(data)) < 0:
        raise InvalidImage("image is truncated: the JPEG file has no end marker")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InvalidImage("image cannot be decoded: broken JPEG data")
    return pixels


def _scan_offset(data: bytes) -> int:
    """Offset of the first scan of a JPEG file, or its length when there is none."""
    offset = 2
    while offset + 4 <= len(data):
        if data[offset] != 0xFF:
            offset += 1
            continue
        marker = data[offset + 1]
        if marker == _START_OF_SCAN:
            return offset
        standalone = marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD8
        offset += 1 if marker == 0xFF else 2 if standalone else 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
    return len(data)


def _decode_other(picture: Image.Image) -> npt.NDArray[np.uint8]:
    picture.load()
    upright = _turn(picture)
    if upright.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        return cv2.cvtColor(_gray_levels(np.asarray(upright)), cv2.COLOR_GRAY2BGR)
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    if upright.mode == "1":
        upright = upright.convert("L")
    if upright.mode == "L":  # scanned pages are large: RGB in Pillow would be four times as much to write
        return cv2.cvtColor(np.asarray(upright), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(np.asarray(upright.convert("RGB")), cv2.COLOR_RGB2BGR)


def _turn(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a picture whose EXIF data is nonsense is as a person sees it without."""
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG)
    except (struct.error, SyntaxError, ValueError, OSError, KeyError, TypeError):
        return picture
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _gray_levels(gray: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """16-bit, 32-bit or float levels as 0..255; the range is told by the type, or by the highest level."""
    if gray.dtype == np.uint16:
        return (gray >> 8).astype(np.uint8)
    finite = np.nan_to_num(gray)
    highest = finite.max(initial=0)
    if gray.dtype.kind == "f" and highest <= 1:
        finite = finite * 255
    elif highest > 255:
        finite = finite / _SCALE_16_BIT
    return np.clip(finite, 0, 255).astype(np.uint8)
