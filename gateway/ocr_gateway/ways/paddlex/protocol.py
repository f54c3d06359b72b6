"""PaddleX's addresses, and its errors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, ValidationError

from ocr_client.drawing.fonts import FontOfSize, open_font
from ocr_client.picture import picture_bytes
from ocr_contract.options import DETECTION, Value, options_of
from ocr_contract.result import DetectionResult, OcrResult
from ocr_gateway.gateway import Gateway
from ocr_gateway.reading import OpenedDocument, PageRead, ReadRequest
from ocr_gateway.refusals import RETRY_AFTER_S, NotUnderstood, Refusal
from ocr_gateway.ways.paddlex.answer import ReadPage, Wanted, data_info, pruned_result
from ocr_gateway.ways.paddlex.fetching import fetched
from ocr_gateway.ways.paddlex.pictures import pictures
from ocr_gateway.ways.paddlex.quads import Size, are_same, quarters_of, runs_to_right
from ocr_gateway.ways.paddlex.request import InferRequest
from ocr_gateway.ways.way import Way, json_body, parsed

PDF_DPI = 200  # at which pages of a PDF file are drawn: small print is read better than at PaddleX's 144
PDF_TOLD_DPI = 144  # whose pixels coordinates and sizes are told in, as PaddleX's clients expect
MAX_DRAWN_PAGES = 50  # with `visualize`; each has about a megabyte of pictures
_DRAWERS = 2  # threads
_TURNS = "use_doc_orientation_classify"
_OF_DETECTION = frozenset(options_of(DETECTION)) - {_TURNS, "use_textline_orientation"}
_LONG = 1 << 20  # characters of a file that is decoded in a thread


class PaddleX(Way):
    """`POST /ocr` and `GET /health`; errors are {"logId", "errorCode", "errorMsg"}."""

    name = "paddlex"
    paths = ("/ocr", "/health")

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @cached_property
    def _drawers(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(_DRAWERS)  # needs the event loop, which is not there yet in __init__

    def error(self, refusal: Refusal, body: bytes) -> Response:
        """Say what is wrong; of fields that are wrong, in a JSON list."""
        message = str(refusal)
        if isinstance(refusal, NotUnderstood) and refusal.details:
            message = json.dumps([{**one, "loc": _place(one["loc"])} for one in refusal.details])
        answer = {"logId": _log_id(_LogId.of(body)), "errorCode": refusal.status, "errorMsg": message}
        return JSONResponse(answer, refusal.status)

    def router(self) -> APIRouter:
        """Return the addresses."""
        router = APIRouter()

        @router.post("/ocr", operation_id="infer", openapi_extra=json_body(InferRequest))
        async def infer(request: Request) -> Response:
            """Read a picture, or every page of a PDF or TIFF file."""
            asked = parsed(request, InferRequest)
            result = await self._read(asked)
            answer = {"logId": _log_id(asked.log_id), "result": result, "errorCode": 0, "errorMsg": "Success"}
            return JSONResponse(answer)

        @router.get("/health", operation_id="checkHealth")
        async def check_health() -> Response:
            """Tell whether a picture was just read right."""
            if not await self._gateway.health.is_ready():
                raise Refusal("no picture can be read now; try again", status=503, retry_after_s=RETRY_AFTER_S)
            return JSONResponse({"logId": _log_id(None), "errorCode": 0, "errorMsg": "Healthy"})

        return router

    async def _read(self, asked: InferRequest) -> dict[str, Any]:
        given = asked.options()
        wanted = Wanted(given, {**self._gateway.backend.defaults, **given})
        file = await self._file(asked)
        draws = self._gateway.settings.visualize if asked.visualize is None else asked.visualize
        pages: list[dict[str, Any]] = []
        sizes: list[Size] = []
        async with self._gateway.documents.open(file, ReadRequest(options=wanted.reading, dpi=PDF_DPI)) as document:
            asked.check_kind(document.kind)
            if draws and len(document.numbers) > MAX_DRAWN_PAGES:
                raise NotUnderstood(
                    f"visualize: pictures are drawn of at most {MAX_DRAWN_PAGES} pages, and the document has "
                    f"{document.count:,}; send visualize: false"
                )
            async with aclosing(document.read_pages()) as read:
                async for page in read:
                    size, shown = await self._page(document, page, wanted, draws=draws)
                    sizes.append(size)
                    pages.append(shown)
            return {"ocrResults": pages, "dataInfo": data_info(document.kind, sizes)}

    async def _file(self, asked: InferRequest) -> bytes:
        if asked.url is None:
            return await to_thread.run_sync(asked.content) if len(asked.file) > _LONG else asked.content()
        settings = self._gateway.settings
        if not settings.allow_urls:
            raise NotUnderstood("file is a URL, and none is fetched here: send the file itself, as base64")
        return await fetched(asked.url, settings.max_body_bytes)

    async def _page(
        self, document: OpenedDocument, page: PageRead, wanted: Wanted, *, draws: bool
    ) -> tuple[Size, dict[str, Any]]:
        """Width and height of a page as it was sent, and what is answered for it."""
        if not isinstance(page.result, OcrResult):
            raise TypeError(f"a page of text expected, got {type(page.result).__name__}")
        quarters = await self._quarters(page, page.result, wanted)
        scale = PDF_TOLD_DPI / PDF_DPI if document.kind == "pdf" else 1.0
        result, size = told(page.result, (page.page.width_px, page.page.height_px), scale)
        read = ReadPage.of(result, size, quarters, wanted.score_thresh)
        shown: dict[str, Any] = {"prunedResult": pruned_result(read, wanted)}
        if draws:
            draw = partial(
                pictures,
                page.page.picture,
                read,
                _font(),
                words=wanted.asks("return_word_box"),
                turns=wanted.asks(_TURNS),
            )
            shown |= await to_thread.run_sync(draw, limiter=self._drawers, abandon_on_cancel=True)
        return size, shown

    async def _quarters(self, page: PageRead, result: OcrResult, wanted: Wanted) -> int:
        """By how many quarters a page is turned counter-clockwise to stand upright.

        Where the reader has turned it, most of its text runs to another side than the right. But so do columns, which
        are read from top to bottom, on a page that stands. That one was not turned if its lines are found in the very
        same boxes where turning is not asked for.
        """
        if not wanted.asks(_TURNS) or runs_to_right(result.boxes):
            return 0
        picture = await to_thread.run_sync(picture_bytes, page.page.picture)
        unturned: dict[str, Value] = {name: value for name, value in wanted.given.items() if name in _OF_DETECTION}
        found = await self._gateway.documents.read(DETECTION, [picture], unturned)
        if not isinstance(found, DetectionResult):
            raise TypeError(f"boxes expected, got {type(found).__name__}")
        return 0 if are_same(result.boxes, found.boxes) else quarters_of(result.boxes)


def told(result: OcrResult, size: Size, scale: float) -> tuple[OcrResult, Size]:
    """Return what was read of a page, and its width and height, in other pixels: so many for each one before."""
    width, height = size
    scaled = replace(result, boxes=result.boxes * scale, word_boxes=result.word_boxes * scale)
    return scaled, (round(width * scale), round(height * scale))


@lru_cache(maxsize=1)
def _font() -> FontOfSize:
    return open_font()


class _LogId(BaseModel):
    """What is read of a request that is answered with an error."""

    log_id: str | None = Field(None, alias="logId")

    @classmethod
    def of(cls, body: bytes) -> str | None:
        """The request's own name for itself, where its body can be read as far as that."""
        try:
            return cls.model_validate_json(body).log_id
        except ValidationError:
            return None


def _log_id(given: str | None) -> str:
    return given or str(uuid.uuid4())


def _place(loc: Sequence[str | int]) -> str:
    return "body" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
