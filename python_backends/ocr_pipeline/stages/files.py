"""The bytes of an image file: as they are sent, of bounded size, and of a bounded number of parts."""

import base64
import binascii

from ocr_contract.errors import ImageTooLarge, InvalidImage
from ocr_contract.parts import JPEG, PNG, bound_parts, scan_offset

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
MAX_BYTES = 64 * 1024 * 1024

_SIGNATURES = (JPEG, PNG, b"BM", b"RIFF", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"GIF8")
_BASE64_SHARE = 1.34  # characters a byte
_BASE64_SLACK = 4096  # characters of a data URL's header and of white space at the ends
_WHITE_SPACE = b" \t\n\r\v\f"
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_END_OF_IMAGE = b"\xff\xd9"


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
            f"not an image: expected a file of {', '.join(FORMATS)}, or its base64 text ({error})"
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
        "raise max_bytes in the config.pbtxt of det_batcher or rec_preprocess"
    )


def check_parts(data: bytes) -> None:
    """See that a file is not made of so many parts that going through them takes longer than decoding a picture.

    Raises:
        InvalidImage: a JPEG or PNG file of too many parts.
    """
    try:
        bound_parts(data)
    except ValueError as error:
        raise InvalidImage(f"image cannot be decoded: {error}") from error


def check_jpeg_end(data: bytes) -> None:
    """See that a JPEG file, whose parts have been checked, is whole: OpenCV fills what it lacks with gray, silently.

    Raises:
        InvalidImage: it has no end marker.
    """
    # Inside the entropy-coded data the marker cannot occur by chance (ITU T.81, B.1.1.5), and EXIF thumbnails lie
    # before the scan.
    if data.find(_END_OF_IMAGE, scan_offset(data)) < 0:
        raise InvalidImage("image is truncated: the JPEG file has no end marker")
