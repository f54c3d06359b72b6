"""What an actor does: reads the inputs of a part, and writes it. Nothing but paths and figures goes through Ray."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ocr_contract.errors import OcrError
from ocr_contract.result import OcrResult
from ocr_documents.document import Document, PageResult
from ocr_documents.errors import CannotWrite
from ocr_documents.limits import Limits
from ocr_documents.opening import open_document
from ocr_documents.page_ranges import PageRanges
from ocr_documents.reading import Ended, Opened, PageFailed, PageRead, read_all
from ocr_documents.work import DocumentWork
from ocr_jobs.affinity import keep_to
from ocr_jobs.errors import JobStopped, ReaderDied, Unforeseen, at_fault
from ocr_jobs.listing import Input
from ocr_jobs.output import enter_as_actor
from ocr_jobs.parts import PartSums, PartWriter, part_file
from ocr_jobs.readers import PageReader, Read
from ocr_jobs.schema import SCHEMA_VERSION, page_row, printable
from ocr_jobs.settings import Reading, WorkerSettings
from ocr_jobs.storage import Stores, fetched
from ocr_jobs.trail import Trail


def part_row(name: str, inputs: Sequence[Input]) -> dict[str, Any]:
    """Return a part as it travels to an actor."""
    return {"part": name, "inputs": [asdict(each) for each in inputs]}


class PartReader:
    """Reads parts, in an actor: a callable class for Ray Data.

    Args:
        settings: what it is told.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._stopped = ""
        try:
            self._held = enter_as_actor(settings.output, settings.run)  # for as long as this process lives
            if settings.cores is not None:
                keep_to(settings.cores, settings.run)
            self._reader = PageReader(settings.reader, settings.identity, settings.reading)
        except OcrError as error:  # a constructor that fails is called again and again; so each part says it
            self._stopped = str(error)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Read and write a part, and return its figures: those of `PartSums`, `seconds`, and why the job is to stop."""
        began = time.monotonic()
        sums, stopped = PartSums(), self._stopped
        if not stopped:
            try:
                inputs = [Input(**each) for each in row["inputs"]]
                sums = read_part(row["part"], inputs, self._settings, self._reader.read)
            except (JobStopped, CannotWrite) as error:
                stopped = str(error)
        return {"part": row["part"], **asdict(sums), "seconds": time.monotonic() - began, "stopped": stopped}


def read_part(name: str, inputs: Sequence[Input], settings: WorkerSettings, read: Read) -> PartSums:
    """Read inputs and write them as a part; one that is there already is left as it is.

    Ray gives a part to another actor when one has died, maybe after it had written it.

    Raises:
        JobStopped: nothing can be read now.
        CannotWrite: nothing can be written.
    """
    written = part_file(settings.output, "inputs", name)
    if written.exists():
        return PartSums.of_file(written)
    trail = Trail(settings.output, name)
    try:
        with PartWriter(settings.output, name, settings.identity.to_dict()) as part:
            rows = _Rows(part, settings)
            stores = Stores()
            works = [
                _InputWork(place, each, settings.reading, read, stores, trail) for place, each in enumerate(inputs)
            ]
            first = [work for work in works if work.place not in trail.suspects]
            _read_into(rows, first, settings.concurrency, trail)
            for work in works:
                if work.place in trail.guilty:
                    rows.failed(work, None, ReaderDied("the process that read it ended, twice: it is not tried again"))
                    rows.input(work)
                elif work.place in trail.suspects:
                    _read_into(rows, [work], 1, trail)
    finally:
        trail.close()
    trail.remove()
    return part.sums


def _read_into(rows: _Rows, works: Sequence[_InputWork], concurrency: int, trail: Trail) -> None:
    with closing(read_all(works, concurrency, fatal=(JobStopped, CannotWrite))) as events:
        for event in events:
            work = event.work
            if isinstance(event, Opened):
                work.asked = len(event.pages)
            elif isinstance(event, PageRead):
                rows.page(work, event.page)
            elif isinstance(event, PageFailed):
                rows.failed(work, event.number, event.error)
            elif isinstance(event, Ended):
                if isinstance(event.error, JobStopped | CannotWrite):
                    raise event.error
                if event.error is not None:
                    rows.failed(work, None, event.error)
                rows.input(work)
                trail.ended(work.place)


class _InputWork:
    """An input as work: its content is fetched when it is opened, and let go when its last page has been read.

    Attributes:
        place: in its part.
        given: what was listed.
        sha256: of its bytes, once they have been fetched.
        asked: pages to read; 0 before it is open.
    """

    def __init__(self, place: int, given: Input, reading: Reading, read: Read, stores: Stores, trail: Trail) -> None:
        self.place, self.given = place, given
        self.sha256: str | None = None
        self.asked = self.pages_read = self.failures = self.lines = 0
        self._reading, self._read, self._stores, self._trail = reading, read, stores, trail
        self._held = ExitStack()
        self._work: DocumentWork | None = None

    @property
    def count(self) -> int:
        """Pages that the document has."""
        return 0 if self._work is None else self._work.count

    def open(self) -> Sequence[int]:
        """Fetch and open it, and return the numbers of its pages to read."""
        self._trail.begun(self.place)
        try:
            with _foreseen():
                content, self.sha256, _ = self._held.enter_context(
                    fetched(self._stores, self.given.store, self.given.location)
                )
                self._work = self._opened(content)
                return self._work.open()
        except BaseException:
            self._held.close()
            raise

    def read(self, number: int) -> PageResult[Any]:
        """Read a page."""
        assert self._work is not None  # noqa: S101 -- the caller's order
        with _foreseen():
            return self._work.read(number)

    def close(self) -> None:
        """Let its content go."""
        if self._work is not None:
            self._work.close()
        self._held.close()

    def _opened(self, content: Path | bytes) -> DocumentWork:
        reading = self._reading

        def open_it() -> Document:
            return open_document(
                content, dpi=reading.dpi, existing_text=reading.existing_text, limits=Limits(pages=reading.max_pages)
            )

        return DocumentWork(
            open_it,
            lambda page: self._read(page.picture),
            pages=None if reading.pages is None else PageRanges.parse(reading.pages),
            max_pages=reading.max_pages,
        )


@contextmanager
def _foreseen() -> Iterator[None]:
    """Turn an error of nobody's own into `Unforeseen`: one input must not end a job of a million."""
    try:
        yield
    except OcrError:
        raise
    except Exception as error:
        raise Unforeseen(f"{type(error).__name__}: {error}") from error


