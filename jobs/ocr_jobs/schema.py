"""The tables that a job writes. docs/jobs.md shows them, and a test compares the two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ocr_contract.result import OcrResult
from ocr_documents.document import PageResult

SCHEMA_VERSION = 1
_BOX = pa.list_(pa.float32())
LINE = pa.struct({"text": pa.string(), "score": pa.float32(), "box": _BOX, "box_score": pa.float32()})
WORD = pa.struct({"text": pa.string(), "score": pa.float32(), "box": _BOX, "line": pa.int32()})


def _field(name: str, kind: pa.DataType, meaning: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"meaning": meaning})


_PATH = _field("path", pa.string(), "absolute path, or URI without keys and options")
_ALWAYS = (
    _field("options", pa.string(), "how it was read, as JSON: options, pages, dpi, existing_text, max_pages"),
    _field("model_set", pa.string(), "name of the model set; null where a server did not tell", nullable=True),
    _field("version", pa.string(), "of this project"),
    _field("schema_version", pa.int32(), "of this table"),
)
TABLES: Mapping[str, pa.Schema] = {
    "inputs": pa.schema(
        [
            _PATH,
            _field("sha256", pa.string(), "of its bytes; null where they could not be read", nullable=True),
            _field("size", pa.int64(), "in bytes, as listed; -1 where the store did not tell"),
            _field("modified", pa.int64(), "last change, nanoseconds since 1970; 0 where the store did not tell"),
            _field("pages", pa.int32(), "pages that were to be read; 0 where it could not be opened"),
            _field("pages_read", pa.int32(), "of these, those in the table `pages`"),
            _field("failures", pa.int32(), "rows in the table `failures`"),
            _field("lines", pa.int64(), "lines on all its pages"),
        ]
    ),
    "pages": pa.schema(
        [
            _PATH,
            _field("sha256", pa.string(), "of the input's bytes"),
            _field("page", pa.int32(), "number of the page, from 1 on"),
            _field("pages", pa.int32(), "pages that the document has"),
            _field("width", pa.int32(), "of the picture that the boxes are in, pixels"),
            _field("height", pa.int32(), "likewise"),
            _field("dpi", pa.float32(), "pixels an inch; null where nothing says it", nullable=True),
            _field("origin", pa.string(), "`ocr` for what was read, `document` for text that a PDF carried"),
            _field(
                "lines", pa.list_(LINE), "in reading order: text, score 0 to 1, box x1 y1 ... x4 y4, box_score 0 to 1"
            ),
            _field(
                "words",
                pa.list_(WORD),
                "null unless --return-word-box; line: which line it is of, from 0 on",
                nullable=True,
            ),
            *_ALWAYS,
        ]
    ),
    "failures": pa.schema(
        [
            _PATH,
            _field("sha256", pa.string(), "of the input's bytes; null where they could not be read", nullable=True),
            _field("page", pa.int32(), "null where the whole input failed", nullable=True),
            _field("kind", pa.string(), "name of the error"),
            _field("at_fault", pa.string(), "`input`, `storage`, `server` or `program`"),
            _field("reason", pa.string(), "one sentence"),
            *_ALWAYS,
        ]
    ),
}


def file_schema(table: str, job: Mapping[str, Any]) -> pa.Schema:
    """Return the schema of a file of a table, with what the job is in its metadata."""
    return TABLES[table].with_metadata(
        {"ocr_jobs.schema_version": str(SCHEMA_VERSION), "ocr_jobs.job": json.dumps(job, sort_keys=True)}
    )


def page_row(page: PageResult[OcrResult], *, with_words: bool) -> dict[str, Any]:
    """Return the columns of a page that come from its result alone."""
    result = page.result
    lines = zip(result.texts, result.scores.tolist(), result.boxes, result.box_scores.tolist(), strict=True)
    words = zip(result.words, result.word_scores.tolist(), result.word_boxes, result.word_lines.tolist(), strict=True)
    return {
        "page": page.number,
        "width": page.width_px,
        "height": page.height_px,
        "dpi": page.dpi,
        "origin": page.origin,
        "lines": [
            {"text": printable(text), "score": score, "box": box.reshape(-1).tolist(), "box_score": box_score}
            for text, score, box, box_score in lines
        ],
        "words": [
            {"text": printable(text), "score": score, "box": box.reshape(-1).tolist(), "line": line}
            for text, score, box, line in words
        ]
        if with_words
        else None,
    }


def printable(text: str) -> str:
    """Return a text that can be encoded: a PDF's own text may hold half a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def markdown() -> str:
    """Return the tables as docs/jobs.md shows them."""
    blocks = []
    for name, schema in TABLES.items():
        rows = [f"| `{field.name}` | {_kind(field)} | {_meaning(field)} |" for field in schema]
        blocks.append("\n".join([f"**`{name}`**", "", "| column | type | what it holds |", "|---|---|---|", *rows]))
    return "\n\n".join(blocks) + "\n"


def _kind(field: pa.Field) -> str:
    if pa.types.is_list(field.type):
        inside = ", ".join(f"{each.name}: {each.type}" for each in field.type.value_type)
        kind = f"list of ({inside})".replace("list<item: float>", "list of float")
    else:
        kind = str(field.type)
    return f"{kind}, or null" if field.nullable else kind


def _meaning(field: pa.Field) -> str:
    return (field.metadata or {})[b"meaning"].decode()
