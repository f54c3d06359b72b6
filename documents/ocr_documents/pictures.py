"""A picture is a document of one page; of an animation, its first picture is."""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, UnidentifiedImageError

from ocr_documents.document import Page
from ocr_documents.errors import BrokenDocument, DocumentTooLarge, NoSuchPage

if TYPE_CHECKING:
    from typing_extensions import Self

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF")  # beside TIFF, which may be a document of several pages
MAX_DPI = 20_000.0  # more is nonsense in a file

_ORIENTATION_TAG = 0x0112
_TURNED = (5, 6, 7, 8)  # EXIF orientations by a quarter: width and height change places
_PNG_ORIENTATION = re.compile(rb"eXIf|[Ee]xif|com\.adobe\.xmp")  # chunks of a PNG file that may say how it is turned
_NOT_READABLE = (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, struct.error, OverflowError)


class PictureDocument:
    """A `Document` of one picture, which is handed over as the file's own bytes."""

    def __init__(self, file: Path | bytes, digest: str) -> None:
        """Look at what the file says of the picture.

        Raises:
            BrokenDocument: it is no picture.
            DocumentTooLarge: it has more pixels than Pillow opens.
            OSError: it cannot be read.
        """
        self.digest = digest
        self._file = file
        self._page(self._content())

    def __len__(self) -> int:
        return 1

    def page(self, number: int) -> Page:
        """Read the file; see `Document.page`."""
        check_number(number, 1)
        return self._page(self._content())

    def _content(self) -> bytes:
        return self._file if isinstance(self._file, bytes) else self._file.read_bytes()

    def _page(self, content: bytes) -> Page:
        with _opened(io.BytesIO(content)) as picture:
            dpi = picture.info.get("dpi")
            width, height, turned = *picture.size, _is_turned(picture, content)
            resolution = dots_per_inch(dpi[1 if turned else 0]) if isinstance(dpi, tuple) and len(dpi) == 2 else None
        return Page(1, content, *((height, width) if turned else (width, height)), resolution)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
        raise NoSuchPage(f"page {number:,} is asked for, but the document has {pages:,}")


def dots_per_inch(value: object) -> float | None:
    """What a file says of its resolution, where that can be true."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) and 1 < number <= MAX_DPI else None  # 1 stands for "not known"


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[Image.Image]:
    """Open a picture as far as its header; what Pillow cannot read is a `BrokenDocument`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which are the reader's to judge
            with Image.open(stream, formats=FORMATS) as picture:
                yield picture
    except UnidentifiedImageError as error:
        raise BrokenDocument(f"the file is no picture ({', '.join(FORMATS)}, TIFF) and no PDF file") from error
    except Image.DecompressionBombError as error:
        raise DocumentTooLarge(f"the picture is too large: {error}") from error
    except _NOT_READABLE as error:
        raise BrokenDocument(f"the picture cannot be read: {error}") from error


def _is_turned(picture: Image.Image, content: bytes) -> bool:
    """Whether EXIF data turn the picture by a quarter; data that are nonsense do not."""
    if picture.format == "PNG" and not _PNG_ORIENTATION.search(content):
        return False  # Pillow would decode the whole picture to look behind it
    try:
        return picture.getexif().get(_ORIENTATION_TAG) in _TURNED
    except _NOT_READABLE:
        return False
