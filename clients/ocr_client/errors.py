"""Everything the clients raise on purpose.

OcrError (ocr_contract.errors)
└── OcrClientError
    ├── ServerUnreachableError   nobody answers at the URL: refused, unknown host, connection lost
    ├── ServerTimeoutError       no answer within timeout_s, or the request was given up on its way (HTTP 408, 499, 504)
    ├── ServerNotReadyError      a server answers, but cannot serve the endpoint now (HTTP 404, 429, 503)
    ├── AccessDeniedError        the server, or a gateway before it, wants other credentials (HTTP 401, 403, 407)
    ├── BadRequestError          the server refused this request (other HTTP 4xx); also an InvalidInput
    ├── ServerFailureError       the server failed on this request (other HTTP 5xx)
    ├── BadResponseError         the answer breaks the endpoint's contract; also an InvalidResult
    ├── ImageError               a picture cannot be read, or encoded, on this side; also an InvalidImage
    ├── FontError                no font to letter an overlay with
    └── UsageError               url, protocol, option or call order that cannot work

What every reader raises for the same cause is a base of these, so that `except InvalidInput` works for any `Reader`.
Errors of aiohttp, tritonclient, gRPC and sockets never leave the library: they are the `__cause__` of these.
"""

from __future__ import annotations

from typing import Any

from ocr_contract.errors import InvalidImage, InvalidInput, InvalidResult, OcrError


class OcrClientError(OcrError):
    """Base of every error of the clients.

    Attributes:
        retryable: whether the same request may be answered if it is sent again a moment later.
        retry_after_s: seconds that the server asks to wait before that; None where it says nothing.
        reason: what is wrong in a few words, without the address, for messages that name several; "" where the whole
            message is that.
    """

    def __init__(
        self, message: str, *, retryable: bool = False, retry_after_s: float | None = None, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.reason = reason


class ServerUnreachableError(OcrClientError):
    """Nobody answers at the URL: connection refused, unknown host, TLS failure or a connection that broke.

    Attributes:
        broke: whether the connection broke under the request: a server may have begun on it.
    """

    def __init__(self, message: str, *, broke: bool = False, **more: Any) -> None:
        super().__init__(message, **more)
        self.broke = broke


class ServerTimeoutError(OcrClientError):
    """There was no answer within `timeout_s`, or a server or gateway gave the request up before that."""


class ServerNotReadyError(OcrClientError):
    """A server answers at the URL, but the endpoint is not loaded, is overloaded or is stopping."""


class AccessDeniedError(OcrClientError):
    """The server, or a gateway before it, does not let this caller in: see `headers`."""


class BadRequestError(OcrClientError, InvalidInput):
    """The server refused the request (INVALID_ARG, HTTP 400): not an image, too large, a wrong option."""


class ServerFailureError(OcrClientError):
    """The server accepted the request and failed on it (INTERNAL, HTTP 5xx)."""


class BadResponseError(OcrClientError, InvalidResult):
    """The answer is not what the endpoint promises: a tensor is missing, or lengths and shapes disagree."""


class ImageError(OcrClientError, InvalidImage):
    """A picture cannot be read from its file, or an array is not a picture."""


class FontError(OcrClientError):
    """The font that overlays are lettered in is missing or is not a font."""


class UsageError(OcrClientError):
    """The caller asked for something that cannot work: a malformed URL, an unknown protocol, a closed client."""


def closed_client() -> UsageError:
    """Return what is raised for a request to a client that has been closed."""
    return UsageError("this client is closed: make another one")
