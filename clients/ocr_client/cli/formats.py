"""Results as text to print: bare lines, JSON Lines or a table."""

from __future__ import annotations

import json
from enum import Enum

from typing_extensions import assert_never

from ocr_client.cli.inputs import Source
from ocr_contract.result import OcrResult

TSV_COLUMNS = ("image", "score", "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "text")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Format(str, Enum):
    """How results are printed.

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

    TEXT = "text", "lines only"
    JSON = "json", "one document a picture"
    TSV = "tsv", "one row a line"


def header(form: Format) -> str | None:
    """Return the line that stands before all results, None when there is none."""
    return "\t".join(TSV_COLUMNS) if form is Format.TSV else None


def render(source: Source, result: OcrResult, form: Format, *, titled: bool) -> str:
    """Return a result as it is printed, without the last line's end; "" when nothing is to be printed.

    Args:
        source: the picture. Its page is part of its name, and a field of its own in json.
        result: what was read on it.
        form: text gives one line a text; json one document a picture, on one line; tsv one row a text.
        titled: in text, put the picture's name above its lines.
    """
    match form:
        case Format.TEXT:
            lines = [" ".join(text.splitlines()) for text in result.texts]
            return "\n".join([f"==> {source.title} <==", *lines] if titled else lines)
        case Format.JSON:
            page = {"page": source.page} if source.page else {}
            return json.dumps({"image": source.name, **page, **result.to_dict()}, ensure_ascii=False)
        case Format.TSV:
            return "\n".join(_rows(source.title, result))
        case _:
            assert_never(form)


def _rows(name: str, result: OcrResult) -> list[str]:
    rows = []
    for box, text, score in zip(result.boxes, result.texts, result.scores, strict=True):
        corners = [f"{value:.1f}".removesuffix(".0") for value in box.reshape(-1).tolist()]
        rows.append("\t".join([name.translate(_ESCAPES), f"{score:.4f}", *corners, text.translate(_ESCAPES)]))
    return rows
