"""The input data file of perf_analyzer: its `--input-data`, of pictures as they lie in files.

It is a JSON document {"data": [entry, ...]} with an entry for each request, which perf_analyzer sends one after the
other, over and over. What an entry holds depends on what is asked:

    TENSOR    infer, over HTTP or gRPC: the bytes of the files in the endpoint's BYTES tensor
    GENERATE  generate, over HTTP: the JSON body, with the files as base64 text
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from ocr_bench.errors import BenchError
from ocr_contract.errors import OcrError
from ocr_contract.options import DETECTION, OCR, RECOGNITION
from ocr_pipeline.stages.decode import decode_image


class Endpoint(str, Enum):
    """What is asked; the endpoints that take files."""

    OCR = OCR
    DETECTION = DETECTION
    RECOGNITION = RECOGNITION


class Form(str, Enum):
    """How it is asked."""

    TENSOR = "tensor"
    GENERATE = "generate"


def write_input(
    pictures: Sequence[Path],
    file: Path,
    endpoint: Endpoint = Endpoint.OCR,
    form: Form = Form.TENSOR,
    lines: int = 1,
) -> int:
    """Write the input data file.

    Args:
        pictures: files that the server reads; a line of text each for text_recognition.
        file: is written; folders above it are made.
        endpoint: what is asked.
        form: how it is asked.
        lines: pictures a request of text_recognition, the last request may have fewer; the others take one.

    Returns:
        number of requests

    Raises:
        BenchError: several pictures a request for an endpoint that takes one, a file that the server would refuse, or
            one that cannot be read or written.
    """
    if lines > 1 and endpoint is not Endpoint.RECOGNITION:
        raise BenchError(f"a request of {endpoint.value} has one picture; only {RECOGNITION} takes several lines")
    try:
        contents = [_readable(path) for path in pictures]
        requests = [contents[first : first + lines] for first in range(0, len(contents), lines)]
        entry = _tensor if form is Form.TENSOR else _body
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"data": [entry(endpoint, request) for request in requests]}), encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{error.filename or file} cannot be read or written: {error.strerror}") from error
    return len(requests)


def arguments(file: Path, endpoint: Endpoint, form: Form) -> list[str]:
    """What perf_analyzer has to be told so that it sends the file."""
    told = ["-m", endpoint.value, "--input-data", str(file)]
    if form is Form.GENERATE:  # the only kind of service for which it sends a body as it stands, and only like this
        told += ["--service-kind", "openai", "--endpoint", f"v2/models/{endpoint.value}/generate", "--async"]
    return told


def _readable(path: Path) -> bytes:
    """The bytes of a file, which is tried as the server will: perf_analyzer would not say which file was refused."""
    content = path.read_bytes()
    try:
        decode_image(content)
    except OcrError as error:
        raise BenchError(f"{path}: {error}") from error
    return content


def _tensor(endpoint: Endpoint, request: Sequence[bytes]) -> dict[str, Any]:
    """perf_analyzer sends what it decodes from `b64` as it is, so a BYTES element brings its length along: four bytes,
    little endian.
    """
    elements = b"".join(struct.pack("<I", len(content)) + content for content in request)
    return {_input_of(endpoint): {"b64": _base64(elements), "shape": [len(request)]}}


def _body(endpoint: Endpoint, request: Sequence[bytes]) -> dict[str, Any]:
    texts = [_base64(content) for content in request]
    return {"payload": [{_input_of(endpoint): texts if endpoint is Endpoint.RECOGNITION else texts[0]}]}


def _input_of(endpoint: Endpoint) -> str:
    return "images" if endpoint is Endpoint.RECOGNITION else "image"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
