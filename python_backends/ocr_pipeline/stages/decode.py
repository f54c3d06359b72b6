"""Encoded image to pixels, as a person sees them: EXIF orientation applied, transparency laid on white, or on black
where what can be seen is light.

Baseline and progressive JPEG go through OpenCV, which writes BGR directly; every other format goes through
Pillow, which knows 16-bit, palette, CMYK and alpha pictures and reports truncated files.
"""

import base64
import binascii
import io
import struct
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from ocr_contract.errors import ImageTooLarge, InvalidImage

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
MAX_PIXELS = 100_000_000
MAX_BYTES = 64 * 1024 * 1024
OTHER_FORMATS_SHARE = 2  # what is not JPEG takes about twice the memory a pixel, so half as many pixels are allowed
BAND_PIXELS = 1_000_000  # pixels that are converted at a time, beside the whole picture before and after

# A picture has some tens of them; a file may hold millions, and every library goes through them one by one.
MAX_JPEG_SEGMENTS, MAX_JPEG_SCANS, MAX_PNG_CHUNKS = 4096, 256, 65_536
MAX_JPEG_FILL = 4096  # bytes of padding before a marker

_JPEG, _PNG, _PNG_HEAD = b"\xff\xd8\xff", b"\x89PNG", b"\x89PNG\r\n\x1a\n"
_SIGNATURES = (_JPEG, _PNG, b"BM", b"RIFF", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"GIF8")
_BASE64_SHARE = 1.34  # characters a byte
_BASE64_SLACK = 4096  # characters of a data URL's header and of white space at the ends
_WHITE_SPACE = b" \t\n\r\v\f"
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
_MIDDLE_GRAY = 127.5
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


