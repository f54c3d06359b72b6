"""The ways a client reaches `ocr`, each with its own clock: HTTP, gRPC, gRPC with system shared memory."""

from __future__ import annotations

import math
import time
import uuid
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Protocol

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

OUTPUTS = {"boxes": np.float32, "texts": np.object_, "scores": np.float32, "box_scores": np.float32}
REQUEST_BYTES = 64 * 2**20  # the server's own limit on an image file
ANSWER_BYTES = 4 * 2**20  # of each output; a page of 10,000 lines stays below
TIMEOUT_S = 600


@dataclass(frozen=True)
class Call:
    """One request: CLOCK_MONOTONIC nanoseconds at its start and when the answer was unpacked; lines read."""

    sent_ns: int
    received_ns: int
    lines: int


class Caller(Protocol):
    """One way to ask."""

    name: str

    def ask(self, data: bytes, request_id: str) -> Call:
        """Send the bytes of a picture and unpack the answer."""

    def close(self) -> None:
        """Close connections and regions."""


def as_tensor(data: bytes) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Wrap bytes as BYTES [1]."""
    array = np.empty(1, np.object_)
    array[0] = data
    return array


class PlainCaller:
    """Tensors inside the message, over HTTP or gRPC."""

    def __init__(self, name: str, module: Any, address: str) -> None:
        self.name = name
        self._module = module
        timeouts = {"network_timeout": TIMEOUT_S, "connection_timeout": TIMEOUT_S}
        self._client = module.InferenceServerClient(address, **(timeouts if module is tritonclient.http else {}))

    def ask(self, data: bytes, request_id: str) -> Call:
        """Send the bytes of a picture and unpack the answer."""
        sent = time.monotonic_ns()
        tensor = self._module.InferInput("image", [1], "BYTES")
        tensor.set_data_from_numpy(as_tensor(data))
        result = self._client.infer("ocr", [tensor], request_id=request_id)
        answer = {name: result.as_numpy(name) for name in OUTPUTS}
        return Call(sent, time.monotonic_ns(), len(answer["boxes"]))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class SharedMemoryCaller:
    """GRPC, tensors in regions of system shared memory that are registered once.

    The regions are Python's own: tritonclient.utils.shared_memory wants pkg_resources, which setuptools 82 dropped.
    """

    name = "Triton gRPC, shared memory"

    def __init__(self, address: str) -> None:
        self._client = tritonclient.grpc.InferenceServerClient(address)
        prefix = f"ocr_bench_{uuid.uuid4().hex}"
        self._regions: dict[str, SharedMemory] = {}
        for name, size in {"image": REQUEST_BYTES, **dict.fromkeys(OUTPUTS, ANSWER_BYTES)}.items():
            region = SharedMemory(f"{prefix}_{name}", create=True, size=size)
            self._regions[name] = region
            self._client.register_system_shared_memory(region.name, f"/{region.name}", size)
        self._outputs = []
        for name in OUTPUTS:
            output = tritonclient.grpc.InferRequestedOutput(name)
            output.set_shared_memory(self._regions[name].name, ANSWER_BYTES)
            self._outputs.append(output)

    def ask(self, data: bytes, request_id: str) -> Call:
        """Put the picture into its region, ask, and unpack the answer from the others."""
        sent = time.monotonic_ns()
        packed = serialize_byte_tensor(as_tensor(data)).item()
        self._buffer("image")[: len(packed)] = packed
        tensor = tritonclient.grpc.InferInput("image", [1], "BYTES")
        tensor.set_shared_memory(self._regions["image"].name, len(packed))
        result = self._client.infer("ocr", [tensor], request_id=request_id, outputs=self._outputs)
        answer = {name: self._unpack(name, list(result.get_output(name).shape)) for name in OUTPUTS}
        return Call(sent, time.monotonic_ns(), len(answer["boxes"]))

    def close(self) -> None:
        """Give the regions back."""
        for region in self._regions.values():
            self._client.unregister_system_shared_memory(region.name)
            region.close()
            region.unlink()
        self._client.close()

    def _buffer(self, name: str) -> memoryview:
        buffer = self._regions[name].buf
        if buffer is None:
            raise ValueError(f"the region {name} is closed")
        return buffer

    def _unpack(self, name: str, shape: list[int]) -> np.ndarray[Any, Any]:
        count, dtype = math.prod(shape), OUTPUTS[name]
        if dtype is np.float32:
            # a copy: the next answer will overwrite the region
            return np.frombuffer(self._buffer(name), dtype, count).reshape(shape).copy()
        return read_texts(self._buffer(name), count).reshape(shape)


def read_texts(buffer: memoryview, count: int) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Read `count` BYTES elements, each with its length before it, from the beginning of a region."""
    end = 0
    for _ in range(count):
        end += 4 + int.from_bytes(buffer[end : end + 4], "little")
    texts: np.ndarray[Any, np.dtype[np.object_]] = deserialize_bytes_tensor(bytes(buffer[:end]))
    return texts


def callers(http: str, grpc: str) -> list[Caller]:
    """Make one of each."""
    return [
        PlainCaller("Triton HTTP", tritonclient.http, http),
        PlainCaller("Triton gRPC", tritonclient.grpc, grpc),
        SharedMemoryCaller(grpc),
    ]
