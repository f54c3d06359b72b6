"""A run of the command line: every page through the reader, every result to where it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from ocr_client.cli.destination import Destination
from ocr_client.cli.formats import JSON, TEXT, OutputFormat
from ocr_client.cli.inputs import Source
from ocr_client.cli.overlays import Overlays
from ocr_client.cli.report import Report
from ocr_client.cli.results import DocumentResults, PrintedObjects, PrintedText, Results
from ocr_client.cli.sources import Settings, SourceWork
from ocr_client.cli.tasks import Task
from ocr_client.errors import OcrClientError, ServerUnreachableError
from ocr_client.local import identity
from ocr_contract.errors import OcrError
from ocr_contract.result import Result
from ocr_documents.document import Page
from ocr_documents.errors import CannotWrite, JobInUse
from ocr_documents.limits import Limits
from ocr_documents.page_ranges import PageRanges
from ocr_documents.parts import JobState
from ocr_documents.reading import Ended, Event, Opened, PageRead, read_all


class Stopped(OcrError):
    """The whole run is lost, not one document."""


@dataclass(frozen=True)
class Job:
    """What a run is to do.

    Attributes:
        sources: the documents.
        task: what is done with each page.
        form: of the results.
        destination: where they go; None for standard output.
        options: of the requests.
        pages: which ones; None for all.
        dpi: that PDF pages are drawn at.
        existing_text: what becomes of pages that carry text.
        limits: of a document.
        resume: whether to go on where an earlier run stopped.
        concurrency: pages under way at a time.
        overlays: what draws them; None for none.
    """

    sources: Sequence[Source]
    task: Task
    form: OutputFormat
    destination: Destination | None
    options: Mapping[str, Any]
    pages: PageRanges | None
    dpi: int
    existing_text: Literal["keep", "read"]
    limits: Limits
    resume: bool
    concurrency: int
    overlays: Overlays | None

    def run(self, reader: AbstractContextManager[Any]) -> bool:
        """Read everything; tell whether something failed.

        Raises:
            Stopped: nobody answers, nobody takes the results, or another process works on them.
        """
        by_page = self.destination is None and self.form.is_for_many
        report = Report(len(self.sources), by_page=by_page, prints=self.destination is None)
        try:
            with ExitStack() as stack:
                state = self._state(stack)
                opened = stack.enter_context(reader)
                stack.enter_context(report)
                works = self._works(opened, state)
                events = read_all(works, self.concurrency, whole=not by_page, fatal=(ServerUnreachableError,))
                stack.enter_context(closing(events))
                results = self._results(report, state)
                stack.callback(results.discard)
                for event in events:
                    _take(event, results, report, by_page=by_page)
        except (OcrClientError, JobInUse, CannotWrite) as error:
            report.print_summary()
            raise Stopped(str(error)) from error
        except BrokenPipeError:  # the reader has seen enough (`| head`); typer ends the run quietly
            raise
        except OSError as error:
            raise Stopped(f"cannot write the results: {error.strerror}") from error
        report.print_summary()
        return report.failed

    def _state(self, stack: ExitStack) -> JobState | None:
        if not self.resume or self.destination is None:
            return None
        return stack.enter_context(JobState(self.destination.notes))

    def _results(self, report: Report, state: JobState | None) -> Results:
        if self.destination is None and self.form is TEXT:
            return PrintedText(report.print, len(self.sources))
        if self.destination is None and self.form is JSON:
            return PrintedObjects(report.print)
        replace_text = self.existing_text == "read"
        return DocumentResults(
            self.form, self.destination, report.print, state, replace_text=replace_text, limits=self.limits
        )

    def _works(self, reader: Any, state: JobState | None) -> Iterator[SourceWork]:
        """Yield the documents as work; each is opened when it is reached."""
        settings = Settings(
            task=self.task,
            pages=self.pages,
            dpi=self.dpi,
            existing_text=self.existing_text,
            limits=self.limits,
            options=self.options,
            output_depends_on={
                "format": self.form.value,
                "pages": None if self.pages is None else self.pages.ranges,
                "overlay": self.overlays is not None,
            },
            reader=identity(reader),
        )

        def read(page: Page, picture: int) -> Result:
            return self.task.read(reader, page, self.options, picture)

        for source in self.sources:
            output: PurePath | None = None if self.destination is None else self.destination.output(source)
            look = None if self.overlays is None else self.overlays.draw
            yield SourceWork(source, output, settings, read, state=state, look=look)


def _take(event: Event[SourceWork], results: Results, report: Report, *, by_page: bool) -> None:
    """Hand an event on to the results and the report. Where an output fails, its document does, and no other."""
    work = event.work
    try:
        if isinstance(event, Opened):
            report.begin(len(event.pages))
            if not work.is_finished:
                results.begin(work, len(event.pages))
        elif isinstance(event, Ended):
            _end(event, results, report)
        elif not work.given_up:
            report.advance(work.source.name)
            if isinstance(event, PageRead):
                results.page(work, event.page)
                _note_page(event, report)
            else:
                report.failure(work.title(event.number), event.error)
                if not by_page:
                    work.given_up = True
                    results.discard()
    except OcrError as error:
        work.given_up = True
        results.discard()
        report.failure(work.source.name, error)
    if isinstance(event, Ended):
        report.end(work.source.name)


def _note_page(event: PageRead[SourceWork], report: Report) -> None:
    number = event.page.number
    if event.page.origin == "document":
        report.kept()
    if (failure := event.work.overlay_failures.pop(number, None)) is not None:
        report.failure(event.work.title(number), failure)


def _end(event: Ended[SourceWork], results: Results, report: Report) -> None:
    if event.error is not None:
        report.failure(event.work.source.name, event.error)
    elif event.work.is_finished:
        report.finished()
    elif not event.work.given_up:
        results.end(event.work)
