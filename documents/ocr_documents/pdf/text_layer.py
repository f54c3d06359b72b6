"""Searchable PDF: the document as it was, and under each page that was read its text, invisible, word on word."""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pikepdf
import pypdfium2
from pikepdf import Name, Pdf, Stream

from ocr_documents.document import PageResult
from ocr_documents.errors import NEEDS_PASSWORD, BrokenDocument, EncryptedDocument
from ocr_documents.kinds import kind_of
from ocr_documents.pdf.changeable import check_changeable
from ocr_documents.pdf.content import invisible_text
from ocr_documents.pdf.earlier_text import remove_invisible_text
from ocr_documents.pdf.from_pictures import PicturePdf
from ocr_documents.pdf.glyphless import GlyphlessFont, is_glyphless
from ocr_documents.pdf.page_space import PageSpace
from ocr_documents.pdf.resources import free_name, own_entries, own_resources
from ocr_documents.pdf.runs import Run, line_runs
from ocr_documents.pdf.visible_text import VisibleText, lie_in
from ocr_documents.pictures import check_number, opened
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
        target: takes the PDF, from its beginning to its end.
        replace_text: whether invisible text of an earlier OCR is taken out of the pages that were read. No word is ever
            written where visible text is.

    Raises:
        BrokenDocument: the source is neither a PDF nor a picture, or a broken one.
        EncryptedDocument: it needs a password, for reading or for being changed.
        SignedDocument: its signature would break.
        DocumentTooLarge: a picture has too many pixels, or the document more different characters than a font.
        NoSuchPage: a page was read that the document does not have.
        DocumentError: the source cannot be read.
        OSError: the target cannot be written.
    """
    with _errors_of_libraries():
        with opened(source) as stream:
            kind = kind_of(stream)
        if kind == "pdf":
            _write_pdf(source, pages, target, replace_text)
        else:
            _write_pictures(source, pages, target)


def _write_pdf(source: Path | bytes, pages: Iterable[PageResult], target: BinaryIO, replace_text: bool) -> None:
    with ExitStack() as stack:
        pdf = stack.enter_context(Pdf.open(source if isinstance(source, Path) else io.BytesIO(source)))
        visible = stack.enter_context(closing(VisibleText(source)))
        layers = _TextLayers(pdf, visible, replace_text=replace_text)
        for page in pages:
            if page.origin == "ocr":
                if not layers.pages:
                    check_changeable(pdf)
                layers.add(page)
        if not layers.pages:
            _copy(source, target)
            return
        layers.complete()
        _save(pdf, target)


def _write_pictures(source: Path | bytes, pages: Iterable[PageResult], target: BinaryIO) -> None:
    pictures = PicturePdf(source)
    layers = _TextLayers(pictures.pdf, None, replace_text=False)
    for page in pages:
        pictures.add_pages(page.number)
        layers.add(page)
    pictures.add_pages()
    layers.complete()
    _save(pictures.pdf, target, min_version="1.6")  # for pages of more than 200 inches


def _save(pdf: Pdf, target: BinaryIO, min_version: str = "") -> None:
    # Streams are copied as they are, and the file is named by its content; encrypted ones can have neither.
    options = {"stream_decode_level": pikepdf.StreamDecodeLevel.none, "deterministic_id": True}
    output = _Output(target)
    pdf.save(
        cast("BinaryIO", output), min_version=min_version, **({"encryption": True} if pdf.is_encrypted else options)
    )
    if output.error is not None:
        raise output.error


class _Output(io.RawIOBase):
    """Hands on what is written, and keeps the error if that fails: raised within qpdf, it can end the process."""

    def __init__(self, target: BinaryIO) -> None:
        super().__init__()
        self.error: Exception | None = None
        self._target = target
        self._length = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._length

    def write(self, data: Any) -> int:
        length = memoryview(data).nbytes
        if self.error is None:
            try:
                self._target.write(data)
            except Exception as error:
                self.error = error
        self._length += length
        return length


class _TextLayers:
    """The text layers of one document.

    Attributes:
        pages: how many have one, if only an empty one.
    """

    def __init__(self, pdf: Pdf, visible: VisibleText | None, *, replace_text: bool) -> None:
        self.pages = 0
        self._pdf = pdf
        self._visible = visible
        self._replace_text = replace_text
        self._font = GlyphlessFont(pdf)

    def add(self, result: PageResult) -> None:
        """Write the text of a page under it."""
        self.pages += 1
        check_number(result.number, len(self._pdf.pages))
        page = self._pdf.pages[result.number - 1]
        shown = np.empty((0, 4))
        if self._visible is not None:
            shown = self._visible.boxes(result.number)
        if self._replace_text:
            remove_invisible_text(self._pdf, page)
        runs = list(_runs(result, PageSpace.of(page), shown))
        if not runs:
            return
        fonts = own_entries(own_resources(page), "/Font")
        if self._replace_text:  # no text is left that is set in a font of ours
            for name in [name for name, font in fonts.items() if is_glyphless(font)]:
                del fonts[name]
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
        raise EncryptedDocument(NEEDS_PASSWORD) from error
    except (pikepdf.PdfError, pypdfium2.PdfiumError) as error:
        reason = str(error).rpartition(": ")[2]  # before it stands the name of an object in memory
        raise BrokenDocument(f"is not a PDF file, or a broken one ({reason})") from error


def _copy(source: Path | bytes, target: BinaryIO) -> None:
    if isinstance(source, bytes):
        target.write(source)
        return
    with source.open("rb") as file:
        shutil.copyfileobj(file, target)
