"""The binary form of the KServe V2 protocol over HTTP: a JSON header, then the tensors' bytes.

tritonclient's own codec cannot be had without its HTTP client, which needs gevent. This one writes what the endpoints
take, one BYTES tensor and parameters, and reads any tensor of fixed size or BYTES, in binary or as JSON.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr_client.request import InferRequest
from ocr_contract.result import Tensors

HEADER_LENGTH = "Inference-Header-Content-Length"  # bytes of JSON in a body that goes on with tensors
_TYPES = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
_LENGTH = struct.Struct("<I")  # before each string of a BYTES tensor


def encode(request: InferRequest) -> tuple[bytes, int]:
    """The body of a request, and how many of its bytes are JSON."""
    parts = [part for data in request.payload for part in (_LENGTH.pack(len(data)), data)]
    header = {
        "inputs": [
            {
                "name": request.input_name,
                "shape": [len(request.payload)],
                "datatype": "BYTES",
                "parameters": {"binary_data_size": sum(map(len, parts))},
            }
        ],
        "parameters": {**request.parameters, "binary_data_output": True},
    }
    text = json.dumps(header).encode()
    return b"".join([text, *parts]), len(text)


def decode(body: bytes, json_size: int | None) -> Tensors:
    """The output tensors of an answer by name; texts are arrays of bytes.

    Args:
        body: JSON, then the tensors that it says are binary.
        json_size: bytes of JSON; None when all of it is.

    Raises:
        ValueError: the body is not an inference answer, or its parts contradict each other.
    """
    try:
        header = json.loads(body[:json_size])
        rest = memoryview(body)[len(body) if json_size is None else json_size :]
        tensors = {}
        for output in header["outputs"]:
            kind, shape = output["datatype"], [int(side) for side in output["shape"]]
            size = output.get("parameters", {}).get("binary_data_size")
            if size is None:
                values = _from_json(kind, output["data"])
            else:
                if not 0 <= size <= len(rest):
                    raise ValueError(f"{output['name']} is said to have {size} bytes, and {len(rest)} are left")
                values, rest = _from_bytes(kind, rest[:size]), rest[size:]
            if min(shape, default=1) < 0 or values.size != math.prod(shape):
                raise ValueError(f"{output['name']} is said to be {shape}, and has {values.size} values")
            tensors[str(output["name"])] = values.reshape(shape)
    except (LookupError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return tensors


def error_text(body: bytes) -> str:
    """What a refusal says: Triton's {"error": ...}, else the beginning of the body (a gateway's page)."""
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return " ".join(text.split())[:300]
    return str(document["error"]) if isinstance(document, dict) and "error" in document else text[:300]


def _from_json(kind: str, data: list[Any]) -> npt.NDArray[Any]:
    if kind == "BYTES":
        return _strings([text.encode() for text in data])
    return np.array(data, _TYPES[kind])


def _from_bytes(kind: str, data: memoryview) -> npt.NDArray[Any]:
    if kind != "BYTES":
        return np.frombuffer(data, _TYPES[kind])
    texts = []
    while data:
        end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        if end > len(data):
            raise ValueError("a text is longer than its tensor")
        texts.append(bytes(data[_LENGTH.size : end]))
        data = data[end:]
    return _strings(texts)


def _strings(texts: list[bytes]) -> npt.NDArray[np.object_]:
    array = np.empty(len(texts), np.object_)
    array[:] = texts
    return array
