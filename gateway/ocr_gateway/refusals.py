"""Why a request gets no result: what the readers raise, and what the gateway itself refuses, as HTTP says it.

OcrError (ocr_contract.errors)
└── Refusal              has a status, a sentence, and perhaps the seconds after which to try again
    ├── NotAuthorized    401  no token, or a wrong one
    ├── NotFromHere      403  a browser sends it for a page of another site
    ├── NoSuchAddress    404, 405
    ├── BodyTooLate      408  the body was not there in time
    ├── BodyTooLarge     413
    ├── NotUnderstood    422  the request is not what the protocol asks for
    ├── TooBusy          429  too many requests in flight
    ├── Failed           500  the gateway itself has failed
    ├── Stopping         503  the gateway is being stopped
    └── TooLate          504  no answer in time
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ocr_client.errors import (
    AccessDeniedError,
    BadResponseError,
    OcrClientError,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from ocr_contract.errors import InvalidInput, OcrError
from ocr_documents.errors import DocumentError
from ocr_gateway.requests import current_id

RETRY_AFTER_S = 2  # where a server that is down or busy does not say it itself


class Refusal(OcrError):
    """An answer that is an error.

    Attributes:
        status: of HTTP.
        retry_after_s: whole seconds; None where trying again will not help.
    """

    status: int = 500
    retry_after_s: int | None = None

    def __init__(self, message: str, *, status: int | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message.encode("utf-8", "replace").decode())  # it may quote halves of characters
        self.status = self.status if status is None else status
        self.retry_after_s = self.retry_after_s if retry_after_s is None else retry_after_s


class NotAuthorized(Refusal):
    """The request carries no token, or a wrong one."""

    status = 401


class NotFromHere(Refusal):
    """A browser sends the request for a page of another site, which has no business here."""

    status = 403


class NoSuchAddress(Refusal):
    """Nothing is at the path, or nothing that takes the method."""

    status = 404


class BodyTooLate(Refusal):
    """The body of the request was not there in time."""

    status = 408


class BodyTooLarge(Refusal):
    """The body of the request is longer than the gateway takes."""

    status = 413


class NotUnderstood(Refusal, InvalidInput):
    """The request is not what its protocol asks for, or the reader cannot take it.

    Attributes:
        details: pydantic's list of what is wrong with the fields of a JSON body; empty where it is something else.
    """

    status = 422

    def __init__(self, message: str, *, details: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.details = details


class TooBusy(Refusal):
    """Too many requests are in flight."""

    status = 429
    retry_after_s = RETRY_AFTER_S


class Stopping(Refusal):
    """The gateway is being stopped, and the request would not be answered before that."""

    status = 503
    retry_after_s = RETRY_AFTER_S

    def __init__(self) -> None:
        super().__init__("the gateway is being stopped; try again")


class TooLate(Refusal):
    """There was no answer in time."""

    status = 504


class Failed(Refusal):
    """The gateway itself has failed."""

    def __init__(self) -> None:
        super().__init__(f"the gateway failed on this request; its log says why (request_id {current_id()})")


# What is told of a server behind the gateway: not its address, which its own messages name; the log does.
_SERVER_FAILED = "the OCR server failed on this request; its log says why"
_BEHIND: tuple[tuple[type[OcrClientError], int, str], ...] = (
    (ServerUnreachableError, 503, "the OCR server cannot be reached now; try again"),
    (ServerNotReadyError, 503, "the OCR server is not ready, or has too much to do; try again"),
    (ServerTimeoutError, 504, "the OCR server did not answer in time"),
    (AccessDeniedError, 502, "the OCR server does not let the gateway in"),
    (ServerFailureError, 502, _SERVER_FAILED),
    (BadResponseError, 502, _SERVER_FAILED),
)


def refusal_of(error: OcrError) -> Refusal:
    """What a client is told of an error."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, DocumentError):
        return NotUnderstood(f"the document {error}")  # whose messages are about the file that stands before them
    if isinstance(error, InvalidInput):
        return NotUnderstood(str(error))
    for kind, status, sentence in _BEHIND:
        if isinstance(error, kind):
            asked_for = f" (request_id {current_id()})" if sentence is _SERVER_FAILED else ""
            return Refusal(
                sentence + asked_for, status=status, retry_after_s=_retry_after(error) if status == 503 else None
            )
    return Failed()


def _retry_after(error: OcrClientError) -> int:
    return RETRY_AFTER_S if error.retry_after_s is None else max(1, math.ceil(error.retry_after_s))
