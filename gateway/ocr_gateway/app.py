"""The web application: the ways in, over one reader."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ocr_contract import __version__
from ocr_contract.errors import OcrError
from ocr_gateway.admission import Admission, loggable
from ocr_gateway.gateway import Gateway
from ocr_gateway.metrics import Metrics
from ocr_gateway.readers import Backend
from ocr_gateway.refusals import Failed, NoSuchAddress, Refusal, refusal_of
from ocr_gateway.settings import Settings
from ocr_gateway.ways import WAYS
from ocr_gateway.ways.own import PageFiles
from ocr_gateway.ways.way import body_of, not_understood, refused, way_of

_log = logging.getLogger(__name__)


def create_app(open_backend: Callable[[], Awaitable[Backend]], settings: Settings) -> FastAPI:
    """Make the application.

    Args:
        open_backend: called in the event loop when the application starts; what it opens is closed when that ends.
        settings: what the operator has set.
    """
    gateway = Gateway(settings, Metrics())
    ways = [way(gateway) for way in WAYS]
    gateway.metrics.begin(way.name for way in ways)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        backend = await open_backend()
        gateway.start(backend)
        try:
            yield
        finally:
            await backend.close()

    app = FastAPI(title="ocr-gateway", version=__version__, lifespan=running, docs_url=None, redoc_url=None)
    for way in ways:
        app.include_router(way.router(), tags=[way.name])

    app.mount("/web", PageFiles())
    app.state.gateway = gateway

    async def answer(request: Request, error: Exception) -> Response:
        refusal, path = _refusal(error), request.scope["path"]
        if refusal.status >= 500:
            _log.warning("%s %s: %s: %s", request.method, loggable(path), type(error).__name__, error)
        response = refused(way_of(ways, path), refusal, body_of(request))
        if isinstance(error, HTTPException):
            response.headers.update(error.headers or {})
        return response

    for kind in (OcrError, HTTPException, RequestValidationError):  # admission sees to others
        app.add_exception_handler(kind, answer)
    app.add_middleware(Admission, gateway=gateway, ways=ways)
    return app


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, OcrError):
        return refusal_of(error)
    if isinstance(error, HTTPException):
        return NoSuchAddress(str(error.detail), status=error.status_code)
    if isinstance(error, RequestValidationError):
        return not_understood(error.errors())
    return Failed()
