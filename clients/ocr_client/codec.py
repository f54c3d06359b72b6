"""InferRequest to what tritonclient sends, and its answer to named arrays: one place for all four transports."""

from __future__ import annotations

import struct
from typing import Any

import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from ocr_client.endpoint import Endpoint
from ocr_client.errors import BadResponseError
from ocr_client.request import InferRequest
from ocr_contract.result import Tensors

# What tritonclient raises on an answer that is not what it should be: it trusts what it reads.
MALFORMED = (InferenceServerException, AttributeError, LookupError, TypeError, ValueError, struct.error)


def http_inputs(request: InferRequest) -> list[Any]:
    """Return the request's input as tritonclient.http takes it, to be sent as raw bytes behind the JSON header."""
    tensor = tritonclient.http.InferInput(request.input_name, [len(request.payload)], "BYTES")
    return [tensor.set_data_from_numpy(request.tensor(), binary_data=True)]


def grpc_inputs(request: InferRequest) -> list[Any]:
    """Return the request's input as tritonclient.grpc takes it."""
    tensor = tritonclient.grpc.InferInput(request.input_name, [len(request.payload)], "BYTES")
    return [tensor.set_data_from_numpy(request.tensor())]


def grpc_channel_args() -> list[tuple[str, int]]:
    """Channel options: no limit on message lengths; no proxy from the environment, as with HTTP."""
    return [
        ("grpc.max_send_message_length", tritonclient.grpc.MAX_GRPC_MESSAGE_SIZE),
        ("grpc.max_receive_message_length", tritonclient.grpc.MAX_GRPC_MESSAGE_SIZE),
        ("grpc.enable_http_proxy", 0),
    ]


def read_tensors(result: Any, endpoint: Endpoint) -> Tensors:
    """Return the output tensors of a tritonclient InferResult by name.

    Raises:
        BadResponseError: when the answer does not hold what its own header says.
    """
    try:
        response = result.get_response()
        outputs = response.get("outputs", []) if isinstance(response, dict) else response.outputs
        names = [output["name"] if isinstance(output, dict) else output.name for output in outputs]
        return {name: result.as_numpy(name) for name in names}
    except MALFORMED as error:
        raise BadResponseError(f"the answer of {endpoint.url} cannot be read: {error}") from error


def read_http_body(body: bytes, header_length: str | None, endpoint: Endpoint) -> Tensors:
    """Return the output tensors of an HTTP answer.

    Args:
        body: a JSON header, then the raw tensors.
        header_length: bytes of JSON, from the header Inference-Header-Content-Length; None when all is JSON.
        endpoint: whose answer it is, for the message.

    Raises:
        BadResponseError: when the body is not an inference answer.
    """
    length = int(header_length) if header_length is not None and header_length.isdigit() else None
    try:
        result = tritonclient.http.InferenceServerClient.parse_response_body(body, header_length=length)
    except MALFORMED as error:
        raise not_an_answer(endpoint, error) from error
    return read_tensors(result, endpoint)


def not_an_answer(endpoint: Endpoint, error: Exception) -> BadResponseError:
    """Return the error for a body that is not an inference answer."""
    return BadResponseError(
        f"the answer of {endpoint.url} is not an inference answer ({error}): is a Triton server behind it?"
    )
