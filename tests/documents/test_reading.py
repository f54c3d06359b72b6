"""Pages of many documents at once: in order, bounded, closed in time, whatever fails."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from ocr_contract.errors import OcrError
from ocr_contract.result import OcrResult
from ocr_documents.document import PageResult
from ocr_documents.errors import BrokenDocument
from ocr_documents.reading import Ended, Event, Opened, PageFailed, PageRead, read_all


class FatalError(OcrError):
    pass


@dataclass
class Book:
    """A document for tests: it knows what is done with it."""

    pages: int
    bad: Sequence[int] = ()
    error: OcrError = field(default_factory=lambda: BrokenDocument("cannot be drawn"))
    broken: bool = False
    opened: bool = False
    closed: int = 0
    read_pages: list[int] = field(default_factory=list)
    gate: threading.Event | None = None

    def open(self) -> Sequence[int]:
        if self.broken:
            raise BrokenDocument("is broken")
        self.opened = True
        return range(1, self.pages + 1)

    def read(self, number: int) -> PageResult:
        assert self.opened
        assert not self.closed
        if self.gate is not None:
            assert self.gate.wait(30)
        self.read_pages.append(number)
        if number in self.bad:
            raise self.error
        return PageResult(number, 1, 1, None, "ocr", OcrResult.empty())

    def close(self) -> None:
        self.closed += 1


def told(events: Iterator[Event[Book]], books: Sequence[Book]) -> list[tuple[object, ...]]:
    def short(event: Event[Book]) -> tuple[object, ...]:
        book = next(at for at, book in enumerate(books) if book is event.work)
        match event:
            case Opened():
                return ("opened", book, len(event.pages))
            case PageRead():
                return ("read", book, event.page.number)
            case PageFailed():
                return ("failed", book, event.number)
            case Ended():
                return ("ended", book, None if event.error is None else str(event.error))

    return [short(event) for event in events]


@pytest.mark.parametrize("concurrency", [1, 2, 7])
def test_everything_comes_in_order_whatever_fails(concurrency: int) -> None:
    books = [Book(2), Book(0), Book(9, broken=True), Book(3, bad=[2]), Book(1)]
    assert told(read_all(books, concurrency), books) == [
        *(("opened", 0, 2), ("read", 0, 1), ("read", 0, 2), ("ended", 0, None)),
        *(("opened", 1, 0), ("ended", 1, None)),
        ("ended", 2, "is broken"),
        *(("opened", 3, 3), ("read", 3, 1), ("failed", 3, 2), ("read", 3, 3), ("ended", 3, None)),
        *(("opened", 4, 1), ("read", 4, 1), ("ended", 4, None)),
    ]
    assert [book.closed for book in books] == [1, 1, 0, 1, 1]


def test_no_document_is_no_event() -> None:
    assert list(read_all([], 4)) == []


def test_pages_of_several_documents_are_under_way_at_once() -> None:
    everyone = threading.Barrier(4)

    class Together(Book):
        def read(self, number: int) -> PageResult:
            everyone.wait(30)
            return super().read(number)

    books = [Together(1) for _ in range(4)]
    assert len([event for event in read_all(books, 4) if isinstance(event, PageRead)]) == 4


def test_a_document_that_is_opened_slowly_does_not_wait_for_the_pages_before_it() -> None:
    both = threading.Barrier(2)

    class Both(Book):
        def read(self, number: int) -> PageResult:
            both.wait(30)
            return super().read(number)

    class Slow(Both):
        def open(self) -> Sequence[int]:
            time.sleep(0.2)
            return super().open()

    assert len([event for event in read_all([Both(1), Slow(1)], 2) if isinstance(event, PageRead)]) == 2


def test_no_more_than_a_few_pages_wait_and_documents_are_opened_when_reached() -> None:
    gate = threading.Event()
    books = [Book(1, gate=gate), *(Book(1) for _ in range(500))]
    events = read_all(books, 2)
    assert isinstance(next(events), Opened)
    waiting = threading.Timer(0.2, gate.set)
    waiting.start()
    assert isinstance(next(events), PageRead)
    assert len([book for book in books if book.opened]) < 20
    assert len(list(events)) == 3 * 501 - 2


def test_a_document_is_closed_once_its_last_page_is_read_though_others_wait() -> None:
    gate = threading.Event()
    first, second = Book(2), Book(3, gate=gate)
    events = read_all([first, second], 1)
    for event in events:
        if isinstance(event, Ended) and event.work is first:
            break
    assert (first.closed, second.closed) == (1, 0)
    gate.set()
    list(events)
    assert second.closed == 1


def test_where_a_document_must_be_whole_no_more_of_it_is_read_after_a_failure() -> None:
    books = [Book(1000, bad=[3, 4]), Book(2)]
    events = told(read_all(books, 1, whole=True), books)
    assert events[:4] == [("opened", 0, 1000), ("read", 0, 1), ("read", 0, 2), ("failed", 0, 3)]
    assert events[4:] == [("ended", 0, None), ("opened", 1, 2), ("read", 1, 1), ("read", 1, 2), ("ended", 1, None)]
    assert books[0].read_pages == [1, 2, 3]
    assert books[0].closed == 1


def test_a_fatal_error_ends_the_run_and_closes_everything() -> None:
    books = [Book(1), Book(50, bad=[2], error=FatalError("nobody answers")), Book(1), *(Book(1) for _ in range(99))]
    with pytest.raises(FatalError, match="nobody answers"):
        list(read_all(books, 2, fatal=(FatalError,)))
    assert all(book.closed == 1 for book in books[:2])
    assert not books[-1].opened


def test_who_stops_listening_stops_the_reading() -> None:
    books = [Book(1000), Book(1000)]
    events = read_all(books, 2)
    assert isinstance(next(events), Opened)
    assert isinstance(next(events), PageRead)
    events.close()
    assert books[0].closed == 1
    assert len(books[0].read_pages) < 100


def test_errors_that_nobody_expects_are_not_swallowed() -> None:
    class Wrong(Book):
        def read(self, number: int) -> PageResult:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read_all([Wrong(1)], 2))
