"""What is told while a document is read, page by page."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from typing import Any

from anyio import to_thread
from PIL import Image

from ocr_client.drawing.overlay import decode
from ocr_contract.errors import OcrError
from ocr_documents.document import Page
from ocr_documents.formats.json import Json
from ocr_gateway.gateway import Gateway
from ocr_gateway.reading import PageFailed, PageRead
from ocr_gateway.refusals import Refusal, refusal_of
from ocr_gateway.time_limits import TimeLimit
from ocr_gateway.ways.own.parameters import ReadParameters
from ocr_gateway.writing import page_result

PICTURE_SIDE_PX = 2000
_JPEG_QUALITY = 85
_LAST_WORDS_S = 0.5  # what remains of the time limit to say that it is over


async def events(
    gateway: Gateway, file: bytes, parameters: ReadParameters, *, time_limit: TimeLimit
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield what docs/gateway.md describes. After the first event errors too are events: the answer has begun.

    Args:
        gateway: reads.
        file: the document.
        parameters: what is wanted of it.
        time_limit: of the request.

    Raises:
        DocumentError: the document cannot be opened.
    """
    started, before = time.monotonic(), await gateway.backend.spent()
    read = failed = 0
    objects = Json()
    async with gateway.documents.open(file, parameters.request) as document:
        objects.head(parameters.name, len(document.numbers))
        yield {"event": "opened", "kind": document.kind, "count": document.count, "pages": list(document.numbers)}
        pages = document.pages()
        try:
            while (page := await _before(time_limit, pages)) is not None:
                if isinstance(page, PageFailed):
                    failed += 1
                    yield {"event": "failed", "number": page.number, **_told(refusal_of(page.error))}
                    continue
                read += 1
                event: dict[str, Any] = {"event": "page", "page": objects.object_of(page_result(page))}
                if parameters.pictures:
                    event["picture"] = await to_thread.run_sync(partial(_picture, page.page))
                yield event
        except OcrError as error:
            yield {"event": "broken", **_told(refusal_of(error))}
            return
        finally:
            await pages.aclose()
    stages = (await gateway.backend.spent()).mean_ms_since(before)
    yield {
        "event": "ended",
        "read": read,
        "failed": failed,
        "seconds": round(time.monotonic() - started, 3),
        "stages": [{"stage": stage, "ms": ms} for stage, ms in stages.items()],
    }


async def _before(limit: TimeLimit, pages: AsyncIterator[PageRead | PageFailed]) -> PageRead | PageFailed | None:
    """The next page, None after the last one.

    Raises:
        Refusal: it does not come in time.
    """
    with limit.scope(_LAST_WORDS_S):
        return await anext(pages, None)
    raise limit.reason


def _told(refusal: Refusal) -> dict[str, Any]:
    return {"error": str(refusal), "status": refusal.status}


def _picture(page: Page) -> str:
    """A `data:` URL of the page, for browsers, which cannot show every kind of file."""
    picture = decode(page.picture)
    picture.thumbnail((PICTURE_SIDE_PX, PICTURE_SIDE_PX), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
