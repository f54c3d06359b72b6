"""Foreign errors (sockets, HTTP status, gRPC status) to errors of this library, every status through one map."""

from __future__ import annotations

import email.utils
import errno
import re
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from ocr_client.errors import (
    AccessDeniedError,
    BadRequestError,
    BadResponseError,
    OcrClientError,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from ocr_contract.errors import TIME_HAS_PASSED


class _Meaning(NamedTuple):
    kind: type[OcrClientError]
    sentence: str  # before what the server said
    retryable: bool = False


_DENIED = _Meaning(AccessDeniedError, "the server at {url} does not let this caller in (status {status})")
_LACKING = _Meaning(ServerNotReadyError, "the server at {url} cannot take the request now")
_BUSY = _LACKING._replace(retryable=True)
_GIVEN_UP = _Meaning(ServerTimeoutError, "the server at {url} gave up (status {status})")
_REFUSED = _Meaning(BadRequestError, "the server refused the request")
_FAILED = _Meaning(ServerFailureError, "the server at {url} failed (status {status})")
_NO_ANSWER = _Meaning(BadResponseError, "the server at {url} sends no answer but the status {status}")
_STATUS = {
    **dict.fromkeys((401, 403, 407), _DENIED),
    **dict.fromkeys((408, 499, 504), _GIVEN_UP),
    **dict.fromkeys((429, 503), _BUSY),
    404: _LACKING,
}
_CLASSES = {4: _REFUSED, 5: _FAILED}
# Triton's words for a Python step that has died: ocr-serve is about to start the server anew.
_DEAD_STEP = re.compile(r"Stub process '[^']*' is not healthy")
_CONNECTION_BROKEN = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ESHUTDOWN)
_GRPC_TO_HTTP = {
    "INVALID_ARGUMENT": 400,
    "OUT_OF_RANGE": 400,
    "FAILED_PRECONDITION": 400,
    "RESOURCE_EXHAUSTED": 429,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}
# gRPC says UNAVAILABLE both for "nobody is there" (its own words, below) and for what Triton calls UNAVAILABLE,
# and RESOURCE_EXHAUSTED both for a message above its limit and for a caller above his.
_GRPC_CONNECTION = re.compile(
    r"failed to connect|connection (refused|reset|timed out)|socket closed|dns resolution|errors resolving"
    r"|recvmsg|sendmsg|goaway|handshake|no route to host|network is unreachable|transport is closing"
    r"|broken pipe|stream removed",
    re.IGNORECASE,
)
_GRPC_NO_HOST = re.compile(r"dns resolution|errors resolving", re.IGNORECASE)
_GRPC_REFUSED = re.compile(r"connection refused", re.IGNORECASE)
_GRPC_NOT_CONNECTED = re.compile(
    r"failed to connect|connection refused|no route to host|network is unreachable", re.IGNORECASE
)
_GRPC_TLS = re.compile(r"handshake", re.IGNORECASE)
_GRPC_TOO_LARGE = re.compile(r"message larger than max", re.IGNORECASE)
_ENSEMBLE = re.compile(r"^in ensemble '[^']*', ")  # Triton's prefix to what a step of an ensemble says


