"""Markdown: read back by a CommonMark parser, it is the text that was written."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.documents.pages import PITCH, box, page, prose, written

from ocr_documents.formats.markdown import Markdown

FIRST = "The tea garden lies on a south slope, above the sea. Pine woods stand on three sides of it, and mist fills it."


def blocks(text):
    """(tag, text) of each heading, paragraph and rule, as a parser with tables and strikethrough sees them."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    found = []
    for token in tokens:
        if token.type == "hr":
            found.append(("hr", ""))
        elif token.type in ("heading_open", "paragraph_open"):
            found.append((token.tag, ""))
        elif token.type == "inline":
            inside = "".join("\n" if child.type == "hardbreak" else child.content for child in token.children)
            found[-1] = found[-1][0], inside
        else:
            assert token.type in ("heading_close", "paragraph_close"), token.type
    return found


def test_headings_and_paragraphs_in_reading_order():
    title, section = ("South Hill News", box(50, 20, 300, 44)), ("The garden", box(50, 90, 160, 30))
    text = written(Markdown, page(title, section, *prose(50, 150, 500, FIRST), *prose(50, 350, 500, "Second.")))
    assert text == f"# South Hill News\n\n## The garden\n\n{FIRST}\n\nSecond.\n"


def test_columns_follow_each_other():
    left, right = prose(50, 100, 420, FIRST), prose(530, 100, 420, FIRST.upper())
    assert blocks(written(Markdown, page(*left, *right))) == [("p", FIRST), ("p", FIRST.upper())]


def test_pages_are_divided_by_a_rule():
    text = written(Markdown, *(page(("tea", box(50, 50, 60)), number=number) for number in (1, 2)))
    assert text == "tea\n\n---\n\ntea\n"
    assert blocks(written(Markdown, page(), page(number=2), page(("tea", box(50, 50, 60)), number=3))) == [
        ("hr", ""),
        ("hr", ""),
        ("p", "tea"),
    ]


def test_rows_of_a_receipt_stay_rows():
    cells = [
        [(name, box(50, 100 + PITCH * row, 150)), (f"{row}.00", box(600, 100 + PITCH * row, 60))]
        for row, name in enumerate(["Longjing", "---"])
    ]
    assert blocks(written(Markdown, page(*chain(*cells)))) == [("p", "Longjing\u20030.00\n---\u20031.00")]


SPECIAL = [
    *("# no heading", "###", "> no quotation", "- no item", "+ no item", "* no item", "1. no item", "1986) no item"),
    *("---", "***", "___", "===", "```", "~~~ python", "a | b", "| a | b |", "`code`", "*a* _b_ __c__ ~~d~~"),
    *("[a](b)", "![a](b)", "[a]: b", "<b>bold</b>", "<http://a.b>", "&amp; &#65; &", "back\\slash", "\\", "a\\*b"),
    *("snake_case_name", "5 * 3 < 20 > 1", "$5 #1 -5 +7", ":--", "=", "Title ##", "#"),
]


@pytest.mark.parametrize("text", SPECIAL)
@pytest.mark.parametrize("height", [20, 30, 44])
def test_signs_of_markdown_are_shown_as_they_are(text, height):
    line = (text, box(50, 20, 400, height))
    body = prose(50, 200, 500, FIRST)
    assert blocks(written(Markdown, page(line, *body)))[0][1] == text


@pytest.mark.parametrize("text", ["\n# x", "tea\n# x", "tea\n\n- x", "tea\r***", "tea\u2028> x", "tea\x0b---", "a\tb"])
def test_a_line_break_in_a_text_begins_nothing(text):
    ((tag, shown),) = blocks(written(Markdown, page((text, box(50, 20, 400)))))
    assert (tag, shown.split()) == ("p", text.split())


@given(
    st.lists(
        st.text(st.sampled_from("ab 1.)#>-+*_`~|<&;=[]()!\\:$\"'"), min_size=1, max_size=12)
        .map(str.strip)
        .filter(bool),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
def test_any_signs_are_shown_as_they_are(texts, cells):
    lines = [(text, box(50, 100 + PITCH * row, 150)) for row, text in enumerate(texts)]
    prices = [("7", box(600, 100 + PITCH * row, 20)) for row in range(len(texts))]
    if cells:
        expected = [("p", "\n".join(f"{text}\u20037" for text in texts))]
        lines = list(chain(*zip(lines, prices, strict=True)))
    else:
        expected = [("p", text) for text in texts]
    assert blocks(written(Markdown, page(*lines))) == expected
