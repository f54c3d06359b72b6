"""The ways a client reaches a model: HTTP, gRPC, gRPC with system shared memory."""

from __future__ import annotations

import math
import uuid
from contextlib import ExitStack
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from ocr_bench.runner import REQUEST_TIMEOUT_S
from ocr_contract.options import OCR
from ocr_contract.result import OcrResult

OUTPUTS = OcrResult.tensor_names()
REQUEST_BYTES = 64 * 2**20  # the server's own limit on an image file
ANSWER_BYTES = 4 * 2**20  # of each output; a page of 10,000 lines stays below


class Connection(Protocol):
    """One way to ask a server; for one thread."""

    name: str

    def ask(self, picture: bytes, request_id: str = "") -> OcrResult:
        """Send the bytes of a picture and unpack the answer."""

    def close(self) -> None:
        """Close connections and regions."""


def as_tensor(picture: bytes) -> npt.NDArray[np.object_]:
    """Wrap bytes as BYTES [1]."""
    return np.array([picture], np.object_)


class PlainConnection:
    """Tensors inside the message."""

    def __init__(self, name: str, module: Any, address: str, model: str = OCR) -> None:
        """Connect.

        Args:
            name: for tables.
            module: tritonclient.http or tritonclient.grpc.
            address: host:port.
            model: that is asked, with the tensors of `ocr`.
        """
        self.name, self._module, self._model = name, module, model
        timeouts = dict.fromkeys(("network_timeout", "connection_timeout"), REQUEST_TIMEOUT_S)
        self._client = module.InferenceServerClient(address, **(timeouts if module is tritonclient.http else {}))

    def ask(self, picture: bytes, request_id: str = "") -> OcrResult:
        """Send the bytes of a picture and unpack the answer."""
        tensor = self._module.InferInput("image", [1], "BYTES")
        tensor.set_data_from_numpy(as_tensor(picture))
        result = self._client.infer(self._model, [tensor], request_id=request_id)
        return OcrResult.from_tensors({name: result.as_numpy(name) for name in OUTPUTS})

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class SharedMemoryConnection:
    """GRPC, tensors in regions of system shared memory that are registered once.

    The regions are Python's own: tritonclient.utils.shared_memory wants pkg_resources, which setuptools 82 dropped.
    """

    name = "Triton gRPC, shared memory"

    def __init__(self, address: str) -> None:
        prefix = f"ocr_bench_{uuid.uuid4().hex}"
        sizes = {"image": REQUEST_BYTES, **dict.fromkeys(OUTPUTS, ANSWER_BYTES)}
        with ExitStack() as stack:
            self._client = tritonclient.grpc.InferenceServerClient(address)
            stack.callback(self._client.close)
            self._regions = {name: region(f"{prefix}_{name}", size, stack) for name, size in sizes.items()}
            for each in self._regions.values():
                self._client.register_system_shared_memory(each.name, f"/{each.name}", each.size)
                stack.callback(self._client.unregister_system_shared_memory, each.name)
            self._held = stack.pop_all()
        self._outputs = [tritonclient.grpc.InferRequestedOutput(name) for name in OUTPUTS]
        for name, output in zip(OUTPUTS, self._outputs, strict=True):
            output.set_shared_memory(self._regions[name].name, ANSWER_BYTES)

    def ask(self, picture: bytes, request_id: str = "") -> OcrResult:
        """Put the picture into its region, ask, and unpack the answer from the others."""
        packed = serialize_byte_tensor(as_tensor(picture)).item()
        self._buffer("image")[: len(packed)] = packed
        tensor = tritonclient.grpc.InferInput("image", [1], "BYTES")
        tensor.set_shared_memory(self._regions["image"].name, len(packed))
        result = self._client.infer(OCR, [tensor], request_id=request_id, outputs=self._outputs)
        return OcrResult.from_tensors({name: self._unpack(name, result.get_output(name).shape) for name in OUTPUTS})

    def close(self) -> None:
        """Give the regions back."""
        self._held.close()

    def _buffer(self, name: str) -> memoryview:
        buffer = self._regions[name].buf
        if buffer is None:
            raise ValueError(f"the region {name} is closed")
        return buffer

    def _unpack(self, name: str, shape: list[int]) -> npt.NDArray[Any]:
        count = math.prod(shape)
        if name == "texts":
            return read_texts(self._buffer(name), count)
        # a copy: the next answer will overwrite the region
        return np.frombuffer(self._buffer(name), np.float32, count).reshape(shape).copy()


def region(name: str, size: int, stack: ExitStack) -> SharedMemory:
    """Make a region of shared memory that goes with the stack."""
    made = SharedMemory(name, create=True, size=size)
    stack.callback(made.unlink)
    stack.callback(made.close)
    return made


def read_texts(buffer: memoryview, count: int) -> npt.NDArray[np.object_]:
    """Read `count` BYTES elements, each with its length before it, from the beginning of a region."""
    end = 0
    for _ in range(count):
        end += 4 + int.from_bytes(buffer[end : end + 4], "little")
    return deserialize_bytes_tensor(bytes(buffer[:end]))


def connections(http: str, grpc: str) -> list[Connection]:
    """One of each."""
    return [
        PlainConnection("Triton HTTP", tritonclient.http, http),
        PlainConnection("Triton gRPC", tritonclient.grpc, grpc),
        SharedMemoryConnection(grpc),
    ]
