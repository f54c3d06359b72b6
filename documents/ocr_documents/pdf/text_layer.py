"""Searchable PDF: the document as it was, and under each page that was read its text, invisible, word on word."""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pikepdf
import pypdfium2
from pikepdf import Name, Pdf, Stream

from ocr_documents.document import PageResult
from ocr_documents.errors import BrokenDocument, EncryptedDocument, NoSuchPage
from ocr_documents.pdf.changeable import PASSWORD_NEEDED, check_changeable
from ocr_documents.pdf.content import invisible_text
from ocr_documents.pdf.earlier_text import remove_invisible_text
from ocr_documents.pdf.from_pictures import is_pdf, pdf_of_pictures
from ocr_documents.pdf.glyphless import GlyphlessFont
from ocr_documents.pdf.page_space import PageSpace
from ocr_documents.pdf.resources import free_name, own_entries, own_resources
from ocr_documents.pdf.runs import Run, line_runs
from ocr_documents.pdf.visible_text import VisibleText, lie_in
from ocr_documents.words import words_of_lines

Floats = npt.NDArray[np.float64]

_FONT = "/OcrText"  # its name among a page's resources


def write_searchable(
    source: Path | bytes, pages: Iterable[PageResult], target: BinaryIO, *, replace_text: bool
) -> None:
    """Write a document as a PDF that can be searched.

    What its pages show stays as it is; pages that are not among `pages` stay as they are altogether. A PDF of which no
    page was read is copied byte for byte. The same input gives the same bytes, unless the document is encrypted.

    Args:
        source: a PDF, a picture, or a TIFF of many pages.
        pages: with their boxes in pixels of the drawn page; they are asked for one after the other. Those whose text
            the document itself carried are left alone.
        target: takes the PDF, and must be able to seek.
        replace_text: the pages that were read may have text already. Invisible text of an earlier OCR is taken out of
            them, and no word is written where visible text is.

    Raises:
        BrokenDocument: the source is neither a PDF nor a picture, or a broken one.
        EncryptedDocument: it needs a password, for reading or for being changed.
        SignedDocument: its signature would break.
        DocumentTooLarge: a picture has too many pixels, or the document more different characters than a font.
        NoSuchPage: a page was read that the document does not have.
        OSError: the source cannot be read, or the target not be written.
    """
    with _errors_of_libraries(), ExitStack() as stack:
        is_picture = not is_pdf(source)
        pdf = stack.enter_context(pdf_of_pictures(source) if is_picture else _open(source))
        replaces = replace_text and not is_picture
        layers = _TextLayers(pdf, stack.enter_context(closing(VisibleText(source))) if replaces else None)
        for page in pages:
            if page.origin == "ocr":
                layers.add(page)
        if not layers.pages and not is_picture:
            _copy(source, target)
            return
        layers.complete()
        pdf.save(
            target,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,  # streams stay as they are
            encryption=pdf.is_encrypted,
            deterministic_id=not pdf.is_encrypted,
        )


class _TextLayers:
    """The text layers of one document.

    Attributes:
        pages: how many have one, if only an empty one.
    """

    def __init__(self, pdf: Pdf, visible: VisibleText | None) -> None:
        self.pages = 0
        self._pdf = pdf
        self._visible = visible
        self._font = GlyphlessFont(pdf)

    def add(self, result: PageResult) -> None:
        """Write the text of a page under it."""
        if not self.pages:
            check_changeable(self._pdf)
        self.pages += 1
        if not 1 <= result.number <= len(self._pdf.pages):
            raise NoSuchPage(f"has {len(self._pdf.pages):,} pages, and no page {result.number:,}")
        page = self._pdf.pages[result.number - 1]
        shown = np.empty((0, 4))
        if self._visible is not None:
            shown = self._visible.boxes(result.number)
            remove_invisible_text(self._pdf, page)
        runs = list(_runs(result, PageSpace.of(page), shown))
        if not runs:
            return
        fonts = own_entries(own_resources(page), "/Font")
        name = free_name(fonts, _FONT)
        fonts[name] = self._font.object
        content = zlib.compress(invisible_text(runs, self._font, name))
        page.contents_add(Stream(self._pdf, content, Filter=Name.FlateDecode), prepend=True)

    def complete(self) -> None:
        """Write the font that they share."""
        self._font.complete()


def _runs(page: PageResult, space: PageSpace, shown: Floats) -> Iterator[Run]:
    """All runs of a page, without words on visible characters (K, 4)."""
    for words in words_of_lines(page.result):
        boxes = np.array([word.box for word in words], np.float64).reshape(-1, 4, 2)
        placed = space.from_pixels(boxes, page.width_px, page.height_px)
        if np.isfinite(placed).all():
            yield from line_runs(words, placed, ~lie_in(placed.mean(axis=1), shown))


@contextmanager
def _errors_of_libraries() -> Iterator[None]:
    try:
        yield
    except pikepdf.PasswordError as error:
        raise EncryptedDocument(PASSWORD_NEEDED) from error
    except (pikepdf.PdfError, pypdfium2.PdfiumError) as error:
        raise BrokenDocument(f"is not a PDF file, or a broken one: {error}") from error


def _open(source: Path | bytes) -> Pdf:
    return Pdf.open(source if isinstance(source, Path) else io.BytesIO(source))


def _copy(source: Path | bytes, target: BinaryIO) -> None:
    if isinstance(source, bytes):
        target.write(source)
        return
    with source.open("rb") as file:
        shutil.copyfileobj(file, target)
