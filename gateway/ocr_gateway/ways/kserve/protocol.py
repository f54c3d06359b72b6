"""The KServe V2 protocol over HTTP, as Triton speaks it for the three endpoints: our own clients' and many others'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ocr_client.transports.v2_tensors import HEADER_LENGTH
from ocr_contract import __version__
from ocr_contract.options import TASKS, Endpoint
from ocr_gateway import requests
from ocr_gateway.gateway import Gateway
from ocr_gateway.health import TIMEOUT_S
from ocr_gateway.refusals import NoSuchAddress, NotUnderstood, Refusal, TooLate
from ocr_gateway.time_limits import TimeLimit
from ocr_gateway.ways.kserve.answers import generate_answer, infer_answer
from ocr_gateway.ways.kserve.models import VERSION, metadata
from ocr_gateway.ways.kserve.requests import InferenceRequest
from ocr_gateway.ways.way import TIME_LIMIT, Way, body_of

_MODEL = "/v2/models/{model}"
_PLACES = (_MODEL, _MODEL + "/versions/{version}")
_JSON = {"schema": {"type": "object"}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_INFER = {
    "requestBody": {"required": True, "content": {"application/json": _JSON, "application/octet-stream": _BINARY}}
}
_GENERATE = {"requestBody": {"required": True, "content": {"application/json": _JSON}}}
_BAD_REQUEST = 400  # where this gateway's own addresses answer 422


class KServe(Way):
    """What is under /v2; errors are {"error": sentence}, and bad input is 400, as Triton has it."""

    name = "kserve"
    paths = ("/v2",)

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def error(self, refusal: Refusal, body: bytes) -> Response:
        """Say what is wrong in one sentence."""
        status = _BAD_REQUEST if isinstance(refusal, NotUnderstood) else refusal.status
        return JSONResponse({"error": str(refusal)}, status)

    def router(self) -> APIRouter:
        """Return the addresses."""
        router = APIRouter()
        self._add_health(router)
        for place in _PLACES:
            self._add_model(router, place)
        return router

    def _add_health(self, router: APIRouter) -> None:
        @router.get("/v2")
        async def server() -> dict[str, Any]:
            """Tell what the server is."""
            return {"name": "ocr-gateway", "version": __version__, "extensions": ["binary_tensor_data", "parameters"]}

        @router.get("/v2/health/live")
        async def live() -> dict[str, bool]:
            """Tell that the gateway runs."""
            return {"live": True}

        @router.get("/v2/health/ready")
        async def ready() -> Response:
            """Tell whether a picture was just read right."""
            return _ready(await self._gateway.health.is_ready(), {})

    def _add_model(self, router: APIRouter, place: str) -> None:
        @router.get(place)
        async def model(request: Request) -> dict[str, Any]:
            """Tell the tensors of an endpoint."""
            return metadata(_endpoint(request))

        @router.get(f"{place}/ready")
        async def ready(request: Request) -> Response:
            """Tell whether a request to an endpoint would be answered."""
            endpoint = _endpoint(request)
            return _ready(await self._is_ready(endpoint), {"name": endpoint})

        @router.post(f"{place}/infer", openapi_extra=_INFER)
        async def infer(request: Request) -> Response:
            """Have an endpoint read pictures: tensors in, tensors out, in JSON or as bytes."""
            endpoint, body = _endpoint(request), _plain_body(request)
            asked = _noted(request, InferenceRequest.of_infer(endpoint, body, request.headers.get(HEADER_LENGTH)))
            result = await self._gateway.documents.read(endpoint, asked.pictures, asked.options)
            content, json_size = infer_answer(endpoint, result, asked)
            if json_size is None:
                return Response(content, media_type="application/json")
            return Response(content, media_type="application/octet-stream", headers={HEADER_LENGTH: str(json_size)})

        @router.post(f"{place}/generate", openapi_extra=_GENERATE)
        async def generate(request: Request) -> Response:
            """Have an endpoint read pictures: plain JSON in and out."""
            endpoint = _endpoint(request)
            asked = _noted(request, InferenceRequest.of_generate(endpoint, _plain_body(request)))
            result = await self._gateway.documents.read(endpoint, asked.pictures, asked.options)
            return Response(generate_answer(endpoint, result, asked), media_type="application/json")

    async def _is_ready(self, endpoint: Endpoint) -> bool:
        with anyio.move_on_after(TIMEOUT_S):
            return await self._gateway.backend.reader.is_ready(endpoint) and await self._gateway.health.is_ready()
        return False


def _noted(request: Request, asked: InferenceRequest) -> InferenceRequest:
    """Let a request have the id and the time that it gives itself."""
    requests.name(asked.id)
    if asked.timeout_s is not None:
        limit: TimeLimit = request.scope["state"][TIME_LIMIT]
        too_late = TooLate(f"there was no answer within {asked.timeout_s:g} s, as the parameter timeout asks")
        limit.cut(anyio.current_time() + asked.timeout_s, too_late)
    return asked


def _ready(is_ready: bool, of: Mapping[str, str]) -> Response:
    """The status says it all to Triton's clients; KServe's own read the body, which Triton leaves empty."""
    return JSONResponse({**of, "ready": is_ready}, 200 if is_ready else 503)


def _endpoint(request: Request) -> Endpoint:
    """The endpoint that a path names.

    Raises:
        NoSuchAddress: there is none of that name and version.
    """
    name, version = request.path_params["model"], request.path_params.get("version", VERSION)
    endpoint = next((one for one in TASKS if one == name), None)
    if endpoint is None:
        raise NoSuchAddress(f"unknown model {name[:60]!r}; there are {', '.join(TASKS)}")
    if version != VERSION:
        raise NoSuchAddress(f"model {name!r} has no version {version[:60]!r}, only {VERSION}")
    return endpoint


def _plain_body(request: Request) -> bytes:
    """The body of a request.

    Raises:
        NotUnderstood: it is compressed, and might be of any size.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise NotUnderstood("the body is compressed: send it without Content-Encoding")
    return body_of(request)
