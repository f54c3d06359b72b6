"""One request, as bytes: what a client says, whether a library would say it or not."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tritonclient.grpc import service_pb2

Server = Literal["http", "grpc", "gateway"]
INFER = "/inference.GRPCInferenceService/ModelInfer"
JSON_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Ask:
    """A request.

    Attributes:
        kind: what is hostile about it.
        to: who is asked.
        path: of HTTP, or the method of gRPC.
        body: as it is sent.
        headers: of HTTP.
        method: of HTTP.
        is_large: whether an honest answer may take its time.
    """

    kind: str
    to: Server
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    is_large: bool = False


@dataclass(frozen=True)
class Tensor:
    """A tensor of a request: what is said of it, and its bytes, which need not fit."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: bytes

    def changed(self, **fields: Any) -> Tensor:
        """A tensor with other fields."""
        return replace(self, **fields)


SIZES = {
    "BOOL": 1,
    **{f"{kind}{8 * size}": size for kind in ("UINT", "INT") for size in (1, 2, 4, 8)},
    **{"FP16": 2, "BF16": 2, "FP32": 4, "FP64": 8},
}
DATATYPES = (*SIZES, "BYTES")


def strings(*values: bytes) -> bytes:
    """The bytes of a tensor of strings."""
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def infer_http(
    kind: str,
    model: str,
    tensors: Sequence[Tensor],
    *,
    parameters: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    to: Server = "http",
) -> Ask:
    """An inference request in the binary form of HTTP."""
    described = [
        {
            "name": tensor.name,
            "shape": list(tensor.shape),
            "datatype": tensor.datatype,
            "parameters": {"binary_data_size": len(tensor.data)},
        }
        for tensor in tensors
    ]
    document: dict[str, Any] = {"inputs": described}
    if parameters:
        document["parameters"] = parameters
    if outputs:
        document["outputs"] = [{"name": name} for name in outputs]
    text = json.dumps(document).encode()
    body = b"".join([text, *(tensor.data for tensor in tensors)])
    headers = {JSON_LENGTH: str(len(text)), "Content-Type": "application/octet-stream"}
    return Ask(kind, to, f"/v2/models/{model}/infer", body, headers)


def infer_grpc(
    kind: str,
    model: str,
    tensors: Sequence[Tensor],
    *,
    parameters: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
) -> Ask:
    """An inference request of gRPC."""
    message = service_pb2.ModelInferRequest(model_name=model)
    for tensor in tensors:
        entry = message.inputs.add(name=tensor.name, datatype=tensor.datatype)
        entry.shape.extend(max(min(side, (1 << 63) - 1), -(1 << 63)) for side in tensor.shape)
        message.raw_input_contents.append(tensor.data)
    for name, value in (parameters or {}).items():
        _set(message.parameters[name], value)
    for name in outputs:
        message.outputs.add(name=name)
    return Ask(kind, "grpc", INFER, message.SerializeToString())


def json_body(kind: str, to: Server, path: str, document: Any) -> Ask:
    """A request whose body is JSON; NaN and infinities are written as Python writes them."""
    return Ask(kind, to, path, json.dumps(document).encode(), {"Content-Type": "application/json"})


def _set(parameter: Any, value: Any) -> None:
    if isinstance(value, bool):
        parameter.bool_param = value
    elif isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        parameter.int64_param = value
    elif isinstance(value, float):
        parameter.double_param = value
    else:
        parameter.string_param = value if isinstance(value, str) else json.dumps(value)
