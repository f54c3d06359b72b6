"""Open WebUI's external engine for content extraction: a file in, its pages as Markdown out."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ocr_documents.document import PageResult
from ocr_documents.formats.markdown import Markdown
from ocr_gateway.gateway import Gateway
from ocr_gateway.reading import ReadRequest
from ocr_gateway.refusals import NotUnderstood, Refusal
from ocr_gateway.ways.way import Way, body_of
from ocr_gateway.writing import page_result

_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}}
# Open WebUI looks for these words, and then reads the file by itself.
NO_TEXT = "No extractable text: nothing was read on the document's pages"


class OpenWebUi(Way):
    """PUT /process. Pages that carry text keep it."""

    name = "open_webui"
    paths = ("/process",)

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def error(self, refusal: Refusal, body: bytes) -> Response:
        """Say what is wrong where Open WebUI looks for it; its users get to read it."""
        return JSONResponse({"detail": str(refusal)}, refusal.status)

    def router(self) -> APIRouter:
        """Return the address."""
        router = APIRouter()

        @router.put("/process", openapi_extra=_BODY)
        async def process(request: Request) -> list[dict[str, Any]]:
            """Read a document: what stands on each page that has text, and what page it is."""
            name = unquote(request.headers.get("x-filename", "document"), errors="replace")
            opened = self._gateway.documents.open(body_of(request), ReadRequest(existing_text="keep"))
            async with opened as document, aclosing(document.read_pages()) as read:
                count = document.count
                pages = [(page.page.number, _content(page_result(page))) async for page in read]
            contents = [_page(name, number, count, text) for number, text in pages if text]
            if not contents:
                raise NotUnderstood(NO_TEXT)
            return contents

        return router


def _content(page: PageResult) -> str:
    return Markdown().page(page).strip()


def _page(name: str, number: int, count: int, content: str) -> dict[str, Any]:
    """A page as Open WebUI, and LangChain below it, know pages: counted from 0, beside a label that counts from 1."""
    metadata = {"source": name, "page": number - 1, "page_label": str(number), "total_pages": count}
    return {"page_content": content, "metadata": metadata}