class _Rows:
    """Turns what becomes of inputs into rows of a part."""

    def __init__(self, part: PartWriter, settings: WorkerSettings) -> None:
        self._part = part
        self._with_words = bool(settings.reading.options.get("return_word_box"))
        self._always = {
            "options": json.dumps(settings.reading.to_dict(), sort_keys=True),
            "model_set": settings.identity.model_set,
            "version": settings.identity.version,
            "schema_version": SCHEMA_VERSION,
        }

    def page(self, work: _InputWork, page: PageResult[OcrResult]) -> None:
        work.pages_read += 1
        work.lines += len(page.result)
        columns = page_row(page, with_words=self._with_words)
        self._part.page(
            {"path": work.given.path, "sha256": work.sha256, "pages": work.count, **columns, **self._always}
        )

    def failed(self, work: _InputWork, page: int | None, error: OcrError) -> None:
        work.failures += 1
        self._part.failure(
            {
                "path": work.given.path,
                "sha256": work.sha256,
                "page": page,
                "kind": type(error).__name__,
                "at_fault": at_fault(error),
                "reason": printable(str(error)),
                **self._always,
            }
        )

    def input(self, work: _InputWork) -> None:
        self._part.input(
            {
                "path": work.given.path,
                "sha256": work.sha256,
                "size": work.given.size_bytes,
                "modified": work.given.modified_ns,
                "pages": work.asked,
                "pages_read": work.pages_read,
                "failures": work.failures,
                "lines": work.lines,
            }
        )
