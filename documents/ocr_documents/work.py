"""One document of a job: what to read of it, and what need not be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ocr_contract.result import Result
from ocr_documents.document import Document, Page, PageResult
from ocr_documents.errors import DocumentTooLarge, reading
from ocr_documents.page_ranges import PageRanges
from ocr_documents.parts import Parts


class DocumentWork:
    """The pages of a document, read one by one: a `Work`.

    A page that carries text is not read, nor is one that was noted before. Its pixels are held no longer than it takes.

    Args:
        open_document: opens the document.
        read: reads a page; called from several threads at once.
        pages: which ones; None for all.
        max_pages: how many may be read of a document.
        parts: the notes of this document; None where nothing is noted.
        look: called with each page and what stands on it, before that is noted, in the thread that reads.

    Attributes:
        count: pages that the document has; 0 before it is open.
    """

    def __init__(
        self,
        open_document: Callable[[], Document],
        read: Callable[[Page], Result],
        *,
        pages: PageRanges | None = None,
        max_pages: int,
        parts: Parts | None = None,
        look: Callable[[Page, PageResult[Any]], None] | None = None,
    ) -> None:
        self._open_document = open_document
        self._read = read
        self._pages, self._max_pages = pages, max_pages
        self._parts = parts
        self._look = look
        self._document: Document | None = None
        self.count = 0

    def open(self) -> Sequence[int]:
        """Open it, and return the numbers of the pages to read.

        Raises:
            DocumentError: it cannot be opened, lacks a page, or has more pages than may be read.
        """
        with reading():
            document = self._open_document()
        try:
            self.count = len(document)
            numbers = range(1, self.count + 1) if self._pages is None else self._pages.of(self.count)
            if len(numbers) > self._max_pages:
                which = "" if self._pages is None else f", {len(numbers):,} of them asked for"
                raise DocumentTooLarge(f"has {self.count:,} pages{which}, and the limit is {self._max_pages:,}")
        except BaseException:
            document.close()
            raise
        self._document = document
        return numbers

    def read(self, number: int) -> PageResult[Any]:
        """Return what stands on a page.

        Raises:
            OcrError: it cannot be drawn or read, or not be noted.
        """
        noted = None if self._parts is None else self._parts.load(number)
        if noted is not None and self._look is None:
            return noted
        assert self._document is not None  # noqa: S101 -- the caller's order
        with reading():
            page = self._document.page(number)
        result = noted or self._result(page)
        if self._look is not None:
            self._look(page, result)
        if self._parts is not None and noted is None:
            self._parts.save(result)
        return result

    def close(self) -> None:
        """Close the document."""
        if self._document is not None:
            self._document.close()

    def _result(self, page: Page) -> PageResult[Any]:
        text, origin = (self._read(page), "ocr") if page.text is None else (page.text, "document")
        return PageResult(page.number, page.width_px, page.height_px, page.dpi, origin, text)  # type: ignore[arg-type]