@dataclass(frozen=True)
class Failures:
    """The errors of one client; each method returns one, which the caller raises `from` the foreign error.

    Attributes:
        url: the server's address, for messages.
        timeout_s: seconds that a whole request may take, for messages.
    """

    url: str
    timeout_s: float

    def unreachable(self, reason: str, *, retryable: bool = False, broke: bool = False) -> ServerUnreachableError:
        """The server is not there; says the URL tried and what to do."""
        return ServerUnreachableError(
            f"no server answers at {self.url} ({reason}): "
            "start one with `make serve`, or give the address of yours (url=, --url)",
            retryable=retryable,
            broke=broke,
            reason=reason,
        )

    def broken(self, reason: str) -> ServerUnreachableError:
        """The connection broke before the whole answer was there."""
        return self.unreachable(reason, retryable=True, broke=True)

    def hangs(self) -> ServerUnreachableError:
        """The server has taken a request, and does not even say whether it is ready."""
        return self.broken("it took the request, and keeps silent since")

    def not_http(self) -> ServerUnreachableError:
        """What came back is not HTTP."""
        return self.unreachable("what answers there does not speak HTTP: is it the gRPC port?")

    def timed_out(self) -> ServerTimeoutError:
        """The answer did not come in time."""
        return ServerTimeoutError(
            f"{self.url} did not answer within {self.timeout_s:g} s: "
            "allow more (timeout_s=, --timeout), or send less at once",
            reason=f"no answer within {self.timeout_s:g} s",
        )

    def not_an_answer(self, reason: object) -> BadResponseError:
        """The body of an answer is not an inference answer."""
        return BadResponseError(
            f"the answer of {self.url} is not an inference answer ({reason}): is a Triton server behind it?"
        )

    def from_os_error(self, error: OSError) -> OcrClientError:
        """A socket could not be opened, or broke before an answer came."""
        if isinstance(error, TimeoutError):
            return self.timed_out()
        if isinstance(error, socket.gaierror):
            return self.unreachable("unknown host name")
        if isinstance(error, ssl.SSLError):
            return self.unreachable(f"TLS: {error.reason or error}")
        reason = "connection refused" if isinstance(error, ConnectionRefusedError) else error.strerror
        # aiohttp raises an OSError of its own for a connection that broke, which is no ConnectionError. It has the
        # number of the one behind it, which has none where the connection was lost while the request was being sent.
        is_broken = (
            isinstance(error, ConnectionError)
            or isinstance(error.__cause__, ConnectionError)
            or error.errno in _CONNECTION_BROKEN
        )
        reason = reason or str(error) or type(error).__name__
        if is_broken and not isinstance(error, ConnectionRefusedError):
            return self.broken(reason)
        return self.unreachable(reason, retryable=is_broken)

    def from_status(self, status: int, said: str, retry_after: str | None = None) -> OcrClientError:
        """An HTTP status other than 200.

        Args:
            status: HTTP status code.
            said: what the server said, Triton's `error` where the body holds one.
            retry_after: the header Retry-After.
        """
        meaning = _STATUS.get(status) or _CLASSES.get(status // 100, _NO_ANSWER)
        if meaning is _FAILED and _DEAD_STEP.search(said):
            meaning = _BUSY
        if meaning is _REFUSED and TIME_HAS_PASSED in said:
            meaning = _GIVEN_UP
        sentence = meaning.sentence.format(url=self.url, status=status)
        said = _ENSEMBLE.sub("", said.strip()) or f"HTTP status {status} without a word"
        after_s = _seconds(retry_after) if meaning.retryable else None
        return meaning.kind(f"{sentence}: {said}", retryable=meaning.retryable, retry_after_s=after_s, reason=said)

    def from_grpc(self, error: Any) -> OcrClientError:
        """One of tritonclient.grpc's (InferenceServerException): a gRPC code's name, or none, and a message."""
        said, code = str(error.message() or ""), str(error.status() or "").removeprefix("StatusCode.")
        if code == "DEADLINE_EXCEEDED":
            return self.timed_out()
        if code == "UNAVAILABLE" and _GRPC_NO_HOST.search(said):
            return self.unreachable("unknown host name")
        if code == "UNAVAILABLE" and _GRPC_CONNECTION.search(said):
            reason = "connection refused" if _GRPC_REFUSED.search(said) else said
            broke = not (_GRPC_TLS.search(said) or _GRPC_NOT_CONNECTED.search(said))
            return self.unreachable(reason, retryable=not _GRPC_TLS.search(said), broke=broke)
        if code == "RESOURCE_EXHAUSTED" and _GRPC_TOO_LARGE.search(said):
            return self.from_status(413, said)
        return self.from_status(_GRPC_TO_HTTP.get(code, 500), said) if code else self.not_an_answer(said)


def _seconds(retry_after: str | None) -> float | None:
    """Seconds that the header Retry-After names, as a number or as a date; None where it names none."""
    text = (retry_after or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(email.utils.parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except ValueError:
        return None
