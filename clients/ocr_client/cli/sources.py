"""A document of the command line as work: opened when it is reached, unless it was finished before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Literal

from ocr_client.cli.animations import Animation, count_pictures
from ocr_client.cli.inputs import Source
from ocr_client.cli.tasks import Task
from ocr_contract.errors import OcrError
from ocr_contract.result import Result
from ocr_documents.document import Document, Page, PageResult
from ocr_documents.errors import CannotWrite, reading
from ocr_documents.limits import Limits
from ocr_documents.opening import open_document
from ocr_documents.page_ranges import PageRanges
from ocr_documents.parts import JobState, Parts, digest, key
from ocr_documents.work import DocumentWork


@dataclass(frozen=True)
class Settings:
    """How documents are read.

    Attributes:
        task: what is done with each page.
        pages: which ones; None for all.
        dpi: that PDF pages are drawn at.
        existing_text: what becomes of pages that carry text.
        limits: of a document.
        options: of the requests.
        output_depends_on: what an output depends on beside its document, and the reading of a page does not.
        reader: what reads, as far as results depend on it.
    """

    task: Task
    pages: PageRanges | None
    dpi: int
    existing_text: Literal["keep", "read"]
    limits: Limits
    options: Mapping[str, Any]
    output_depends_on: Mapping[str, Any]
    reader: Any


class SourceWork:
    """A document to read.

    Attributes:
        source: where it comes from.
        output: name of what is written about it, below the folder of outputs; None for standard output.
        content: its file or bytes, once it has been opened.
        is_finished: whether an earlier run has written its output.
        given_up: set where its output cannot be written: then no more of it is read.
        overlay_failures: by page.
    """

    def __init__(
        self,
        source: Source,
        output: PurePath | None,
        settings: Settings,
        read: Callable[[Page, int], Result],
        *,
        state: JobState | None,
        look: Callable[[SourceWork, Page, PageResult[Any]], None] | None,
    ) -> None:
        self.source, self.output = source, output
        self.content: Path | bytes = b""
        self.is_finished = self.given_up = False
        self.overlay_failures: dict[int, OcrError] = {}
        self._settings, self._read, self._state, self._look = settings, read, state, look
        self._work: DocumentWork | None = None
        self._parts: Parts | None = None
        self._key = ""
        self._is_animation = False

    @property
    def count(self) -> int:
        """Pages that the document has; 0 before it is open."""
        return 0 if self._work is None else self._work.count

    def picture_of(self, page: Page) -> int:
        """Return which picture of the page's file is meant, from 1 on; 0 where it is the only one, or the first."""
        return page.number if self._is_animation else 0

    def title(self, number: int) -> str:
        """Return the name of a page: that of the document, with a number where it has several."""
        return f"{self.source.name}#{number}" if self.count > 1 or number > 1 else self.source.name

    def open(self) -> Sequence[int]:
        """Open the document, and return the numbers of the pages to read; none where its output is there already."""
        settings = self._settings
        self.content = self.source.content()
        if self._state is not None and self.output is not None:
            with reading():
                content_digest = digest(self.content)
            page_key = key(
                document=content_digest,
                task=settings.task.value,
                dpi=settings.dpi,
                existing_text=settings.existing_text,
                options=dict(settings.options),
                reader=settings.reader,
            )
            self._parts = self._state.parts(page_key)
            self._key = key(reading=page_key, **settings.output_depends_on)
            self.is_finished = self._state.is_finished(self.output, self._key)
            if self.is_finished:
                return ()
        self._work = DocumentWork(
            self._opened,
            lambda page: self._read(page, self.picture_of(page)),
            pages=settings.pages,
            max_pages=settings.limits.pages,
            parts=self._parts,
            look=None if self._look is None else partial(self._look, self),
        )
        return self._work.open()

    def read(self, number: int) -> PageResult[Any]:
        """Read a page."""
        if self.given_up:
            raise CannotWrite(f"{self.source.name} has been given up")
        assert self._work is not None  # noqa: S101 -- the caller's order
        return self._work.read(number)

    def close(self) -> None:
        """Close the document."""
        if self._work is not None:
            self._work.close()

    def finished(self) -> None:
        """Note that its output is written, and forget its pages."""
        if self._state is not None and self._parts is not None and self.output is not None:
            self._state.finish(self.output, self._key)
            self._parts.remove()

    def _opened(self) -> Document:
        settings = self._settings
        document = open_document(
            self.content, dpi=settings.dpi, existing_text=settings.existing_text, limits=settings.limits
        )
        if settings.pages is None or not settings.task.takes_pages or len(document) > 1:
            return document
        if (pictures := count_pictures(self.content)) == 1:
            return document
        document.close()
        self._is_animation = True
        return Animation(self.content, pictures)
