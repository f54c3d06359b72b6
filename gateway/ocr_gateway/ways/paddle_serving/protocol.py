"""What clients of Paddle Serving send: to its OCR web services, and to its Pipeline service, at the same address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AliasChoices, BaseModel, Field

from ocr_contract.errors import InvalidInput
from ocr_contract.options import DETECTION, OCR, RECOGNITION, Endpoint
from ocr_contract.result import OcrResult, RecognitionResult
from ocr_gateway.gateway import Gateway
from ocr_gateway.refusals import NoSuchAddress, NotUnderstood, Refusal, refusal_of
from ocr_gateway.settings import PaddleServingService
from ocr_gateway.ways.paddle_serving.boxes import order_of, plain_boxes
from ocr_gateway.ways.way import Way, body_of, json_body, parsed, refused

SERVICE = "ocr"  # the only name that the OCR examples gave their services
_ENDPOINTS: Mapping[PaddleServingService, Endpoint] = {"ocr": OCR, "det": DETECTION, "rec": RECOGNITION}
# Paddle Serving drops no line for its score.
_OPTIONS: Mapping[Endpoint, dict[str, Any]] = {OCR: {"text_rec_score_thresh": 0.0}}

# Numbers of errors (CustomExceptionCode of its lib error_catch.py).
_NOT_IMPLEMENTED, _CLOSED, _NO_SERVICE = 3000, 3001, 3002
_INPUT, _TIMEOUT, _INFERENCE, _OTHER = 5000, 6000, 9000, 10000
_ERROR_OF_STATUS = {
    404: _NO_SERVICE,
    405: _NOT_IMPLEMENTED,
    408: _TIMEOUT,
    429: _CLOSED,
    502: _INFERENCE,
    503: _INFERENCE,
    504: _TIMEOUT,
}


class _Feed(BaseModel):
    x: str = Field(validation_alias=AliasChoices("x", "image"))


class _Body(BaseModel):
    """A request to a web service (`feed`, `fetch`), or to the Pipeline service (`key`, `value`).

    Of a list the first thing that is wrong is told: a body has room for millions.
    """

    feed: Annotated[list[_Feed], Field(fail_fast=True)] | None = None
    fetch: Any = None
    key: Annotated[list[str], Field(fail_fast=True)] | None = None
    value: Annotated[list[str], Field(fail_fast=True)] | None = None


@dataclass(frozen=True)
class _Answer:
    """What a service says: `key` names it, as text in a Pipeline service's answer, else as it is."""

    web: tuple[str, Any]
    pipeline: tuple[str, Any]


class PaddleServing(Way):
    """POST /ocr/prediction. An error is told in both forms at once, since a body may be of neither."""

    name = "paddle_serving"
    paths = (f"/{SERVICE}/",)  # /ocr itself is PaddleX's

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._endpoint = _ENDPOINTS[gateway.settings.paddle_serving_service]

    def error(self, refusal: Refusal, body: bytes) -> Response:
        """Say what is wrong, as the result of a web service, and as the error of a Pipeline service."""
        is_malformed = isinstance(refusal, NotUnderstood) and refusal.details
        content = {"result": str(refusal), **_pipeline_error(refusal)}
        return JSONResponse(content, 400 if is_malformed else refusal.status)

    def router(self) -> APIRouter:
        """Return the address."""
        router = APIRouter()

        @router.post("/{service}/prediction", openapi_extra=json_body(_Body))
        async def prediction(service: str, request: Request) -> Response:
            """Read a picture as Paddle Serving's OCR services do."""
            if service != SERVICE:
                unknown = NoSuchAddress(f'there is no service "{service[:60]}": send to /{SERVICE}/prediction')
                return refused(self, unknown, body_of(request))
            body = parsed(request, _Body)
            if body.key is None and body.value is None:
                key, value = (await self._answer(_fed(body, self._endpoint))).web
                return JSONResponse({"result": {key: value}})
            try:
                key, value = (await self._answer([_picture(body)])).pipeline
            except InvalidInput as error:  # which a Pipeline service tells in its answer
                self._gateway.metrics.refused(self.name, NotUnderstood.status)
                return JSONResponse(_pipeline_error(refusal_of(error)))
            return JSONResponse(_pipeline(key=[key], value=[str(value)]))

        return router

    async def _answer(self, pictures: list[bytes]) -> _Answer:
        """What the service says of pictures, given as base64 text."""
        options = _OPTIONS.get(self._endpoint, {})
        result = await self._gateway.documents.read(self._endpoint, pictures, options)
        if isinstance(result, RecognitionResult):
            read = ("res", list(result.texts))
            return _Answer(web=read, pipeline=read)
        boxes = plain_boxes(result.boxes)
        order = order_of(boxes).tolist()
        quads: list[Any] = boxes[order].tolist()
        if not isinstance(result, OcrResult):
            found = ("dt_boxes", quads)
            return _Answer(web=found, pipeline=found)
        texts, scores = result.texts, result.to_dict()["scores"]
        lines = [[(texts[line], scores[line]), quad] for line, quad in zip(order, quads, strict=True)]
        return _Answer(web=("res", [texts[line] for line in order]), pipeline=("result", lines))


def _fed(body: _Body, endpoint: Endpoint) -> list[bytes]:
    """The pictures of a request to a web service; all but that of lines look at the first one alone.

    Raises:
        NotUnderstood: there are none, or nothing is to be fetched.
    """
    if body.feed is None or "fetch" not in body.model_fields_set:
        raise _malformed('send {"feed": [{"x": BASE64}], "fetch": ["res"]}, or {"key": ["image"], "value": [BASE64]}')
    if not body.feed:
        raise NotUnderstood("feed: at least one picture expected, got none")
    return [item.x.encode() for item in (body.feed if endpoint == RECOGNITION else body.feed[:1])]


def _picture(body: _Body) -> bytes:
    """The picture of a request to a Pipeline service.

    Raises:
        NotUnderstood: there is not just one.
    """
    keys, values = body.key or [], body.value or []
    if len(keys) != 1 or len(values) != 1:
        raise NotUnderstood(f"one key with one value, a picture, expected; got {len(keys)} and {len(values)}")
    return values[0].encode()


def _malformed(sentence: str) -> NotUnderstood:
    return NotUnderstood(sentence, details=[{"type": "missing", "loc": [], "msg": sentence}])


def _pipeline(
    err_no: int = 0, err_msg: str = "", key: list[str] | None = None, value: list[str] | None = None
) -> dict[str, Any]:
    return {"err_no": err_no, "err_msg": err_msg, "key": key or [], "value": value or [], "tensors": []}


def _pipeline_error(refusal: Refusal) -> dict[str, Any]:
    default = _INPUT if refusal.status < 500 else _OTHER
    return _pipeline(_ERROR_OF_STATUS.get(refusal.status, default), str(refusal))
