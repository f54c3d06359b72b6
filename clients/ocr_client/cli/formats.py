"""The formats of the command line: those of documents, and searchable PDF."""

from __future__ import annotations

from enum import Enum
from typing import Any

from ocr_client.errors import UsageError
from ocr_documents.formats import FORMATS, Format

_PDF = "pdf"
PDF_MEANING = "searchable PDF: the original pages with an invisible text layer"


class OutputFormat(str, Enum):
    """How results are written: a member for each of `FORMATS`, and one for PDF."""

    _ignore_ = "word"
    for word in (*FORMATS, _PDF):
        vars()[word.upper()] = word

    @property
    def meaning(self) -> str:
        """Half a sentence for help texts."""
        return PDF_MEANING if self is PDF else FORMATS[self.value].meaning

    @property
    def is_for_many(self) -> bool:
        """Whether several documents can follow each other in it."""
        return self in (TEXT, JSON)

    @property
    def suffix(self) -> str:
        """Of its files, with the dot."""
        return ".pdf" if self is PDF else FORMATS[self.value].suffix

    @property
    def needs_words(self) -> bool:
        """Whether it places each word."""
        return self is PDF or FORMATS[self.value].needs_words

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

    def document(self) -> Format:
        """Return what writes one document in a text format."""
        return FORMATS[self.value]()


TEXT, JSON, PDF = (OutputFormat(word) for word in ("text", "json", _PDF))  # of which the command line knows more
