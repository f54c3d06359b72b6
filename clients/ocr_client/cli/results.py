"""What becomes of results: printed as they come, or one output for each document."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from ocr_client.cli.destination import Destination
from ocr_client.cli.formats import JSON, PDF, OutputFormat
from ocr_client.cli.sources import SourceWork
from ocr_documents.document import PageResult
from ocr_documents.limits import Limits
from ocr_documents.output import DocumentFile, GatheredDocument, NewFile, Target, TextDocument, spool
from ocr_documents.parts import JobState
from ocr_documents.pdf.writing import write_searchable
from ocr_documents.texts import one_line

Print = Callable[[str], None]


class Results(Protocol):
    """Takes results, document by document."""

    def begin(self, work: SourceWork, pages: int) -> None:
        """Begin a document, of which so many pages will come."""
        ...

    def page(self, work: SourceWork, page: PageResult[Any]) -> None:
        """Take the next page of it."""
        ...

    def end(self, work: SourceWork) -> None:
        """End it."""
        ...

    def discard(self) -> None:
        """Drop the document that has begun, if one has."""
        ...


class PrintedText:
    """Lines of text as they are read; a title above each page where there are several."""

    def __init__(self, put: Print, documents: int) -> None:
        self._put, self._documents = put, documents
        self._separator = ""
        self._titled = False

    def begin(self, work: SourceWork, pages: int) -> None:
        """Begin a document, of which so many pages will come."""
        self._titled = self._documents > 1 or work.count > 1

    def page(self, work: SourceWork, page: PageResult[Any]) -> None:
        """Print a page."""
        lines = [one_line(text) for text in page.result.texts]
        if self._titled:
            lines.insert(0, f"{self._separator}==> {work.title(page.number)} <==")
            self._separator = "\n"
        if lines:
            self._put("\n".join(lines) + "\n")

    def end(self, work: SourceWork) -> None:
        """Nothing stands after a document."""

    def discard(self) -> None:
        """Keep what has been printed."""


class PrintedObjects:
    """An object a page, as it is read."""

    def __init__(self, put: Print) -> None:
        self._put = put
        self._form = JSON.document()

    def begin(self, work: SourceWork, pages: int) -> None:
        """Begin a document, of which so many pages will come."""
        self._form = JSON.document()
        self._print(self._form.head(work.source.name, pages))

    def page(self, work: SourceWork, page: PageResult[Any]) -> None:
        """Print a page."""
        self._print(self._form.page(page))

    def end(self, work: SourceWork) -> None:
        """Print what stands after a document."""
        self._print(self._form.tail())

    def discard(self) -> None:
        """Keep what has been printed."""

    def _print(self, text: str) -> None:
        if text:
            self._put(text)


class DocumentResults:
    """An output for each document, there when it is whole.

    Args:
        form: of the outputs.
        destination: where they go; None for standard output.
        put: prints.
        state: the notes of this job, if there are any.
        replace_text: whether invisible text that a PDF has already makes way.
        limits: of the process that writes a PDF.
    """

    def __init__(
        self,
        form: OutputFormat,
        destination: Destination | None,
        put: Print,
        state: JobState | None,
        *,
        replace_text: bool,
        limits: Limits,
    ) -> None:
        self._form, self._destination, self._put, self._state = form, destination, put, state
        self._write_pdf = partial(write_searchable, replace_text=replace_text, limits=limits)
        self._document: DocumentFile | None = None

    def begin(self, work: SourceWork, pages: int) -> None:
        """Begin a document, of which so many pages will come."""
        if self._destination is None or work.output is None:
            target: Target = _Printed(self._put)
        else:
            target = NewFile(
                self._destination.folder / work.output, None if self._state is None else self._state.folder
            )
        if self._form is PDF:
            self._document = GatheredDocument(partial(self._write_pdf, work.content), target)
        else:
            self._document = TextDocument(self._form.document(), work.source.name, pages, target)

    def page(self, work: SourceWork, page: PageResult[Any]) -> None:
        """Write a page."""
        if self._document is not None:
            self._document.page(page)

    def end(self, work: SourceWork) -> None:
        """Give the output its name."""
        if self._document is not None:
            self._document.finish()
            self._document = None
            work.finished()
            if self._state is None and self._destination is not None and work.output is not None:
                JobState(self._destination.notes).forget(work.output)  # it is of this run, not of one noted there

    def discard(self) -> None:
        """Remove what was written of the document."""
        if self._document is not None:
            self._document.discard()
            self._document = None


class _Printed:
    """Standard output as the target of one document: it is printed when it is whole."""

    path = Path("standard output")
    folder: Path | None = None

    def __init__(self, put: Print) -> None:
        self._put = put
        self.file = cast("BinaryIO", spool(None))

    def write(self, content: bytes) -> None:
        self.file.write(content)

    def commit(self) -> None:
        self.file.seek(0)
        for line in self.file:
            self._put(line.decode())
        self.file.close()

    def discard(self) -> None:
        self.file.close()
