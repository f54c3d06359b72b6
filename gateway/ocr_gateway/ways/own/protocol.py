"""The gateway's own addresses beside those that read: the page, what it can do, health, metrics."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from ocr_contract import __version__
from ocr_contract.options import OPTIONS
from ocr_gateway.gateway import Gateway
from ocr_gateway.headers import PAGE_POLICY
from ocr_gateway.refusals import NotUnderstood, Refusal
from ocr_gateway.ways.own.parameters import DPI, FORMATS, TASKS, choice, unique
from ocr_gateway.ways.own.read import add_reading
from ocr_gateway.ways.way import Way

_WEB = files("ocr_gateway") / "web"
_PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}


class Own(Way):
    """Every address that no other protocol has; its errors are {"error": sentence}."""

    name = "gateway"
    paths = ("", "/health/")  # /health itself is PaddleX's

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def error(self, refusal: Refusal, body: bytes) -> Response:
        """Say what is wrong in one sentence."""
        return JSONResponse({"error": str(refusal)}, refusal.status)

    def router(self) -> APIRouter:
        """Return the addresses."""
        router = APIRouter()
        add_reading(router, self._gateway)

        @router.get("/", include_in_schema=False)
        async def page() -> Response:
            """Give the page to look at."""
            return Response(_WEB.joinpath("index.html").read_bytes(), media_type="text/html", headers=_PAGE_HEADERS)

        @router.get("/about")
        async def about() -> dict[str, Any]:
            """Tell what the gateway can do."""
            return _about(self._gateway)

        @router.get("/health/live")
        async def live() -> dict[str, bool]:
            """Tell that the gateway runs."""
            return {"live": True}

        @router.get("/health/ready")
        async def ready(request: Request) -> Response:
            """Tell whether a picture was just read right, or also whether one would be if there were fewer."""
            given = unique(request.query_params.multi_items())
            accepts_busy = choice(given, "accept_busy", "false", ("true", "false")) == "true"
            for unknown in given:
                raise NotUnderstood(f'unknown parameter "{unknown[:60]}"; there is accept_busy')
            is_ready = await self._gateway.health.is_ready(accepts_busy=accepts_busy)
            return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)

        @router.get("/metrics")
        async def metrics() -> Response:
            """Give the figures for Prometheus; who asks again is told whether pictures are read right now."""
            self._gateway.health.look()
            return Response(self._gateway.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

        return router


class PageFiles(StaticFiles):
    """The files of the page."""

    def __init__(self) -> None:
        super().__init__(directory=str(_WEB))

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Give a file, with the headers of the page."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(_PAGE_HEADERS)
        return response


def _about(gateway: Gateway) -> dict[str, Any]:
    settings = gateway.settings
    return {
        "version": __version__,
        "tasks": list(TASKS),
        "formats": {word: form.meaning for word, form in FORMATS.items()},
        "options": [
            {
                "name": name,
                "type": option.range.kind.__name__,
                "expected": option.range.expected,
                "choices": list(option.range.choices),
                "bounds": None if option.range.bounds is None else list(option.range.bounds),
                "default": option.default,
                "meaning": option.meaning,
                "endpoints": sorted(option.endpoints),
            }
            for name, option in OPTIONS.items()
        ],
        "limits": {
            "body_bytes": settings.max_body_bytes,
            "pages": settings.documents.pages,
            "dpi": list(DPI),
            "requests": settings.max_requests,
            "timeout_s": settings.timeout_s,
        },
        "needs_token": settings.token is not None,
    }
