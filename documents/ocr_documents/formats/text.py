"""Bare text: a line for each line of text, pages divided by form feeds."""

from __future__ import annotations

from ocr_contract.result import OcrResult, RecognitionResult
from ocr_documents.document import PageResult
from ocr_documents.formats.format import Format
from ocr_documents.texts import one_line


class Text(Format):
    """Lines in reading order."""

    meaning = "lines only"
    suffix = ".txt"
    needs_words = False

    def __init__(self) -> None:
        self._divider = ""

    def page(self, page: PageResult[OcrResult] | PageResult[RecognitionResult]) -> str:
        """The page's lines, after a form feed where a page went before."""
        divider, self._divider = self._divider, "\f"
        return divider + "".join(f"{one_line(text)}\n" for text in page.result.texts)
