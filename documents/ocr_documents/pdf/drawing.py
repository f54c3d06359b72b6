"""Pages of a PDF file as pictures, as a viewer shows them: turned, cropped, with notes and filled-in forms."""

from __future__ import annotations

import ctypes
import io
import logging
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pikepdf
import pypdfium2
from pypdfium2 import raw

from ocr_contract.result import OcrResult
from ocr_documents.errors import NEEDS_PASSWORD, BrokenDocument, DocumentTooLarge, EncryptedDocument
from ocr_documents.limits import Limits
from ocr_documents.pdf.notes import make_notes_content
from ocr_documents.pdf.own_text import own_text

_log = logging.getLogger(__name__)

POINTS_PER_INCH = 72.0
MAX_PICTURE_BITS = 8 << 30  # of a picture in a file: of those that have more, pdfium leaves out some
PAGES_OF_AN_OPENING = 50  # pdfium keeps what it has read of a file until that is closed
BITS_PER_PIXEL = 32  # at most
SCAN_SHARE = 0.7  # of a page's area: where pictures take as much it is a scan, unless
STAMP_SHARE = 0.05  # text takes more than this

_ENCRYPTED = (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)


class Drawing:
    """An opened PDF file. Its length is the number of its pages."""

    def __init__(self, source: Path | bytes, limits: Limits) -> None:
        """Open a file, which may be encrypted, if only for changing it.

        Raises:
            EncryptedDocument: it needs a password.
            BrokenDocument: it is no PDF file, or not even its list of pages can be read.
        """
        self._source, self._limits = source, limits
        self._drawn = 0
        self._open()
        self._units = _user_units(source)

    def _open(self) -> None:
        try:
            self._pdf = pypdfium2.PdfDocument(self._source)
        except pypdfium2.PdfiumError as error:
            if error.err_code in _ENCRYPTED:
                raise EncryptedDocument(NEEDS_PASSWORD) from error
            raise BrokenDocument(f"is not a PDF file, or a broken one: {error}") from error
        self._pdf.init_forms()

    def __len__(self) -> int:
        return len(self._pdf)

    def page(self, number: int, dpi: int, *, with_text: bool) -> tuple[dict[str, Any], npt.NDArray[np.uint8]]:
        """Draw a page.

        Args:
            number: from 1 on.
            dpi: pixels an inch.
            with_text: whether to look for text that it carries.

        Returns:
            {"width", "height": pixels, "text": `OcrResult.to_dict` of its own text, or None}, and its pixels
            (height, width, 3) uint8 BGR, or (height, width) uint8 where all are gray.

        Raises:
            BrokenDocument: it cannot be drawn.
            DocumentTooLarge: it has more pixels than the limit, or a picture on it has.
        """
        if self._drawn == PAGES_OF_AN_OPENING:
            self._pdf.close()
            self._open()
            self._drawn = 0
        self._drawn += 1
        try:
            page = self._pdf[number - 1]
        except pypdfium2.PdfiumError as error:
            raise BrokenDocument(f"page {number} cannot be read: {error}") from error
        try:
            scale = self._scale(page, number, dpi)
            _check_pictures(page, number)
            bitmap = page.render(scale=scale, force_bitmap_format=raw.FPDFBitmap_BGR)
            pixels = bitmap.to_numpy()
            height, width = pixels.shape[:2]
            text = self._own_text(page, number, width, height) if with_text else None
            answer = {"width": width, "height": height, "text": None if text is None else text.to_dict()}
            return answer, _packed(pixels)
        except pypdfium2.PdfiumError as error:
            raise BrokenDocument(f"page {number} cannot be drawn: {error}") from error
        finally:
            page.close()

    def _scale(self, page: pypdfium2.PdfPage, number: int, dpi: int) -> float:
        """Pixels for each unit of the page.

        Raises:
            BrokenDocument: the page has no area.
            DocumentTooLarge: it has more pixels than the limit.
        """
        unit = self._units.get(number, 1.0)
        inches = [length * unit / POINTS_PER_INCH for length in page.get_size()]
        if not all(0 < length < math.inf for length in inches):
            raise BrokenDocument(f"page {number} has no area: its boxes are empty, or do not overlap")
        width, height = (math.ceil(length * dpi) for length in inches)
        if width * height > self._limits.page_pixels:
            raise DocumentTooLarge(
                f"page {number} is {inches[0]:,.4g} x {inches[1]:,.4g} inches: at {dpi} dpi it has "
                f"{width:,} x {height:,} pixels, and the limit is {self._limits.page_pixels:,}; draw it at fewer dpi"
            )
        return unit * dpi / POINTS_PER_INCH

    def _own_text(self, page: pypdfium2.PdfPage, number: int, width: int, height: int) -> OcrResult | None:
        """The text that a page carries, and if it carries some, that of its form fields and notes as well.

        A scan with a note or a stamp on it carries none.
        """
        text = own_text(page, width, height)
        if text is not None and _is_stamped_scan(page, text, width * height):
            return None
        if text is None or not make_notes_content(page):
            return text
        flat = self._pdf[number - 1]
        try:
            return own_text(flat, width, height)
        finally:
            flat.close()


