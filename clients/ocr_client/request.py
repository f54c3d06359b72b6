"""One request to an endpoint, free of any protocol."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from ocr_client.errors import BadResponseError, UsageError
from ocr_client.picture import picture_bytes
from ocr_contract.errors import InvalidResult
from ocr_contract.options import DETECTION, OCR, RECOGNITION, Value, given_options
from ocr_contract.reader import Picture, check_pictures
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult, Tensors

_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
Result = TypeVar("Result", OcrResult, DetectionResult, RecognitionResult)


@dataclass(frozen=True)
class InferRequest:
    """What to ask of which model.

    Attributes:
        model: name of the endpoint.
        input_name: its only input, BYTES [N].
        payload: N byte strings.
        parameters: Triton request parameters.
        id: names the request in logs, those of the server included.
    """

    model: str
    input_name: str
    payload: tuple[bytes, ...]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Call(Generic[Result]):
    """A request and what its answer is read as.

    Attributes:
        request: what is sent.
        result: class of the answer.
    """

    request: InferRequest
    result: type[Result]

    def read(self, tensors: Tensors) -> Result:
        """The answer's tensors as a result.

        Raises:
            BadResponseError: they are not what the endpoint promises.
        """
        try:
            return self.result.from_tensors(tensors)
        except InvalidResult as error:
            raise BadResponseError(str(error)) from error


def ocr_call(image: Picture, options: Mapping[str, Any], request_id: str | None = None) -> Call[OcrResult]:
    """The call that reads one picture."""
    return Call(_request(OCR, "image", (picture_bytes(image),), options, request_id), OcrResult)


def detection_call(image: Picture, options: Mapping[str, Any], request_id: str | None = None) -> Call[DetectionResult]:
    """The call that finds the text lines of one picture."""
    return Call(_request(DETECTION, "image", (picture_bytes(image),), options, request_id), DetectionResult)


def recognition_call(
    images: Sequence[Picture], options: Mapping[str, Any], request_id: str | None = None
) -> Call[RecognitionResult]:
    """The call that reads N pictures of one text line each."""
    payload = tuple(picture_bytes(image) for image in check_pictures(images))
    return Call(_request(RECOGNITION, "images", payload, options, request_id), RecognitionResult)


def _request(
    model: str, input_name: str, payload: tuple[bytes, ...], options: Mapping[str, Any], request_id: str | None
) -> InferRequest:
    identity = {} if request_id is None else {"id": checked_id(request_id)}
    return InferRequest(model, input_name, payload, parameters(options), **identity)


def checked_id(request_id: str) -> str:
    """`request_id`, seen to be such that every log, header and shell takes it for no more than a name.

    Raises:
        UsageError: it has other characters, or too many.
    """
    if not _ID.fullmatch(request_id):
        raise UsageError(f"request_id: expected 1 to 128 of A-Z a-z 0-9 . _ : / + = @ -, got {request_id[:200]!r}")
    return request_id


def parameters(options: Mapping[str, Any]) -> dict[str, Value]:
    """The options that are set, as the types a Triton request parameter can have; the server knows their ranges.

    Raises:
        UsageError: a value is of no such type, or is not finite.
    """
    sendable: dict[str, Value] = {}
    for name, given in given_options(options).items():
        value = given.item() if isinstance(given, np.generic) else given
        if not isinstance(value, str | bool | int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise UsageError(f"option {name}: expected a string, a bool or a finite number, got {given!r}")
        sendable[name] = value
    return sendable


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """`headers`, seen to be such that can be sent.

    Raises:
        UsageError: one has no name, or a line's end in it.
    """
    for name, value in headers.items():
        if not name.strip() or any(character in name + value for character in "\r\n\0"):
            raise UsageError(f"headers: expected names and values of one line, got {name!r}: {value!r}")
    return headers
