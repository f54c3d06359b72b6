"""One request to an endpoint, free of any protocol, and the options that travel with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from ocr_client.errors import UsageError
from ocr_client.images import Image, image_bytes

OCR, DETECTION, RECOGNITION = "ocr", "text_detection", "text_recognition"
Parameter = str | bool | int | float


class Options(TypedDict, total=False):
    """Options of one request, by PaddleX's names. One that is left out, or None, is the server's default.

    The server knows the names, types and ranges; it refuses what is wrong with BadRequestError.
    """

    text_det_limit_side_len: int | None  # pixels
    text_det_limit_type: str | None  # "min": the short side is scaled up to it; "max": the long side down
    text_det_max_side_limit: int | None  # pixels; the long side is never larger
    text_det_thresh: float | None  # 0..1, a pixel is text
    text_det_box_thresh: float | None  # 0..1, a box is kept
    text_det_unclip_ratio: float | None  # how far a box grows around the text's core
    text_rec_score_thresh: float | None  # 0..1, a text is kept
    use_textline_orientation: bool | None  # turn lines that stand upside down


@dataclass(frozen=True)
class InferRequest:
    """What to ask of which model.

    Attributes:
        model: name of the endpoint.
        input_name: its only input, BYTES [N].
        payload: N byte strings.
        parameters: Triton request parameters.
    """

    model: str
    input_name: str
    payload: tuple[bytes, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def tensor(self) -> npt.NDArray[np.object_]:
        """Return the payload as tritonclient takes it: (N,) object."""
        array = np.empty(len(self.payload), dtype=np.object_)
        array[:] = self.payload
        return array


def ocr_request(image: Image, options: Mapping[str, object]) -> InferRequest:
    """Return the request that reads one picture."""
    return InferRequest(OCR, "image", (image_bytes(image),), parameters(options))


def detection_request(image: Image, options: Mapping[str, object]) -> InferRequest:
    """Return the request that finds the text lines of one picture."""
    return InferRequest(DETECTION, "image", (image_bytes(image),), parameters(options))


def recognition_request(images: Sequence[Image], options: Mapping[str, object]) -> InferRequest:
    """Return the request that reads N pictures of one text line each."""
    if isinstance(images, bytes | bytearray | memoryview | str | np.ndarray):
        raise UsageError("recognize takes a list of line pictures; put a single one into a list")
    return InferRequest(RECOGNITION, "images", tuple(image_bytes(image) for image in images), parameters(options))


def parameters(options: Mapping[str, object]) -> dict[str, Parameter]:
    """Return the options that are set, as the types a Triton request parameter can have.

    Raises:
        UsageError: when a value is of no such type, or is not finite.
    """
    sendable: dict[str, Parameter] = {}
    for name, given in options.items():
        if given is None:
            continue
        value = given.item() if isinstance(given, np.generic) else given
        if not isinstance(value, str | bool | int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise UsageError(f"option {name}: expected a string, a bool or a finite number, got {given!r}")
        sendable[name] = value
    return sendable
