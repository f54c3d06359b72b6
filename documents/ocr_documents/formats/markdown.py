"""Markdown (CommonMark 0.31): headings and paragraphs in reading order."""

from __future__ import annotations

import re

from ocr_documents.blocks import Paragraph, blocks_of
from ocr_documents.document import PageResult
from ocr_documents.formats.format import Format
from ocr_documents.texts import join_lines, one_line, words_in

CELL_SPACE = "\N{EM SPACE}"  # between the cells of a row: Markdown would take several spaces for one
LINE_BREAK = "\\\n"
_ANYWHERE = re.compile(r"[\\`*_\[\]<|~]|&(?=#?\w+;)")
# What would begin a heading, quotation, list, fence or rule, or underline a heading.
_AT_START = re.compile(r"(\d{1,9}(?=[.)](?:\s|$)))|#{1,6}(?=\s|$)|>|[+-](?=\s|$)|-(?=-)|=")


class Markdown(Format):
    """Lines joined to paragraphs; rows of tables, forms and receipts stay rows. Pages are divided by a rule."""

    meaning = "headings and paragraphs in reading order"
    suffix = ".md"
    needs_words = False

    def __init__(self) -> None:
        self._divider = ""

    def page(self, page: PageResult) -> str:
        """The page's paragraphs, after a rule where a page went before."""
        divider, self._divider = self._divider, "\n---\n\n"
        texts = [one_line(text) for text in page.result.texts]
        page_words = words_in(" ".join(texts))
        paragraphs = [
            _paragraph(paragraph, texts, page_words)
            for block in blocks_of(page.result)
            for paragraph in block.paragraphs
        ]
        return divider + "\n".join(f"{paragraph}\n" for paragraph in paragraphs)


def _paragraph(paragraph: Paragraph, texts: list[str], page_words: frozenset[str]) -> str:
    if paragraph.is_table:
        rows = [
            CELL_SPACE.join(escaped(join_lines([texts[line] for line in cell])) for cell in row)
            for row in paragraph.rows
        ]
        return LINE_BREAK.join(rows)
    text = escaped(join_lines([texts[line] for line in paragraph.lines], page_words))
    if not paragraph.heading:
        return text
    closing = r"\#" if text.endswith("#") else text[-1]  # signs at a heading's end would be taken for its frame
    return f"{'#' * paragraph.heading} {text[:-1]}{closing}"


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    text = _ANYWHERE.sub(r"\\\g<0>", text)
    start = _AT_START.match(text)
    if not start:
        return text
    digits = len(start[1] or "")  # of a list's number: the sign after it is escaped
    return f"{text[:digits]}\\{text[digits:]}"
