"""A picture is a document of one page; of an animation, its first picture is."""

from __future__ import annotations

import io
import re
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from ocr_contract.parts import JPEG, PNG, bound_parts
from ocr_documents.document import Document, Page
from ocr_documents.errors import BrokenDocument, DocumentTooLarge, NoSuchPage, reading

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF")  # beside TIFF, which may be a document of several pages
MIN_DPI, MAX_DPI = 20.0, 4800.0  # what is believed of files

_QUIET = threading.Lock()  # what silences warnings is shared by all threads
_ORIENTATION_TAG = 0x0112
_TURNED = (5, 6, 7, 8)  # EXIF orientations by a quarter: width and height change places
_PNG_ORIENTATION = re.compile(rb"eXIf|[Ee]xif|com\.adobe\.xmp")  # chunks of a PNG file that may say how it is turned
# What Pillow raises where a file is broken.
NOT_READABLE = (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, struct.error, OverflowError)


class PictureDocument(Document):
    """A document of one picture, which is handed over as the file's own bytes."""

    def __init__(self, file: Path | bytes) -> None:
        """Look at what the file says of the picture.

        Raises:
            BrokenDocument: it is no picture.
            DocumentTooLarge: it has more pixels than Pillow opens.
            DocumentError: it cannot be read.
        """
        self._file = file
        self._width, self._height, self._dpi = measured(self.content())

    def __len__(self) -> int:
        return 1

    def page(self, number: int) -> Page:
        """Read the file; see `Document.page`."""
        check_number(number, 1)
        return Page(1, self.content(), self._width, self._height, self._dpi)

    def content(self) -> bytes:
        """Return the file's bytes."""
        with opened(self._file) as stream:
            return stream.read()

    def close(self) -> None:
        """Nothing is held."""


def opened(file: Path | bytes) -> BinaryIO:
    """Open a file for reading.

    Raises:
        DocumentError: that cannot be done.
    """
    if isinstance(file, bytes):
        return io.BytesIO(file)
    with reading():
        return file.open("rb")


def is_picture(stream: BinaryIO) -> bool:
    """Whether a file begins as a picture does; it is left at its start."""
    try:
        with _opened(stream):
            return True
    except (BrokenDocument, DocumentTooLarge) as error:
        return isinstance(error, DocumentTooLarge)
    finally:
        stream.seek(0)


def check_number(number: int, pages: int) -> None:
    """See that a document has a page.

    Raises:
        NoSuchPage: it has not.
    """
    if not 1 <= number <= pages:
        raise NoSuchPage(f"has {pages:,} {'page' if pages == 1 else 'pages'}, and no page {number:,}")


def dots_per_inch(value: object) -> float | None:
    """What a file says of its resolution, where that can be true."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if MIN_DPI <= number <= MAX_DPI else None


def measured(content: bytes, number: int = 1) -> tuple[int, int, float | None]:
    """Width and height in pixels as a person sees the picture of a number, from 1 on, and pixels an inch.

    Raises:
        BrokenDocument: it is no picture.
        DocumentTooLarge: it has more pixels than Pillow opens.
    """
    with _opened(io.BytesIO(content)) as picture:
        if picture.format == "MPO":  # those of an animation are of one size
            picture.seek(number - 1)
        dpi, turned = picture.info.get("dpi"), _is_turned(picture, content)
        resolution = dots_per_inch(dpi[turned]) if isinstance(dpi, tuple) and len(dpi) == 2 else None
        width, height = picture.size[::-1] if turned else picture.size
    return width, height, resolution


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[Image.Image]:
    """Open a picture as far as its header; what Pillow cannot read is a `BrokenDocument`."""
    try:
        _bound_parts(stream)
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which are the reader's to judge
            with Image.open(stream, formats=FORMATS) as picture:
                yield picture
    except UnidentifiedImageError as error:
        raise BrokenDocument(f"is neither a picture ({', '.join(FORMATS)}, TIFF) nor a PDF file") from error
    except Image.DecompressionBombError as error:
        raise DocumentTooLarge(f"is too large: {error}") from error
    except NOT_READABLE as error:
        raise BrokenDocument(f"is a broken picture: {error}") from error


def _bound_parts(stream: BinaryIO) -> None:
    """See that going through a file takes no longer than reading it; see `ocr_contract.parts.bound_parts`."""
    stream.seek(0)
    head = stream.read(len(PNG))
    stream.seek(0)
    if head.startswith((JPEG, PNG)):
        bound_parts(stream.read())
        stream.seek(0)


def _is_turned(picture: Image.Image, content: bytes) -> bool:
    """Whether EXIF data turn the picture by a quarter; data that are nonsense do not."""
    if picture.format == "PNG" and not _PNG_ORIENTATION.search(content):
        return False  # Pillow would decode the whole picture to look behind it
    try:
        return picture.getexif().get(_ORIENTATION_TAG) in _TURNED
    except NOT_READABLE:
        return False
