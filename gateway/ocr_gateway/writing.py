"""What was read as a file of any format."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi.responses import Response

from ocr_client.cli.formats import PDF, OutputFormat
from ocr_documents.document import PageResult
from ocr_documents.limits import Limits
from ocr_documents.pdf.writing import write_searchable
from ocr_gateway.reading import PageRead
from ocr_gateway.threads import Threads

_MEDIA_TYPES = {
    "json": "application/x-ndjson",
    "text": "text/plain; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "hocr": "application/xhtml+xml",
    "alto": "application/xml",
    "markdown": "text/markdown; charset=utf-8",
    "pdf": "application/pdf",
}


def page_result(read: PageRead) -> PageResult[Any]:
    """Return what the formats are made from."""
    page = read.page
    return PageResult(page.number, page.width_px, page.height_px, page.dpi, read.origin, read.result)


async def written(
    form: OutputFormat,
    pages: Sequence[PageResult[Any]],
    *,
    name: str,
    source: bytes,
    replace_text: bool,
    limits: Limits,
    threads: Threads,
) -> Response:
    """Return pages as an answer that holds a file.

    Args:
        form: of the file.
        pages: what stands on them.
        name: of the document, as results name it.
        source: the document, which a searchable PDF is made of.
        replace_text: whether invisible text that it has makes way.
        limits: of the process that writes a PDF.
        threads: that write.

    Raises:
        DocumentError: the document cannot be written as a PDF.
    """
    if form is PDF:
        target = io.BytesIO()
        call = partial(write_searchable, source, pages, target, replace_text=replace_text, limits=limits)
        await threads.run(call)
        content = target.getvalue()
    else:
        writer = form.document()
        parts = [writer.head(name, len(pages))]
        for page in pages:  # between two of them it may be ended
            parts.append(await threads.run(partial(writer.page, page)))
        content = "".join([*parts, writer.tail()]).encode()
    # A browser is to keep the file and not to show it: hOCR is a page of its own.
    headers = {"Content-Disposition": f'attachment; filename="result{form.suffix}"'}
    return Response(content, media_type=_MEDIA_TYPES[form.value], headers=headers)
