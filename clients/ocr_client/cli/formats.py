"""The formats of the command line: those of documents, and what help texts say of them."""

from __future__ import annotations

from enum import Enum
from typing import Any

from ocr_client.errors import UsageError
from ocr_documents.formats import FORMATS
from ocr_documents.output import PageFormat

PDF_SUFFIX = ".pdf"


class Format(str, Enum):
    """How results are written.

    Attributes:
        meaning: half a sentence for help texts.
    """

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Format:
        """A member whose value is the word alone."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member

    TEXT = "text", FORMATS["text"].meaning
    JSON = "json", FORMATS["json"].meaning
    TSV = "tsv", FORMATS["tsv"].meaning
    HOCR = "hocr", FORMATS["hocr"].meaning
    ALTO = "alto", FORMATS["alto"].meaning
    MARKDOWN = "markdown", FORMATS["markdown"].meaning
    PDF = "pdf", "the same pages, with their text to search and copy"

    @property
    def is_for_many(self) -> bool:
        """Whether several documents can follow each other in it."""
        return self in (Format.TEXT, Format.JSON)

    @property
    def suffix(self) -> str:
        """Of its files, with the dot."""
        return PDF_SUFFIX if self is Format.PDF else FORMATS[self.value].suffix

    @property
    def needs_words(self) -> bool:
        """Whether it places each word."""
        return self is Format.PDF or FORMATS[self.value].needs_words

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the requests, with those words that the format needs.

        Raises:
            UsageError: words have been forbidden.
        """
        if not self.needs_words:
            return given
        if given.get("return_word_box") is False:
            raise UsageError(f"--format {self.value} needs words: leave out --no-return-word-box")
        return {**given, "return_word_box": True}

    def document(self) -> PageFormat:
        """Return what writes one document in a text format."""
        return FORMATS[self.value]()