def _is_stamped_scan(page: pypdfium2.PdfPage, text: OcrResult, page_pixels: int) -> bool:
    """Whether a page is a picture with little text beside what the picture shows: a page number, a file mark, a title.

    Invisible text means that the picture has been read.
    """
    sides = np.linalg.norm(text.boxes[:, [1, 3]] - text.boxes[:, [0]], axis=2)
    if sides.prod(axis=1).sum() > STAMP_SHARE * page_pixels:
        return False
    if any(
        raw.FPDFTextObj_GetTextRenderMode(item) == raw.FPDF_TEXTRENDERMODE_INVISIBLE
        for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT])
    ):
        return False
    pictures = 0.0
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=1):
        left, bottom, right, top = item.get_bounds()
        pictures += (right - left) * (top - bottom)
    left, bottom, right, top = page.get_bbox()
    return pictures >= SCAN_SHARE * (right - left) * (top - bottom)


def _check_pictures(page: pypdfium2.PdfPage, number: int) -> None:
    """See that pdfium draws the pictures on a page: it leaves out those that are too large, or draws a part.

    Raises:
        DocumentTooLarge: there is one.
    """
    width, height = ctypes.c_uint(), ctypes.c_uint()
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
        raw.FPDFImageObj_GetImagePixelSize(item, width, height)
        if width.value * height.value <= MAX_PICTURE_BITS // BITS_PER_PIXEL:
            continue
        about = raw.FPDF_IMAGEOBJ_METADATA()
        raw.FPDFImageObj_GetImageMetadata(item, page, about)
        if width.value * height.value * (about.bits_per_pixel or BITS_PER_PIXEL) > MAX_PICTURE_BITS:
            raise DocumentTooLarge(
                f"page {number} cannot be drawn: it holds a picture of {width.value:,} x {height.value:,} pixels"
            )


def _packed(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Rows without padding; (H, W) where all pixels are gray, a third of the bytes to send and to compress."""
    blue, green, red = (pixels[..., channel] for channel in range(3))
    is_gray = np.array_equal(blue, green) and np.array_equal(green, red)
    return np.ascontiguousarray(blue if is_gray else pixels)


def _user_units(source: Path | bytes) -> dict[int, float]:
    """How many points a unit is, of pages that count in larger ones. pdfium does not tell it.

    Broken files that pdfium opens and pikepdf does not are taken to have none: their pages, if they should be larger,
    are drawn at fewer dpi than asked for.
    """
    try:
        with pikepdf.open(source if isinstance(source, Path) else io.BytesIO(source)) as pdf:
            units: list[Any] = [page.obj.get("/UserUnit") for page in pdf.pages]
            return {number: float(unit) for number, unit in enumerate(units, 1) if _is_unit(unit)}
    except (pikepdf.PdfError, RuntimeError) as error:  # the latter is how qpdf tells of page trees that are none
        _log.info("user units are not known: %s", error)
        return {}


def _is_unit(unit: object) -> bool:
    return isinstance(unit, int | Decimal) and unit > 0 and unit != 1
