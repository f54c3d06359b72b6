"""How requests cross the network. A transport knows its protocol, and nothing of pictures, results or retries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ocr_client.address import Address
from ocr_client.request import InferRequest
from ocr_client.transports.failures import Failures
from ocr_client.transports.http import AsyncHttpTransport, HttpTransport
from ocr_contract.result import Tensors


class Transport(Protocol):
    """What OcrClient needs of a protocol. Everything raises an OcrClientError after `limit_s` seconds, or before."""

    def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request and return the output tensors by name."""
        ...

    def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether the server and the model say that they are ready."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class AsyncTransport(Protocol):
    """Transport for asyncio."""

    async def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request and return the output tensors by name."""
        ...

    async def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether the server and the model say that they are ready."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def open_transport(address: Address, headers: Mapping[str, str], timeout_s: float) -> Transport:
    """A blocking transport; nothing is connected yet. `timeout_s` is for messages."""
    failures = Failures(address.url, timeout_s)
    if address.protocol == "http":
        return HttpTransport(address, headers, failures)
    from ocr_client.transports.grpc import GrpcTransport  # noqa: PLC0415 -- grpcio takes a while to import

    return GrpcTransport(address, headers, failures)


def open_async_transport(address: Address, headers: Mapping[str, str], timeout_s: float) -> AsyncTransport:
    """A transport for asyncio; nothing is connected yet. `timeout_s` is for messages."""
    failures = Failures(address.url, timeout_s)
    if address.protocol == "http":
        return AsyncHttpTransport(address, headers, failures)
    from ocr_client.transports.grpc import AsyncGrpcTransport  # noqa: PLC0415

    return AsyncGrpcTransport(address, headers, failures)
