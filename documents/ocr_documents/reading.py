"""Pages of many documents through one reader: several under way, also of two documents; results in their order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ocr_contract.errors import OcrError
from ocr_documents.document import PageResult

_WAITING_PER_WORKER = 4  # results that may wait for a slow one before them
_OPENED_AHEAD = 2  # documents, while pages of those before them are read


class Work(Protocol):
    """A document to read: `DocumentWork`, or something that stands for it."""

    def open(self) -> Sequence[int]:
        """Open it, and return the numbers of the pages to read. May raise an OcrError."""
        ...

    def read(self, number: int) -> PageResult[Any]:
        """Read a page; called from several threads at once. May raise an OcrError."""
        ...

    def close(self) -> None:
        """Give back what is held; called once if `open` returned, when no page is to be read any more."""
        ...


W = TypeVar("W", bound=Work)


@dataclass(frozen=True)
class Opened(Generic[W]):
    """A document has been opened; its pages follow."""

    work: W
    pages: Sequence[int]


@dataclass(frozen=True)
class PageRead(Generic[W]):
    """A page has been read."""

    work: W
    page: PageResult[Any]


@dataclass(frozen=True)
class PageFailed(Generic[W]):
    """A page could not be read."""

    work: W
    number: int
    error: OcrError


@dataclass(frozen=True)
class Ended(Generic[W]):
    """No more comes of a document. It is the only event of one that could not be opened: `error` says why."""

    work: W
    error: OcrError | None = None


Event = Opened[W] | PageRead[W] | PageFailed[W] | Ended[W]


def read_all(
    works: Iterable[W], concurrency: int, *, whole: bool = False, fatal: tuple[type[OcrError], ...] = ()
) -> Generator[Event[W], None, None]:
    """Yield what becomes of each document and page, in order.

    Args:
        works: documents; taken, and opened, as they are needed.
        concurrency: pages under way at a time.
        whole: whether a document is of no use without all its pages; then no more of it are read after one failed.
        fatal: errors after which nothing more is tried.

    Raises:
        OcrError: one of `fatal`.
    """
    reading = _Reading(iter(works), concurrency, whole, fatal)
    try:
        yield from reading.events()
    finally:
        reading.stop()


class _Reading(Generic[W]):
    """The state of `read_all`."""

    def __init__(self, works: Iterator[W], concurrency: int, whole: bool, fatal: tuple[type[OcrError], ...]) -> None:
        self._works = works
        self._whole, self._fatal = whole, fatal
        self._most_waiting = concurrency * _WAITING_PER_WORKER
        self._readers = ThreadPoolExecutor(concurrency, thread_name_prefix="ocr-page")
        self._openers = ThreadPoolExecutor(_OPENED_AHEAD, thread_name_prefix="ocr-open")
        self._coming: deque[tuple[_Open[W], Future[Sequence[int]]]] = deque()
        self._current: tuple[_Open[W], Iterator[int]] | None = None
        self._open: set[_Open[W]] = set()
        self._waiting: deque[tuple[_Open[W], Event[W] | Future[Event[W] | None]]] = deque()

    def events(self) -> Iterator[Event[W]]:
        while True:
            while len(self._waiting) < self._most_waiting and self._begin_more():
                pass
            if not self._waiting:
                return
            document, first = self._waiting[0]
            if isinstance(first, Future) and self._coming and len(self._waiting) < self._most_waiting:
                # A document is being opened, whose pages may be begun before this one has been read.
                opening = self._coming[0][1]
                either: tuple[Future[Any], ...] = (first, opening)
                wait(either, return_when=FIRST_COMPLETED)
                if opening.done():
                    continue
            self._waiting.popleft()
            event = first.result() if isinstance(first, Future) else first
            if isinstance(event, Ended):
                self._open.remove(document)
            if event is not None:
                yield event

    def _begin_more(self) -> bool:
        """Begin one page, or end a document or open the next; False when there is nothing to begin now."""
        if self._current is not None:
            document, left = self._current
            number = None if document.given_up else next(left, None)
            if number is None:
                self._current = None
                document.all_begun()
                self._waiting.append((document, Ended(document.work)))
            else:
                document.begin()
                self._waiting.append((document, self._readers.submit(document.read, number)))
            return True
        while len(self._coming) <= _OPENED_AHEAD and (work := next(self._works, None)) is not None:
            document = _Open(work, self._whole, self._fatal)
            self._open.add(document)
            self._coming.append((document, self._openers.submit(document.open)))
        if not self._coming or (self._waiting and not self._coming[0][1].done()):
            return False  # what has been read need not wait for it
        document, opening = self._coming.popleft()
        try:
            pages = opening.result()
        except OcrError as error:
            self._waiting.append((document, Ended(document.work, error)))
            return True
        self._current = document, iter(pages)
        self._waiting.append((document, Opened(document.work, pages)))
        return True

    def stop(self) -> None:
        """Begin nothing more, and close what is open: that also ends a page that is being drawn."""
        self._openers.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)
        for document in self._open:
            document.stop()


class _Open(Generic[W]):
    """A document, closed when its last page has been read."""

    def __init__(self, work: W, whole: bool, fatal: tuple[type[OcrError], ...]) -> None:
        self.work = work
        self.given_up = False
        self._whole, self._fatal = whole, fatal
        self._lock = threading.Lock()
        self._under_way = 1  # the first stands for pages that have not begun
        self._is_open = False
        self._stopped = False

    def open(self) -> Sequence[int]:
        pages = self.work.open()
        with self._lock:
            self._is_open = not self._stopped
        if self._stopped:
            self.work.close()
        return pages

    def begin(self) -> None:
        with self._lock:
            self._under_way += 1

    def all_begun(self) -> None:
        self._end()

    def read(self, number: int) -> Event[W] | None:
        """Read a page; None when the document has been given up."""
        try:
            return None if self.given_up else PageRead(self.work, self.work.read(number))
        except OcrError as error:
            self.given_up = self._whole
            if isinstance(error, self._fatal):
                raise
            return PageFailed(self.work, number, error)
        finally:
            self._end()

    def stop(self) -> None:
        self.given_up = True
        with self._lock:
            self._stopped = True
            close, self._is_open = self._is_open, False
        if close:
            self.work.close()

    def _end(self) -> None:
        with self._lock:
            self._under_way -= 1
            close = self._is_open and not self._under_way
            self._is_open = self._is_open and not close
        if close:
            self.work.close()
