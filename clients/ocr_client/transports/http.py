"""HTTP, asynchronous and blocking: one transport on aiohttp, which the blocking one runs in a thread's event loop.

tritonclient's own HTTP clients are not used. Both import gevent and geventhttpclient, and the blocking one belongs to
the gevent loop of the thread that made it. Of blocking HTTP libraries none that is in wide use has a time limit for a
request as a whole, looking up the host and an answer that comes byte by byte included; aiohttp has.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import weakref
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from typing import NamedTuple

import aiohttp

from ocr_client.address import Address
from ocr_client.errors import closed_client
from ocr_client.request import InferRequest
from ocr_client.transports import event_loop
from ocr_client.transports.failures import Failures
from ocr_client.transports.v2_codec import decode, encode, error_text
from ocr_client.transports.v2_tensors import HEADER_LENGTH
from ocr_contract.result import Tensors

_PART_BYTES = 256 * 1024


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class AsyncHttpTransport:
    """HTTP/1.1 with kept-alive connections, as many as there are requests under way."""

    def __init__(self, address: Address, headers: Mapping[str, str], failures: Failures) -> None:
        self._address = address
        self._headers = dict(headers)
        self._failures = failures
        self._session: aiohttp.ClientSession | None = None  # made inside the event loop, by the first request
        self._is_closed = False

    async def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request and return the output tensors by name."""
        body, json_size = encode(request, limit_s)
        headers = {
            HEADER_LENGTH: str(json_size),
            "Content-Type": "application/octet-stream",
            "X-Request-ID": request.id,
        }
        answer = await self._send("POST", f"/v2/models/{request.model}/infer", limit_s, body, headers)
        if answer.status != 200:
            raise self._failures.from_status(answer.status, error_text(answer.body), answer.headers.get("Retry-After"))
        size = answer.headers.get(HEADER_LENGTH, "")
        try:
            return decode(answer.body, int(size) if size.isdecimal() else None)
        except ValueError as error:
            raise self._failures.not_an_answer(error) from error

    async def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether the server and the model say that they are ready."""
        until = time.monotonic() + limit_s
        for path in ("/v2/health/ready", f"/v2/models/{model}/ready"):
            if (await self._send("GET", path, until - time.monotonic())).status != 200:
                return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._is_closed:  # by another thread or task, while this one was between two servers
            raise closed_client()
        if self._session is None:
            tls = ssl.create_default_context() if self._address.tls else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=tls), headers=self._headers
            )
        return self._session

    async def _send(
        self, method: str, path: str, limit_s: float, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> _Answer:
        session, scheme = self._open_session(), "https" if self._address.tls else "http"
        url = f"{scheme}://{self._address.authority}{self._address.path}{path}"
        try:
            async with session.request(
                method,
                url,
                data=_in_parts(body) if body else None,
                headers={**(headers or {}), **({"Content-Length": str(len(body))} if body else {})},
                timeout=aiohttp.ClientTimeout(total=max(limit_s, 0.001)),
                allow_redirects=False,
            ) as answer:
                return _Answer(answer.status, answer.headers, await answer.read())
        except asyncio.TimeoutError as error:  # TimeoutError is another class in Python 3.10
            raise self._failures.timed_out() from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise self._failures.unreachable(f"TLS: {error.certificate_error}") from error
        except aiohttp.ClientConnectorError as error:
            raise self._failures.from_os_error(error.os_error) from error
        except OSError as error:
            raise self._failures.from_os_error(error) from error
        except aiohttp.ServerDisconnectedError as error:
            raise self._failures.broken("the connection broke") from error
        except aiohttp.ClientResponseError as error:
            raise self._failures.not_http() from error
        except aiohttp.ClientPayloadError as error:
            raise self._failures.broken("the connection broke amid the answer") from error
        except aiohttp.ClientError as error:
            raise self._failures.unreachable(str(error) or type(error).__name__) from error


class HttpTransport:
    """AsyncHttpTransport for blocking callers, any number of threads at once."""

    def __init__(self, address: Address, headers: Mapping[str, str], failures: Failures) -> None:
        self._inner = AsyncHttpTransport(address, headers, failures)
        # For clients that nobody closes: aiohttp complains of connections that are left open.
        self._finalizer = weakref.finalize(self, _begin_closing, self._inner)

    def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request and return the output tensors by name."""
        return event_loop.run(self._inner.infer(request, limit_s))

    def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether the server and the model say that they are ready."""
        return event_loop.run(self._inner.ready(model, limit_s))

    def begin(self, request: InferRequest, limit_s: float) -> Future[Tensors]:
        """`infer` without waiting; the future's cancel() gives it up."""
        return event_loop.submit(self._inner.infer(request, limit_s))

    def begin_ready(self, model: str, limit_s: float) -> Future[bool]:
        """`ready` without waiting."""
        return event_loop.submit(self._inner.ready(model, limit_s))

    def close(self) -> None:
        """Close the connections."""
        if self._finalizer.detach():
            event_loop.run(self._inner.close())


def _begin_closing(transport: AsyncHttpTransport) -> None:
    """Close without waiting: the garbage collector may call from any thread, the event loop's included."""
    event_loop.submit(transport.close())


async def _in_parts(body: bytes) -> AsyncIterator[memoryview]:
    """A body in parts that the event loop need not copy in order to wait for the socket."""
    view = memoryview(body)
    for start in range(0, len(body), _PART_BYTES):
        yield view[start : start + _PART_BYTES]
