"""What a format is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from ocr_documents.document import PageResult


class Format(ABC):
    """Writes one document, page by page: head, pages in order, tail. Each is a piece of the file, as UTF-8 text.

    Attributes:
        meaning: half a sentence for help texts.
        suffix: of file names, with its dot.
        needs_words: whether pages are to be read with the option return_word_box; without, lines are parted by rule.
    """

    meaning: ClassVar[str]
    suffix: ClassVar[str]
    needs_words: ClassVar[bool]

    def head(self, name: str, pages: int | None = None) -> str:
        """What stands before the first page.

        Args:
            name: of the document's file, as results name it.
            pages: how many will follow, where that is known.
        """
        return ""

    @abstractmethod
    def page(self, page: PageResult) -> str:
        """One page."""

    def tail(self) -> str:
        """What stands after the last page."""
        return ""
