"""From the bytes of a file to what stands on its pages: every protocol reads documents through this."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import anyio

from ocr_client.picture import picture_bytes
from ocr_contract.errors import InvalidInput, OcrError
from ocr_contract.options import DETECTION, OCR, RECOGNITION, Endpoint
from ocr_contract.reader import AsyncReader, Picture
from ocr_contract.result import Result
from ocr_documents.document import Document, Origin, Page
from ocr_documents.errors import DocumentTooLarge
from ocr_documents.kinds import kind_of
from ocr_documents.opening import open_document
from ocr_documents.page_ranges import PageRanges
from ocr_gateway.health import Health
from ocr_gateway.metrics import Metrics
from ocr_gateway.refusals import NotUnderstood
from ocr_gateway.settings import Settings
from ocr_gateway.threads import Threads

Kind = Literal["pdf", "tiff", "picture"]
_THREADS = 16  # in which files are opened and pages drawn; most of their time they wait for the process that draws
_CLOSERS = 4  # threads in which files are closed, which ends what the others wait for
_PDFS = 8  # PDF files open at a time, each in a process that may take as much memory as `Limits` says; others wait
_AHEAD = 2  # pages of a document that are drawn, or read, beside those that the reader is at


@dataclass(frozen=True)
class ReadRequest:
    """What is wanted of a document.

    Attributes:
        endpoint: what is done with each page: read, find its lines, or read it as one line.
        options: of the reader; what is not given is the model set's.
        pages: which ones; None for all.
        dpi: pixels an inch at which pages of a PDF file are drawn.
        existing_text: whether pages of a PDF file that carry text keep it, or are read all the same.
    """

    endpoint: Endpoint = OCR
    options: dict[str, Any] = field(default_factory=dict)
    pages: PageRanges | None = None
    dpi: int = 200
    existing_text: Literal["keep", "read"] = "read"


@dataclass(frozen=True)
class PageRead:
    """A page, and what stands on it.

    Attributes:
        page: with its picture.
        origin: "ocr" for what was read, "document" for text that the document itself carried.
        result: of the endpoint that was asked for.
    """

    page: Page
    origin: Origin
    result: Result


@dataclass(frozen=True)
class PageFailed:
    """A page that could not be read."""

    number: int
    error: OcrError


class OpenedDocument:
    """A document whose pages can be read.

    Attributes:
        kind: of its file.
        count: pages that it has.
        numbers: of the pages that will be read.
    """

    def __init__(
        self, documents: DocumentReader, document: Document, kind: Kind, request: ReadRequest, numbers: Sequence[int]
    ) -> None:
        self.kind = kind
        self.count = len(document)
        self.numbers = numbers
        self._documents = documents
        self._document = document
        self._request = request

    async def pages(self) -> AsyncGenerator[PageRead | PageFailed, None]:
        """Yield what becomes of each page, in order; several are under way at a time."""
        left: Iterator[int] = iter(self.numbers)
        under_way: deque[asyncio.Task[PageRead | PageFailed]] = deque()
        try:
            while True:
                while len(under_way) < self._documents.ahead and (number := next(left, None)) is not None:
                    under_way.append(asyncio.create_task(self._documents.page(self._document, number, self._request)))
                if not under_way:
                    return
                yield await under_way[0]
                under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()

    async def read_pages(self) -> AsyncGenerator[PageRead, None]:
        """Yield each page, in order.

        Raises:
            OcrError: one of them cannot be read; the message of what is its own fault names it.
        """
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                if isinstance(page, PageRead):
                    yield page
                elif self.count > 1 and isinstance(page.error, InvalidInput):
                    raise NotUnderstood(f"page {page.number}: {page.error}") from page.error
                else:
                    raise page.error


class DocumentReader:
    """Opens documents and has their pages read, so many at a time, whoever sent them."""

    def __init__(
        self, reader: AsyncReader, health: Health, metrics: Metrics, settings: Settings, *, takes_pixels: bool
    ) -> None:
        """Begin; to be called in the event loop. `takes_pixels`: whether the reader is in this process."""
        self._takes_pixels = takes_pixels
        self.ahead = settings.concurrency + _AHEAD
        self._reader = reader
        self._health = health
        self._metrics = metrics
        self._limits = settings.documents
        self._threads = Threads(_THREADS, "document")
        self._closers = Threads(_CLOSERS, "closer")
        self._under_way = anyio.CapacityLimiter(settings.concurrency)
        self._open = anyio.Semaphore(_PDFS)

    @asynccontextmanager
    async def open(self, file: bytes, request: ReadRequest) -> AsyncIterator[OpenedDocument]:
        """Open a document for as long as the body runs.

        Raises:
            DocumentError: it cannot be opened, lacks a page, or has more pages than may be read.
        """
        if not file:
            raise NotUnderstood("the body is empty: send the file of a picture or a document")
        kind = kind_of(io.BytesIO(file))
        async with self._open if kind == "pdf" else nullcontext():
            document = await self._threads.run(
                partial(open_document, file, dpi=request.dpi, existing_text=request.existing_text, limits=self._limits)
            )
            try:
                numbers = await self._threads.run(partial(self._numbers, document, request.pages))
                yield OpenedDocument(self, document, kind, request, numbers)
            finally:
                with anyio.CancelScope(shield=True):
                    await self._closers.run(document.close)  # it begins at once, even if the gateway is being stopped

    def _numbers(self, document: Document, pages: PageRanges | None) -> Sequence[int]:
        count, most = len(document), self._limits.pages
        numbers = range(1, count + 1) if pages is None else pages.of(count)
        if len(numbers) > most:
            which = "" if pages is None else f", {len(numbers):,} of them asked for"
            raise DocumentTooLarge(f"has {count:,} pages{which}, and the limit is {most:,}")
        return numbers

    async def page(self, document: Document, number: int, request: ReadRequest) -> PageRead | PageFailed:
        """Draw a page and read it."""
        try:
            page, picture = await self._threads.run(partial(self._draw, document, number, request.endpoint))
        except OcrError as error:
            self._metrics.pages("failed")
            return PageFailed(number, error)
        if page.text is not None and request.endpoint == OCR:
            self._metrics.pages("document", lines=len(page.text))
            return PageRead(page, "document", page.text)
        try:
            return PageRead(page, "ocr", await self.read(request.endpoint, [picture], request.options))
        except OcrError as error:
            return PageFailed(number, error)

    def _draw(self, document: Document, number: int, endpoint: Endpoint) -> tuple[Page, Picture]:
        """A page, and what the reader is given of it: encoding pixels is work, and done here, in a thread."""
        page = document.page(number)
        is_read = page.text is None or endpoint != OCR
        return page, picture_bytes(page.picture) if is_read and not self._takes_pixels else page.picture

    async def read(self, endpoint: Endpoint, pictures: Sequence[Picture], options: dict[str, Any]) -> Result:
        """Have one picture, or several ones of a line each, read.

        Raises:
            OcrError: they cannot be read, or what reads them cannot be reached.
        """
        try:
            async with self._under_way:
                result = await self._answer(endpoint, pictures, options)
        except OcrError as error:
            self._metrics.pages("failed", len(pictures))
            if not isinstance(error, InvalidInput):
                self._health.was_wrong()
            raise
        self._metrics.pages("ocr", len(pictures), lines=len(result))
        if endpoint == OCR:
            self._health.was_right()
        return result

    async def _answer(self, endpoint: Endpoint, pictures: Sequence[Picture], options: dict[str, Any]) -> Result:
        if endpoint == RECOGNITION:
            return await self._reader.recognize(pictures, **options)
        if endpoint == DETECTION:
            return await self._reader.detect(pictures[0], **options)
        return await self._reader.ocr(pictures[0], **options)
