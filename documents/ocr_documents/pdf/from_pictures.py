"""Pictures as the pages of a PDF, without loss: as they are in their files where PDF knows that form."""

from __future__ import annotations

import io
import logging
import struct
from pathlib import Path

import img2pdf
import numpy as np
import numpy.typing as npt
from pikepdf import Pdf, Stream
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from ocr_contract import __version__
from ocr_documents.errors import BrokenDocument, DocumentTooLarge

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
_KEPT = ("JPEG", "MPO", "PNG")  # are put into a PDF as they are

_DPI = 96  # pixels an inch, of files that do not say it
_LEAST_DPI, _MOST_DPI = 20, 4800  # what is believed of files
_LEAST_SIDE = 3.0  # 1/72 inch: smaller pages are too small for some viewers

_ORIENTATION_TAG = 0x0112
# EXIF orientation: whether the picture is mirrored first, and how far it is turned clockwise then.
_TURNS = {2: (True, 0), 3: (False, 180), 4: (True, 180), 5: (True, 270), 6: (False, 90), 7: (True, 90), 8: (False, 270)}
_SCALE_16_BIT = 257  # 65535 / 255

# It warns of transparency, and would do so on standard error in programs that ask for no log.
logging.getLogger("img2pdf").addHandler(logging.NullHandler())


def is_pdf(source: Path | bytes) -> bool:
    """Whether a file's content is that of a PDF; other data may stand before it.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(source, bytes):
        return b"%PDF-" in source[:1024]
    with source.open("rb") as file:
        return b"%PDF-" in file.read(1024)


def pdf_of_pictures(source: Path | bytes) -> Pdf:
    """Make a PDF of a picture, or of all pages of a TIFF file.

    Raises:
        BrokenDocument: it is no picture, or not a whole one.
        DocumentTooLarge: it has too many pixels.
        OSError: it cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.format in _KEPT and "transparency" not in picture.info:
                turn = _TURNS.get(_orientation(picture), (False, 0))
                if (pdf := _as_it_is(data)) is not None:
                    return _turned(pdf, *turn)
            frames = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            if picture.format == "TIFF" and _stand_upright(picture, frames) and (pdf := _as_it_is(data)) is not None:
                return pdf
            return _pdf([_plain(picture, frame) for frame in range(frames)])
    except UnidentifiedImageError as error:
        raise BrokenDocument("is neither a PDF file nor a picture of a known format, or is a broken one") from error
    except Image.DecompressionBombError as error:
        raise DocumentTooLarge(f"has too many pixels: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BrokenDocument(f"is not a whole picture: {error}") from error


def _as_it_is(data: bytes) -> Pdf | None:
    """The PDF of a file that img2pdf takes, None if it does not."""
    try:
        return _pdf([data])
    except MemoryError:
        raise
    except Exception:  # what it does not take it refuses with all kinds of them
        return None


def _pdf(files: list[bytes]) -> Pdf:
    """Picture files as the pages of a PDF, their pixels as they are stored: neither mirrored nor turned."""
    written = io.BytesIO()
    img2pdf.convert(
        files,
        outputstream=written,
        rotation=img2pdf.Rotation.none,
        layout_fun=_layout,
        producer=f"triton-paddleocr {__version__}",
        nodate=True,
    )
    return Pdf.open(written)


def _layout(width_px: int, height_px: int, dpi: tuple[float, float]) -> tuple[float, float, float, float]:
    """Width and height of the page, and those of the picture on it, in 1/72 inch."""
    if not all(_LEAST_DPI <= value <= _MOST_DPI for value in dpi):
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


def _stand_upright(picture: ImageFile, frames: int) -> bool:
    """Whether img2pdf gets the pages of a TIFF file right: those that are turned it would turn twice."""
    for frame in range(frames):
        picture.seek(frame)
        if _orientation(picture) != 1 or "transparency" in picture.info:
            return False
    return True


def _plain(picture: ImageFile, frame: int) -> bytes:
    """A frame of a file as a file that img2pdf takes: upright, and all its pixels, of which no format keeps more."""
    picture.seek(frame)
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
    known = {} if dpi is None or not all(_LEAST_DPI <= value <= _MOST_DPI for value in dpi) else {"dpi": dpi}
    plain.save(written, "TIFF" if plain.mode == "CMYK" else "PNG", icc_profile=profile, **known)
    return written.getvalue()


def _levels(gray: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Levels (H, W) of 32 bits as 0..255; their range is told by their type, or by the highest of them."""
    highest = np.fmax.reduce(gray, axis=None)  # NaN passed over
    finite = np.nan_to_num(gray).astype(np.float64)
    scale = 255.0 if gray.dtype.kind == "f" and highest <= 1 else 1 / _SCALE_16_BIT if highest > 255 else 1.0
    return np.clip(finite * scale, 0, 255).astype(np.uint8)
