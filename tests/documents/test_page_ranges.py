"""Which pages `--pages` means."""

import pytest

from ocr_contract.errors import InvalidOption
from ocr_documents.errors import NoSuchPage
from ocr_documents.page_ranges import PageRanges


@pytest.mark.parametrize(
    ("text", "count", "pages"),
    [
        ("1", 1, [1]),
        ("2-4", 9, [2, 3, 4]),
        ("8-", 9, [8, 9]),
        ("1-3,8-", 9, [1, 2, 3, 8, 9]),
        ("5, 1-2 ,2", 9, [1, 2, 5]),
        ("1-3", 2, [1, 2]),
        ("1-3,8-", 5, [1, 2, 3]),
        ("1-999999999", 2, [1, 2]),
        ("3-7,1-4,2,6-", 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("1-," * 20_000 + "2", 100_000, [*range(1, 100_001)]),  # at once
    ],
)
def test_ranges_mean_each_page_once_in_order_and_end_where_the_document_does(
    text: str, count: int, pages: list[int]
) -> None:
    assert PageRanges.parse(text).of(count) == pages


@pytest.mark.parametrize("text", ["", ",", "0", "0-2", "3-1", "a", "1-2-3", "-", "-3", "1,,2", "1;2", "²", "1" * 40])
def test_what_is_no_range_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"such as 1-3,8-, not ") as raised:
        PageRanges.parse(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"), [("1,9", "has 3 pages, and no page 9"), ("4-", "has 3 pages, and none of 4-")]
)
def test_a_page_that_is_named_must_be_there(text: str, message: str) -> None:
    with pytest.raises(NoSuchPage, match=message):
        PageRanges.parse(text).of(3)
