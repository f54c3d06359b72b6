"""What a client says and hears in the binary form of the KServe V2 protocol over HTTP.

tritonclient's own codec cannot be had without its HTTP client, which needs gevent. This one writes what the endpoints
take, one BYTES tensor and parameters, and reads any tensor of fixed size or BYTES, in binary or as JSON.
"""

from __future__ import annotations

import json

from ocr_client.request import InferRequest
from ocr_client.transports.v2_tensors import BYTES, read_tensors, split, string_parts, timeout_us
from ocr_contract.result import Tensors


def encode(request: InferRequest, limit_s: float) -> tuple[bytes, int]:
    """The body of a request that is given up after `limit_s` seconds, and how many of its bytes are JSON."""
    parts = list(string_parts(request.payload))
    header = {
        "id": request.id,
        "inputs": [
            {
                "name": request.input_name,
                "shape": [len(request.payload)],
                "datatype": BYTES,
                "parameters": {"binary_data_size": sum(map(len, parts))},
            }
        ],
        "parameters": {**request.parameters, "timeout": timeout_us(limit_s), "binary_data_output": True},
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
    header, rest = split(body, json_size)
    if not isinstance(header, dict) or not isinstance(header.get("outputs"), list):
        raise ValueError("outputs: a list expected")
    return read_tensors(header["outputs"], rest)


def error_text(body: bytes) -> str:
    """What a refusal says: Triton's {"error": ...}, else the beginning of the body (a gateway's page)."""
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return " ".join(text.split())[:300]
    return str(document["error"]) if isinstance(document, dict) and "error" in document else text[:300]
