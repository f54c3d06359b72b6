"""Which pages of a document: `1-3,8-`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ocr_contract.errors import InvalidOption
from ocr_documents.errors import NoSuchPage

_RANGE = re.compile(r"([0-9]{1,9})(?:(-)([0-9]{1,9})?)?")


@dataclass(frozen=True)
class PageRanges:
    """Pages, counted from 1.

    Attributes:
        text: as the user wrote it.
        ranges: first and last page of each; the last is None where it is the document's.
    """

    text: str
    ranges: tuple[tuple[int, int | None], ...]

    @classmethod
    def parse(cls, text: str) -> PageRanges:
        """Read `3`, `1-3`, `8-`, or several of them with commas between.

        Raises:
            InvalidOption: it is none of these, begins below 1, or runs backwards.
        """
        ranges = []
        for part in text.split(","):
            match = _RANGE.fullmatch(part.strip())
            first = int(match[1]) if match else 0
            last = first if match and not match[2] else int(match[3]) if match and match[3] else None
            if first < 1 or (last is not None and last < first):
                raise InvalidOption(f"pages must be numbers and ranges from 1 on, such as 1-3,8-, not {text[:60]!r}")
            ranges.append((first, last))
        return cls(text, tuple(ranges))

    def of(self, count: int) -> list[int]:
        """Return those that a document of `count` pages has, each once, in their order.

        Ranges end where the document does, so that the first three pages can be asked of many documents.

        Raises:
            NoSuchPage: a page that is named by itself is not there, or no page at all is.
        """
        for first, last in self.ranges:
            if first == last and first > count:
                raise NoSuchPage(f"has {_pages(count)}, and no page {first}")
        found: list[int] = []
        for first, last in sorted((first, count if last is None else last) for first, last in self.ranges):
            found += range(max(first, found[-1] + 1 if found else 1), min(count, last) + 1)
        if not found:
            raise NoSuchPage(f"has {_pages(count)}, and none of {self.text[:60]}")
        return found


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"
