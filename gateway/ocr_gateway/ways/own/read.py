"""`POST /read` and `POST /write`: a file in, what stands on its pages out, in any format."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from ocr_client.cli.formats import PDF
from ocr_contract.errors import InvalidResult
from ocr_documents.document import RESULTS, PageResult, Task
from ocr_documents.formats.json import one_line
from ocr_gateway.gateway import Gateway
from ocr_gateway.refusals import NotUnderstood
from ocr_gateway.ways.own.events import events
from ocr_gateway.ways.own.parameters import FORMATS, TASKS, ReadParameters, choice, unique
from ocr_gateway.ways.way import TIME_LIMIT, body_of
from ocr_gateway.writing import page_result, written

_FILE = {"schema": {"type": "string", "format": "binary"}}
_READ = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}
_WRITE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["pages"],
                    "properties": {"pages": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
_MAX_LINES = 50_000  # of a page to write: finding its paragraphs takes as much time as the square of their number
Event = Mapping[str, Any]


def add_reading(router: APIRouter, gateway: Gateway) -> None:
    """Add the addresses that read and write documents."""

    @router.post("/read", openapi_extra=_READ)
    async def read(request: Request) -> Response:
        """Read a document: the body is its file, the parameters say what is wanted."""
        parameters = ReadParameters.of(request.query_params.multi_items())
        file = body_of(request)
        if parameters.form is None:
            told = events(gateway, file, parameters, time_limit=request.scope["state"][TIME_LIMIT])
            first = await anext(told)  # raises what deserves a status of its own
            return StreamingResponse(_lines(first, told), media_type="application/x-ndjson")
        async with (
            gateway.documents.open(file, parameters.request) as document,
            aclosing(document.read_pages()) as read,
        ):
            pages = [page_result(page) async for page in read]  # without their pictures: of many pages these are much
        return await written(
            parameters.form,
            pages,
            name=parameters.name,
            source=file,
            replace_text=parameters.request.existing_text == "read",
            limits=gateway.settings.documents,
            threads=gateway.writers,
        )

    @router.post("/write", openapi_extra=_WRITE)
    async def write(request: Request) -> Response:
        """Write pages that have been read before as a file, which only a PDF needs."""
        given = unique(request.query_params.multi_items())
        form = FORMATS[choice(given, "format", "json", FORMATS)]
        name = given.pop("name", "document")
        for unknown in given:
            raise NotUnderstood(f'unknown parameter "{unknown[:60]}"; there are format and name')
        async with request.form(max_files=2, max_fields=2, max_part_size=gateway.settings.max_body_bytes) as fields:
            tasks = tuple(word for word in RESULTS if form in TASKS[word].formats)
            lines = (await _content(fields, "pages")).splitlines()
            pages = [await gateway.writers.run(partial(_page, line, tasks)) for line in lines]
            source = await _content(fields, "file") if form is PDF else b""
        return await written(
            form,
            pages,
            name=name,
            source=source,
            replace_text=True,
            limits=gateway.settings.documents,
            threads=gateway.writers,
        )


async def _lines(first: Event, rest: AsyncGenerator[dict[str, Any], None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        yield _line(first)
        async for event in rest:
            yield _line(event)


def _line(event: Event) -> bytes:
    return one_line(event).encode() + b"\n"


async def _content(fields: Mapping[str, Any], name: str) -> bytes:
    field = fields.get(name)
    if field is None:
        raise NotUnderstood(f'the form lacks the field "{name}"')
    return field.encode() if isinstance(field, str) else await field.read()


def _page(line: bytes, tasks: tuple[Task, ...]) -> PageResult[Any]:
    try:
        page = PageResult.from_dict(json.loads(line), tasks)
    except KeyError as error:
        raise NotUnderstood(f"pages: a page lacks {error}") from error
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, InvalidResult) as error:
        raise NotUnderstood(f"pages: {error}") from error
    if (count := len(page.result)) > _MAX_LINES:
        raise NotUnderstood(f"pages: page {page.number} has {count:,} lines, and the limit is {_MAX_LINES:,}")
    return page
