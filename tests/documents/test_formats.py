"""What holds for every format: the registry, hostile texts, pages in a row."""

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt
from tests.documents.pages import HEIGHT, WIDTH, box, page, result, written

from ocr_contract.errors import InvalidResult
from ocr_documents.document import PageResult
from ocr_documents.formats import FORMATS

XML = ("hocr", "alto")
TSV_COLUMNS = 12


def table(text):
    """Rows of a TSV file, without its head."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def pages_in(name, text):
    """How many pages a file in a format has, as a reader of it counts them; the text formats do not tell 0 from 1."""
    if name in XML:
        return len(etree.fromstring(text.encode()).xpath("//*[local-name()='Page' or @class='ocr_page']"))
    if name == "json":
        return len([json.loads(line) for line in text.splitlines()])
    if name == "tsv":
        rows = table(text)
        assert {len(row) for row in rows} <= {TSV_COLUMNS}
        return sum(row[0] == "1" for row in rows)
    if name == "text":
        return text.count("\f") + 1
    return sum(token.type == "hr" for token in MarkdownIt("commonmark").parse(text)) + 1


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_what_it_is(name):
    form = FORMATS[name]
    assert form.meaning
    assert form.suffix.startswith(".")
    assert form.needs_words == (name in {"tsv", "hocr", "alto"})


def test_suffixes_differ():
    assert len({form.suffix for form in FORMATS.values()}) == len(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_pages_are_written_one_by_one_and_each_only_once(name):
    pages = [page((f"PAGE{number}", box(50, 50, 200)), number=number) for number in (1, 2, 3)]
    text = written(FORMATS[name], *pages)
    assert [text.count(f"PAGE{number}") for number in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize("name", FORMATS)
def test_documents_without_pages_or_text_can_be_written(name):
    assert pages_in(name, written(FORMATS[name])) == (1 if name in ("text", "markdown") else 0)
    assert pages_in(name, written(FORMATS[name], page(), page((" ", box(0, 0, 50)), number=2))) == 2


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(st.characters(), max_size=40), file_name=st.text(st.characters(), max_size=20))
def test_no_text_and_no_file_name_makes_a_broken_file(name, text, file_name):
    text = written(FORMATS[name], page((text, box(50, 50, 300))), name=file_name)
    text.encode("utf-8")
    assert pages_in(name, text) == 1


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_control_characters_are_replaced(name):
    text = written(FORMATS[name], page(("in\x00vo\x1bice\ud800", box(50, 50, 300))))
    assert "in\ufffdvo\ufffdice\ufffd" in text


def rectangles(name, text):
    """Left, top, right and bottom of all that a file places."""
    if name == "hocr":
        return [tuple(map(int, found)) for found in re.findall(r"bbox (\S+) (\S+) (\S+) ([^\s;\"]+)", text)]
    if name == "tsv":
        sizes = [tuple(map(int, row[6:10])) for row in table(text)]
    else:
        placed = etree.fromstring(text.encode()).xpath("//*[@HPOS]")
        sizes = [tuple(int(one.get(key)) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT")) for one in placed]
    return [(left, top, left + width, top + height) for left, top, width, height in sizes]


@pytest.mark.parametrize("name", ["tsv", "hocr", "alto"])
@pytest.mark.parametrize("quad", [box(-80, -40, 5000, 9000), box(2000, 3000, 10), box(5, 5, 0, 0)])
def test_coordinates_stay_within_the_page(name, quad):
    text = written(FORMATS[name], page(("word", quad)))
    assert "word" in text
    places = rectangles(name, text)
    assert len(places) >= 4  # from the page to the word
    for left, top, right, bottom in places:
        assert 0 <= left <= right <= WIDTH
        assert 0 <= top <= bottom <= HEIGHT


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_result_with_numbers_that_are_none_makes_no_page(value):
    with pytest.raises(InvalidResult, match="page 4: boxes"):
        PageResult(4, 100, 100, None, "ocr", result(("a", [[value, 0], [9, 0], [9, 9], [0, 9]])))


@pytest.mark.timeout(30)  # a quadratic rule takes minutes
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", ["x" * 200_000, "x " * 10_000, "-" * 200_000, "&" * 200_000, "1" * 200_000])
def test_lines_of_any_length_are_written_in_time_that_grows_with_it(name, text):
    line = (text, box(50, 50, 900))
    assert len(written(FORMATS[name], page(line, line))) > len(text)
