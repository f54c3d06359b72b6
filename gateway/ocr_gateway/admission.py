"""Who is let in, with how much, and for how long: the same for every protocol, before any of them sees a request."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import anyio
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocr_gateway.gateway import Gateway
from ocr_gateway.headers import add_headers
from ocr_gateway.logs import FIELDS
from ocr_gateway.refusals import (
    BodyTooLarge,
    BodyTooLate,
    Failed,
    NotAuthorized,
    NotFromHere,
    Refusal,
    Stopping,
    TooBusy,
    TooLate,
)
from ocr_gateway.requests import HEADER as REQUEST_ID
from ocr_gateway.requests import begin
from ocr_gateway.ways.way import BODY, TIME_LIMIT, Way, refused, way_of

HUNG_UP = 499  # status of a request whose client did not wait for it, in metrics and log; nginx's
_WITH_BODY = frozenset({"POST", "PUT"})
_OPEN_PATHS = ("/", "/about", "/health", "/health/live", "/health/ready", "/favicon.ico")
_OPEN_FOLDER = "/web/"
# A refused client that is still sending gets to read why only if its body is taken off it, for so long.
_DRAIN_S = 10.0

# A body may take so many seconds, and one more for every so many bytes of it.
BODY_GRACE_S = 30.0
SLOWEST_BODY = 4096

_PIECE = 64 << 10  # bytes of an answer
_LOGGED_PATH = 200  # characters

_log = logging.getLogger(__name__)


class Admission:
    """ASGI middleware: token, requests in flight, size of the body, time limit, clients that hang up, metrics, log.

    The body is read here as a whole; what stands behind gets it in one piece.
    """

    def __init__(self, app: ASGIApp, *, gateway: Gateway, ways: Sequence[Way]) -> None:
        self._app = app
        self._settings = gateway.settings
        self._metrics = gateway.metrics
        self._time_limits = gateway.time_limits
        self._ways = ways
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, receive, send)
        way = way_of(self._ways, scope["path"])
        begin(request.header(REQUEST_ID), way.name)
        started = time.perf_counter()
        try:
            try:
                self._check_token(request)
                if scope["method"] in _WITH_BODY:
                    await self._admit(request)
                else:
                    await self._app(scope, receive, request.send)
            except Refusal as refusal:
                if request.status is None:
                    await request.refuse(way, refusal)
            except Exception:
                if request.status is not None:
                    raise  # the answer has begun, and is cut
                _log.exception("a fault of the gateway itself")
                await request.refuse(way, Failed())
        finally:
            self._note(request, way, time.perf_counter() - started)

    def _note(self, request: _Request, way: Way, seconds: float) -> None:
        status = request.status or HUNG_UP
        self._metrics.answered(way.name, status, seconds)
        if status >= 400:
            self._metrics.refused(way.name, status)
        method, path, ms = request.scope["method"], loggable(request.scope["path"]), round(seconds * 1000)
        fields = {"protocol": way.name, "method": method, "path": path, "status": status, "ms": ms}
        _log.info("%s %s %s %d ms", method, path, status, ms, extra={FIELDS: fields})

    def _check_token(self, request: _Request) -> None:
        token, path = self._settings.token, request.scope["path"]
        if token is None or path in _OPEN_PATHS or path.startswith(_OPEN_FOLDER):
            return
        given = request.header("authorization") or ""
        scheme, _, credentials = given.partition(" ")
        is_right = hmac.compare_digest(credentials.strip().encode("latin-1"), token.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise NotAuthorized("this gateway wants a token: send the header Authorization: Bearer TOKEN")

    async def _admit(self, request: _Request) -> None:
        if request.header("sec-fetch-site") == "cross-site":
            raise NotFromHere("pages of other sites may not send requests to this gateway")
        most = self._settings.max_requests
        if self._in_flight >= most:
            raise TooBusy(f"{most} requests are in flight, which is the limit; try again")
        self._in_flight += 1
        self._metrics.in_flight(self._in_flight)
        try:
            with self._time_limits.begin() as limit:
                with limit.scope() as scope:
                    request.scope.setdefault("state", {})[TIME_LIMIT] = limit
                    await request.read_body(self._settings.max_body_bytes)
                    await request.run(self._app)
                if scope.cancelled_caught:
                    if not request.is_read and isinstance(limit.reason, TooLate):
                        seconds = self._settings.timeout_s
                        raise BodyTooLate(f"the body was not there within {seconds:g} s, which is the limit")
                    raise limit.reason
        finally:
            self._in_flight -= 1
            self._metrics.in_flight(self._in_flight)


def loggable(path: str) -> str:
    """A path as it stands in the log: no line break, no command to a terminal, and not longer than a line."""
    return quote(path[:_LOGGED_PATH])


class _Request:
    """One request on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.body = b""
        self.is_read = scope["method"] not in _WITH_BODY
        self.status: int | None = None
        self._receive = receive
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a part of the answer.

        Long parts go piece by piece, each when the one before is on its way: what is not taken is not held in memory
        twice, and an answer has not ended before its client has taken nearly all of it.
        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
            add_headers(MutableHeaders(scope=message))
        body = memoryview(message.get("body", b""))
        while len(body) > _PIECE:
            await self._send({"type": "http.response.body", "body": bytes(body[:_PIECE]), "more_body": True})
            body = body[_PIECE:]
        await self._send({**message, "body": bytes(body)} if "body" in message else message)

    def header(self, name: str) -> str | None:
        """The first header of a name, in Latin-1; None where there is none."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == wanted), None)

    async def read_body(self, limit: int) -> None:
        """Read all of it.

        Raises:
            BodyTooLarge: it is longer.
            BodyTooLate: it comes too slowly.
        """
        too_large = BodyTooLarge(f"the body of the request is longer than {limit:,} bytes, which is the limit")
        if any(name == b"content-length" and int(value) > limit for name, value in self.scope["headers"]):
            raise too_large
        parts, length = [], 0
        started = anyio.current_time()
        while not self.is_read:
            message: Message | None = None
            with anyio.CancelScope(deadline=started + BODY_GRACE_S + length / SLOWEST_BODY):
                message = await self._receive()
            if message is None:
                raise BodyTooLate(f"the body of the request came at less than {SLOWEST_BODY:,} bytes a second")
            if message["type"] == "http.disconnect":
                raise Refusal("the client hung up", status=HUNG_UP)
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            if length > limit:
                raise too_large
            self.is_read = not message.get("more_body", False)
        self.body = b"".join(parts)

    async def run(self, app: ASGIApp) -> None:
        """Have it answered; that is ended when the client hangs up."""
        is_given = False
        failure: Exception | None = None

        async def given() -> Message:
            nonlocal is_given
            if is_given:
                await anyio.sleep_forever()
            is_given = True
            return {"type": "http.request", "body": self.body, "more_body": False}

        self.scope["state"][BODY] = self.body
        async with anyio.create_task_group() as group:

            async def until_hung_up() -> None:
                while (await self._receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(until_hung_up)
            try:
                await app(self.scope, given, self.send)
            except Exception as error:  # a group would wrap it
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def refuse(self, way: Way, refusal: Refusal) -> None:
        """Say why it gets no result, in the form of its protocol."""
        response = refused(way, refusal, self.body)
        if self.is_read:
            await response(self.scope, self._receive, self.send)
            return
        head = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        await self.send(head)
        await self.send({"type": "http.response.body", "body": response.body, "more_body": True})
        with anyio.move_on_after(0 if isinstance(refusal, Stopping) else _DRAIN_S):
            await self._drain()
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _drain(self) -> None:
        more = True
        while more:
            message: dict[str, Any] = dict(await self._receive())
            more = message["type"] == "http.request" and message.get("more_body", False)
