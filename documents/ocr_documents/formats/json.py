"""JSON Lines: an object for each page, on a line of its own; `page.schema.json` describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ocr_documents.document import SCHEMA_VERSION, PageResult
from ocr_documents.formats.format import Format

# As they are, some would end the line for a reader that knows Unicode's line breaks, some would not go into UTF-8.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def one_line(document: Mapping[str, Any]) -> str:
    """A JSON object as one line, without its end; whatever it holds goes into UTF-8."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Json(Format):
    """All that is known of each page; `PageResult.from_dict` reads it back."""

    meaning = "one object a page, with boxes and scores, a line each"
    suffix = ".jsonl"
    needs_words = False

    def __init__(self) -> None:
        self._document: dict[str, str | int] = {}

    def head(self, name: str, pages: int | None = None) -> str:
        """Nothing: name and number of pages stand in each page's object."""
        self._document = {"image": name} if pages is None else {"image": name, "pages": pages}
        return ""

    def object_of(self, page: PageResult[Any]) -> dict[str, Any]:
        """Return the page's object."""
        return {"schema_version": SCHEMA_VERSION, **self._document, **page.to_dict()}

    def page(self, page: PageResult[Any]) -> str:
        """The page's object as a line."""
        return one_line(self.object_of(page)) + "\n"
