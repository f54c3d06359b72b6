"""One document of a job: kept text is not read, noted pages are not drawn, limits hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocr_contract.result import OcrResult
from ocr_documents.document import Page, PageResult
from ocr_documents.errors import DocumentTooLarge, NoSuchPage
from ocr_documents.page_ranges import PageRanges
from ocr_documents.parts import JobState, key
from ocr_documents.work import DocumentWork


def result(text: str) -> OcrResult:
    box = [[0, 0], [9, 0], [9, 9], [0, 9]]
    return OcrResult.from_dict({"boxes": [box], "texts": [text], "scores": [1], "box_scores": [1]})


class Fake:
    """A document whose second page carries text."""

    def __init__(self, pages: int = 3) -> None:
        self.pages, self.drawn, self.closed = pages, list[int](), 0

    def __len__(self) -> int:
        return self.pages

    def page(self, number: int) -> Page:
        self.drawn.append(number)
        text = result("carried") if number == 2 else None
        return Page(number, np.zeros((20, 10), np.uint8), 10, 20, 200.0, text)

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> "Fake":
        return self

    def __exit__(self, *of: object) -> None:
        self.close()


def work(document: Fake, **more: Any) -> DocumentWork:
    return DocumentWork(lambda: document, lambda page: result(f"read {page.number}"), **{"max_pages": 99, **more})


def test_pages_are_read_and_those_that_carry_text_are_not() -> None:
    document = Fake()
    one = work(document)
    pages = [one.read(number) for number in one.open()]
    assert [(page.number, page.origin, page.result.texts[0]) for page in pages] == [
        (1, "ocr", "read 1"),
        (2, "document", "carried"),
        (3, "ocr", "read 3"),
    ]
    assert pages[0] == PageResult(1, 10, 20, 200.0, "ocr", result("read 1"))
    one.close()
    assert document.closed == 1


def test_only_the_pages_asked_for_are_drawn() -> None:
    document = Fake(9)
    one = work(document, pages=PageRanges.parse("2-3,8-"))
    assert [one.read(number).number for number in one.open()] == document.drawn == [2, 3, 8, 9]


@pytest.mark.parametrize(
    ("pages", "max_pages", "error", "message"),
    [
        (None, 8, DocumentTooLarge, "has 9 pages, and the limit is 8"),
        ("2-", 7, DocumentTooLarge, "has 9 pages, 8 of them asked for, and the limit is 7"),
        ("10", 8, NoSuchPage, "has 9 pages, and no page 10"),
    ],
)
def test_a_document_that_is_refused_is_closed(
    pages: str | None, max_pages: int, error: type[Exception], message: str
) -> None:
    document = Fake(9)
    one = work(document, max_pages=max_pages, pages=None if pages is None else PageRanges.parse(pages))
    with pytest.raises(error, match=message):
        one.open()
    assert document.closed == 1


def test_the_limit_is_for_the_pages_that_are_read() -> None:
    assert list(work(Fake(10_000), max_pages=2, pages=PageRanges.parse("1-2")).open()) == [1, 2]


def test_noted_pages_are_neither_drawn_nor_read(tmp_path: Path) -> None:
    with JobState(tmp_path / "notes") as state:
        first = work(Fake(), parts=state.parts(key(document="a")))
        read = [first.read(number) for number in list(first.open())[:2]]
        document = Fake()
        again = work(document, parts=state.parts(key(document="a")))
        assert [again.read(number) for number in again.open()][:2] == read
        assert document.drawn == [3]


def test_who_looks_sees_every_page_also_those_noted(tmp_path: Path) -> None:
    seen: list[tuple[int, str]] = []

    def look(page: Page, read: PageResult) -> None:
        seen.append((page.number, read.result.texts[0]))

    with JobState(tmp_path / "notes") as state:
        for _ in range(2):
            one = work(Fake(), parts=state.parts(key(document="a")), look=look)
            for number in one.open():
                one.read(number)
    assert seen == [(1, "read 1"), (2, "carried"), (3, "read 3")] * 2