def image_bytes(data: bytes, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of the image file in `data`, which is that file, its base64 text, or a data URL.

    Raises:
        InvalidImage: `data` is empty, or is text that is not base64.
        ImageTooLarge: the file is longer than `max_bytes`.
    """
    if data.startswith(_SIGNATURES):
        return _limited(data, max_bytes)
    # Text is looked at only when it can be of a file that is short enough: no size makes this slow.
    if len(data) > 2 * max_bytes:
        raise _too_many_bytes(len(data), max_bytes)
    compact = data.translate(None, _WHITE_SPACE)
    if not compact:
        raise InvalidImage("image is empty: send the bytes of an image file, or their base64 text")
    if len(compact) > max_bytes * _BASE64_SHARE + _BASE64_SLACK:
        raise _too_many_bytes(int(len(compact) / _BASE64_SHARE), max_bytes)
    if compact[:5].lower() == b"data:":
        header, comma, compact = compact.partition(b",")
        if not comma or not header.lower().endswith(b";base64"):
            raise InvalidImage("image is a data URL that is not base64: expected data:image/...;base64,...")
    try:
        decoded = base64.b64decode(compact.translate(_FROM_URL_SAFE), validate=True)
    except binascii.Error as error:
        raise InvalidImage(
            f"not an image: expected a file of {', '.join(FORMATS)}, or its base64 text (as that it is broken: {error})"
        ) from error
    if not decoded:
        raise InvalidImage("image is empty: its base64 text holds no bytes")
    return _limited(decoded, max_bytes)


def _limited(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise _too_many_bytes(len(data), max_bytes)
    return data


def _too_many_bytes(length: int, max_bytes: int) -> ImageTooLarge:
    return ImageTooLarge(
        f"image has {length} bytes, the limit is {max_bytes}; "
        "raise max_bytes in the config.pbtxt of decode or rec_preprocess"
    )


def decode_image(
    data: bytes, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES, page: int = 0
) -> npt.NDArray[np.uint8]:
    """Decode one picture.

    Beside `data`, it takes at most 8 bytes of memory for each of `max_pixels`.

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
        ImageTooLarge: above `max_pixels` or `max_bytes`.
    """
    data = image_bytes(data, max_bytes)
    check_parts(data)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _turn_to(picture, page)
            is_plain_jpeg = picture.format in ("JPEG", "MPO") and picture.mode in ("L", "RGB") and page < 2
            limit = max_pixels if is_plain_jpeg else max_pixels // OTHER_FORMATS_SHARE
            _check_size(*picture.size, limit, f"{picture.format} {picture.mode}")
            return _decode_jpeg(data) if is_plain_jpeg else _decode_other(picture)
    except UnidentifiedImageError as error:
        raise InvalidImage(f"not an image: expected {', '.join(FORMATS)}, got {data[:8]!r}...") from error
    except Image.DecompressionBombError as error:  # Pillow's own guard, which is this process's to set
        raise ImageTooLarge(
            f"{error}; raise max_pixels in the config.pbtxt of decode or rec_preprocess, "
            "in a process of your own PIL.Image.MAX_IMAGE_PIXELS"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidImage(f"image cannot be decoded: {error}") from error


def _check_size(width: int, height: int, limit: int, kind: str) -> None:
    if width * height > limit:
        raise ImageTooLarge(
            f"image has {width} x {height} pixels, the limit is {limit} for {kind}; "
            "raise max_pixels in the config.pbtxt of decode or rec_preprocess"
        )


def _turn_to(picture: ImageFile, page: int) -> None:
    """Make `page` the picture that is decoded.

    Raises:
        InvalidImage: the file has no such page, or is a document of several and none is named.
    """
    if page == 0 and picture.format != "TIFF":
        return
    pages = getattr(picture, "n_frames", 1)
    if page == 0 and pages > 1:
        raise InvalidImage(
            f"the TIFF file has {pages} pages; name one with the option page, 1 to {pages} "
            "(text_recognition takes files of one picture)"
        )
    if page > pages:
        raise InvalidImage(f"page {page} is asked for, but the {picture.format} file has {pages}")
    picture.seek(max(page - 1, 0))


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
    _check_size(array.shape[1], array.shape[0], max_pixels // OTHER_FORMATS_SHARE, "an array")
    pixels = (array >> 8).astype(np.uint8) if array.dtype == np.uint16 else array
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_GRAY2BGR)
    if pixels.shape[2] == 4:
        return _on_ground(Image.fromarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGRA2RGBA)))
    return np.ascontiguousarray(pixels)


def _decode_jpeg(data: bytes) -> npt.NDArray[np.uint8]:
    # OpenCV fills what a truncated file lacks with gray and says nothing, so look for the end marker. Inside the
    # entropy-coded data it cannot occur by chance (ITU T.81, B.1.1.5), and EXIF thumbnails lie before the scan.
    if data.find(_END_OF_IMAGE, _scan_offset(data)) < 0:
        raise InvalidImage("image is truncated: the JPEG file has no end marker")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InvalidImage("image cannot be decoded: broken JPEG data")
    return pixels


def check_parts(data: bytes) -> None:
    """See that a file is not made of so many parts that going through them takes longer than decoding a picture.

    Raises:
        InvalidImage: a JPEG file of too many segments or scans, or a PNG file of too many chunks.
    """
    if data.startswith(_JPEG):
        if data.count(b"\xff\xda", _scan_offset(data)) > MAX_JPEG_SCANS:
            raise InvalidImage(f"image cannot be decoded: a JPEG file of more than {MAX_JPEG_SCANS} scans")
    elif data.startswith(_PNG):
        offset, chunks = len(_PNG_HEAD), 0
        while offset < len(data):
            offset += 12 + int.from_bytes(data[offset : offset + 4], "big")  # length, type and checksum around it
            chunks += 1
            if chunks > MAX_PNG_CHUNKS:
                raise InvalidImage(f"image cannot be decoded: a PNG file of more than {MAX_PNG_CHUNKS} chunks")


def _scan_offset(data: bytes) -> int:
    """Offset of the first scan of a JPEG file, or its length when there is none.

    Raises:
        InvalidImage: there are too many segments before it.
    """
    offset = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        offset = data.find(b"\xff", offset)
        if offset < 0:
            return len(data)
        rest = data[offset : offset + MAX_JPEG_FILL].lstrip(b"\xff")
        if not rest:
            break
        offset += min(MAX_JPEG_FILL, len(data) - offset) - len(rest) - 1  # at the last byte of padding
        marker = rest[0]
        if marker == _START_OF_SCAN:
            return offset
        standalone = marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8
        offset += 2 if standalone else 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
        if offset >= len(data):
            return len(data)
    raise InvalidImage(f"image cannot be decoded: a JPEG file of more than {MAX_JPEG_SEGMENTS} segments, or of padding")


def _decode_other(picture: Image.Image) -> npt.NDArray[np.uint8]:
    picture.load()
    upright = _turn(picture)
    if upright.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        return _gray_to_bgr(np.asarray(upright))
    if upright.has_transparency_data:
        return _on_ground(upright)
    if upright.mode == "1":
        upright = upright.convert("L")
    if upright.mode == "L":  # scanned pages are large: RGB in Pillow would be four times as much to write
        return cv2.cvtColor(np.asarray(upright), cv2.COLOR_GRAY2BGR)
    return _in_bands(upright, lambda band: band.convert("RGB"))


def _on_ground(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR of a picture with transparency, on white, or on black where what can be seen is light."""
    if "A" in picture.getbands() and picture.getchannel("A").getextrema() == (255, 255):
        return _in_bands(picture, lambda band: band.convert("RGB"))
    light = visible = 0.0
    for _, band in _bands(picture):
        gray, alpha = (np.asarray(part, np.uint8) for part in (band.convert("LA").split()))
        visible += float(alpha.sum(dtype=np.float64))
        light += float(np.vdot(gray.astype(np.float32), alpha.astype(np.float32)))
    ground = "black" if light > visible * _MIDDLE_GRAY else "white"

    def lay(band: Image.Image) -> Image.Image:
        layer = band.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer).convert("RGB")

    return _in_bands(picture, lay)


def _bands(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """A picture some rows at a time: the first row of each band, and the band."""
    width, height = picture.size
    rows = max(BAND_PIXELS // width, 1)
    for top in range(0, height, rows):
        yield top, picture.crop((0, top, width, min(top + rows, height)))


def _in_bands(picture: Image.Image, to_rgb: Callable[[Image.Image], Image.Image]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR of a picture that is converted to RGB some rows at a time: copies stay small."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    for top, band in _bands(picture):
        cv2.cvtColor(np.asarray(to_rgb(band)), cv2.COLOR_RGB2BGR, dst=pixels[top : top + band.height])
    return pixels


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
    rows = max(BAND_PIXELS // width, 1)
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
