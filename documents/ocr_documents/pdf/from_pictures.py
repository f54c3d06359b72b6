"""Pictures as the pages of a PDF, without loss: as they are in their files where PDF knows that form."""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import img2pdf
import numpy as np
import numpy.typing as npt
from pikepdf import Pdf, Stream, String
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from ocr_contract import __version__
from ocr_documents.errors import BrokenDocument, DocumentTooLarge
from ocr_documents.kinds import kind_of
from ocr_documents.pictures import dots_per_inch, opened
from ocr_documents.tiff import TiffDocument

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
_KEPT = ("JPEG", "MPO", "PNG")  # are put into a PDF as they are

_DPI = 96  # pixels an inch, of files that do not say it
_LEAST_SIDE = 3.0  # 1/72 inch: smaller pages are too small for some viewers

_ORIENTATION_TAG = 0x0112
# EXIF orientation: whether the picture is mirrored first, and how far it is turned clockwise then.
_TURNS = {2: (True, 0), 3: (False, 180), 4: (True, 180), 5: (True, 270), 6: (False, 90), 7: (True, 90), 8: (False, 270)}
_SCALE_16_BIT = 257  # 65535 / 255

_log = logging.getLogger(__name__)

# It warns of transparency, and would do so on standard error in programs that ask for no log.
logging.getLogger("img2pdf").addHandler(logging.NullHandler())


class PicturePdf:
    """A PDF of a picture, or of the pages of a TIFF file, which are added one by one.

    Attributes:
        pdf: with the pages added so far.
    """

    def __init__(self, source: Path | bytes) -> None:
        """Begin a PDF without pages.

        Raises:
            BrokenDocument: the source is a TIFF file that is broken.
            DocumentTooLarge: it has more pages than a file can mean.
            DocumentError: it cannot be read.
        """
        self.pdf = Pdf.new()
        self.pdf.docinfo["/Producer"] = String(f"triton-paddleocr {__version__}")
        self._pictures = _pictures(source)

    def add_pages(self, until: int | None = None) -> None:
        """Add pages up to one, counted from 1, or all that are left.

        Raises:
            BrokenDocument: one is no picture, or not a whole one.
            DocumentTooLarge: one has too many pixels.
        """
        while until is None or len(self.pdf.pages) < until:
            picture = next(self._pictures, None)
            if picture is None:
                return
            self.pdf.pages.extend(_pdf_of(picture).pages)


def _pictures(source: Path | bytes) -> Iterator[bytes]:
    """Files of one picture each."""
    with opened(source) as stream:
        kind = kind_of(stream)
    if kind != "tiff":
        yield source if isinstance(source, bytes) else source.read_bytes()
        return
    with TiffDocument(source) as tiff:
        for number in range(1, len(tiff) + 1):
            yield cast("bytes", tiff.page(number).picture)  # they are cut out as files


def _pdf_of(data: bytes) -> Pdf:
    """A PDF of the first picture of a file."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            orientation = _orientation(picture)
            # Pillow turns TIFF pictures itself, and img2pdf would turn them once more. Transparency that is told by
            # anything but an alpha channel img2pdf takes for less deep than it is.
            kept = picture.format in _KEPT or (picture.format == "TIFF" and orientation == 1)
            if kept and "transparency" not in picture.info and (pdf := _as_it_is(data)) is not None:
                return _turned(pdf, *_TURNS.get(orientation, (False, 0)))
            return _pdf(_plain(picture))
    except UnidentifiedImageError as error:
        raise BrokenDocument("is neither a PDF file nor a picture, or a broken one") from error
    except Image.DecompressionBombError as error:
        raise DocumentTooLarge(f"the picture is too large: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BrokenDocument(f"the picture cannot be read: {error}") from error


def _as_it_is(data: bytes) -> Pdf | None:
    """The PDF of a file that img2pdf takes, None if it does not."""
    try:
        return _pdf(data)
    except MemoryError:
        raise
    except Exception:  # it raises this very class, beside its own ones and all that a broken file leads it into
        _log.debug("a picture is drawn anew", exc_info=True)
        return None


def _pdf(data: bytes) -> Pdf:
    """A PDF of a picture file, its pixels as they are stored: neither mirrored nor turned."""
    written = io.BytesIO()
    img2pdf.convert(
        data,
        outputstream=written,
        rotation=img2pdf.Rotation.none,
        layout_fun=_layout,
        first_frame_only=True,
        nodate=True,
    )
    return Pdf.open(written)


def _layout(width_px: int, height_px: int, dpi: tuple[float, float]) -> tuple[float, float, float, float]:
    """Width and height of the page, and those of the picture on it, in 1/72 inch."""
    if None in map(dots_per_inch, dpi):
        dpi = (_DPI, _DPI)
    width, height = 72 * width_px / dpi[0], 72 * height_px / dpi[1]
    scale = max(1.0, _LEAST_SIDE / min(width, height))
    return scale * width, scale * height, scale * width, scale * height


def _turned(pdf: Pdf, mirrored: bool, degrees: int) -> Pdf:
    """A PDF of one page whose picture is shown mirrored and then turned clockwise."""
    page = pdf.pages[0].obj
    if mirrored:
        page.Contents = Stream(pdf, b"q -1 0 0 1 %.4f 0 cm\n" % page.MediaBox[2] + page.Contents.read_bytes() + b"\nQ")
    if degrees:
        page.Rotate = degrees
    return pdf


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation; 1 where there is none, or the EXIF data is nonsense."""
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG)
    except (struct.error, SyntaxError, ValueError, OSError, KeyError, TypeError):
        return 1
    return orientation if orientation in _TURNS else 1


def _plain(picture: ImageFile) -> bytes:
    """A picture as a file that img2pdf takes: upright, with 8 bits a sample, or 16 of gray."""
    dpi, profile = picture.info.get("dpi"), picture.info.get("icc_profile")
    picture.load()
    plain = picture if _orientation(picture) == 1 else ImageOps.exif_transpose(picture)
    if plain.mode in ("I", "F"):
        plain = Image.fromarray(_levels(np.asarray(plain)))
    elif plain.mode.startswith("I;16"):
        plain = Image.fromarray(np.asarray(plain).astype(np.uint16))
    elif plain.has_transparency_data:
        plain = plain.convert("RGBA")
    elif plain.mode not in ("1", "L", "P", "RGB", "CMYK"):
        plain = plain.convert("RGB")
    written = io.BytesIO()
    known = {} if dpi is None or None in map(dots_per_inch, dpi) else {"dpi": dpi}
    plain.save(written, "TIFF" if plain.mode == "CMYK" else "PNG", icc_profile=profile, **known)
    return written.getvalue()


def _levels(gray: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Levels (H, W) of 32 bits as 0..255; their range is told by their type, or by the highest of them."""
    highest = np.fmax.reduce(gray, axis=None)  # NaN passed over
    finite = np.nan_to_num(gray).astype(np.float64)
    scale = 255.0 if gray.dtype.kind == "f" and highest <= 1 else 1 / _SCALE_16_BIT if highest > 255 else 1.0
    return np.clip(finite * scale, 0, 255).astype(np.uint8)
