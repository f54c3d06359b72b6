"""Foreign errors (sockets, HTTP status, gRPC status, tritonclient) to errors of this library.

Each function returns the error; the caller raises it `from` the foreign one.
"""

from __future__ import annotations

import re
import socket
import ssl

from tritonclient.utils import InferenceServerException

from ocr_client.errors import (
    BadRequestError,
    BadResponseError,
    OcrClientError,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
)

# gRPC says UNAVAILABLE both for "nobody is there" (its own words, below) and for what Triton calls UNAVAILABLE.
_GRPC_CONNECTION = re.compile(
    r"failed to connect|connection (refused|reset|timed out)|socket closed|dns resolution|errors resolving"
    r"|recvmsg|sendmsg|goaway|handshake|no route to host|network is unreachable|transport is closing"
    r"|broken pipe|stream removed",
    re.IGNORECASE,
)
_ENSEMBLE = re.compile(r"^in ensemble '[^']*', ")  # Triton's prefix to what a step of an ensemble says
_GRPC_TO_HTTP = {
    "INVALID_ARGUMENT": 400,
    "OUT_OF_RANGE": 400,
    "FAILED_PRECONDITION": 400,
    "RESOURCE_EXHAUSTED": 413,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}


def unreachable(url: str, reason: str) -> ServerUnreachableError:
    """Return the error for a server that is not there, with the URL tried and what to do."""
    return ServerUnreachableError(
        f"no server answers at {url} ({reason}): "
        "start one with `make serve`, or give the address of yours (url=, --url)"
    )


def not_http(url: str) -> ServerUnreachableError:
    """Return the error for an answer that is not HTTP."""
    return unreachable(url, "what answers there does not speak HTTP: is it the gRPC port?")


def timed_out(url: str, timeout_s: float) -> ServerTimeoutError:
    """Return the error for an answer that did not come within timeout_s seconds."""
    return ServerTimeoutError(
        f"{url} did not answer within {timeout_s:g} s: allow more (timeout_s=, --timeout), or send less at once"
    )


def from_os_error(error: OSError, url: str, timeout_s: float) -> OcrClientError:
    """Return the error for a socket that could not be opened, or that broke."""
    if isinstance(error, TimeoutError):
        return timed_out(url, timeout_s)
    if isinstance(error, socket.gaierror):
        return unreachable(url, "unknown host name")
    if isinstance(error, ConnectionRefusedError):
        return unreachable(url, "connection refused")
    if isinstance(error, ssl.SSLError):
        return unreachable(url, f"TLS: {error.reason or error}")
    return unreachable(url, error.strerror or str(error) or type(error).__name__)


def from_http_status(status: int, message: str, url: str) -> OcrClientError:
    """Return the error for an HTTP status other than 200.

    Args:
        status: HTTP status code.
        message: what the server said, Triton's `error` where the body holds one.
        url: the server's address, for the message.
    """
    said = _ENSEMBLE.sub("", message.strip()) or f"HTTP status {status} without a word"
    if status in (404, 429, 503):
        return ServerNotReadyError(f"the server at {url} cannot take the request now: {said}")
    if status in (408, 504):
        return ServerTimeoutError(f"the server at {url} gave up: {said}")
    if 400 <= status < 499:
        return BadRequestError(f"the server refused the request: {said}")
    return ServerFailureError(f"the server at {url} failed (status {status}): {said}")


def from_triton(error: InferenceServerException, url: str, timeout_s: float) -> OcrClientError:
    """Return the error for one of tritonclient's, whose status is an HTTP code, a gRPC code's name or nothing."""
    message, status = str(error.message() or ""), str(error.status() or "")
    if status.isdigit():
        return from_http_status(int(status), message, url)
    code = status.removeprefix("StatusCode.")
    if code == "DEADLINE_EXCEEDED":
        return timed_out(url, timeout_s)
    if code == "UNAVAILABLE" and _GRPC_CONNECTION.search(message):
        return unreachable(url, _short_grpc(message))
    if not code:
        return BadResponseError(f"the answer of {url} cannot be read: {message}")
    return from_http_status(_GRPC_TO_HTTP.get(code, 500), message, url)


def _short_grpc(message: str) -> str:
    """Return gRPC's words on a connection in the words the other transports use."""
    if re.search(r"connection refused", message, re.IGNORECASE):
        return "connection refused"
    if re.search(r"dns resolution|errors resolving", message, re.IGNORECASE):
        return "unknown host name"
    return message
