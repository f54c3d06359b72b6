"""Everything this library raises on purpose.

OcrClientError
├── ServerUnreachableError   nobody answers at the URL: refused, unknown host, connection lost
├── ServerTimeoutError       the server did not answer within timeout_s
├── ServerNotReadyError      a server answers, but cannot serve the endpoint now (HTTP 404, 429, 503)
├── BadRequestError          the server refused this request: INVALID_ARG, HTTP 400
├── ServerFailureError       the server failed on this request: INTERNAL, HTTP 5xx
├── BadResponseError         the answer breaks the endpoint's contract
├── ImageError               a picture cannot be read, or encoded, on this side
├── FontError                no font to letter an overlay with
└── UsageError               url, protocol, option or call order that cannot work

Errors of tritonclient, gRPC, aiohttp and sockets never leave the library: they are the `__cause__` of these.
"""

from __future__ import annotations


class OcrClientError(Exception):
    """Base of every error of this library."""


class ServerUnreachableError(OcrClientError):
    """Nobody answers at the URL: connection refused, unknown host, TLS failure or a connection that broke."""


class ServerTimeoutError(OcrClientError):
    """The server did not answer within `timeout_s`."""


class ServerNotReadyError(OcrClientError):
    """A server answers at the URL, but the endpoint is not loaded, is overloaded or is stopping."""


class BadRequestError(OcrClientError):
    """The server refused the request (INVALID_ARG, HTTP 400): not an image, too large, a wrong option."""


class ServerFailureError(OcrClientError):
    """The server accepted the request and failed on it (INTERNAL, HTTP 5xx)."""


class BadResponseError(OcrClientError):
    """The answer is not what the endpoint promises: a tensor is missing, or lengths and shapes disagree."""


class ImageError(OcrClientError):
    """A picture cannot be read from its file, or an array is not a picture."""


class FontError(OcrClientError):
    """The font that overlays are lettered in is missing or is not a font."""


class UsageError(OcrClientError):
    """The caller asked for something that cannot work: a malformed URL, an unknown protocol, a closed client."""
