"""How requests cross the network. A transport knows its protocol, and nothing of pictures, results or retries.

Each has `infer(request, limit_s)`, `ready(model, limit_s)` and `close()`, and raises an OcrClientError after `limit_s`
seconds, or before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ocr_client.address import Address
from ocr_client.transports.failures import Failures
from ocr_client.transports.http import AsyncHttpTransport, HttpTransport

if TYPE_CHECKING:
    from ocr_client.transports.grpc import AsyncGrpcTransport, GrpcTransport


def open_transport(address: Address, headers: Mapping[str, str], timeout_s: float) -> HttpTransport | GrpcTransport:
    """A blocking transport; nothing is connected yet. `timeout_s` is for messages."""
    failures = Failures(address.url, timeout_s)
    if address.protocol == "http":
        return HttpTransport(address, headers, failures)
    from ocr_client.transports.grpc import GrpcTransport  # noqa: PLC0415 -- grpcio takes a while to import

    return GrpcTransport(address, headers, failures)


def open_async_transport(
    address: Address, headers: Mapping[str, str], timeout_s: float
) -> AsyncHttpTransport | AsyncGrpcTransport:
    """A transport for asyncio; nothing is connected yet. `timeout_s` is for messages."""
    failures = Failures(address.url, timeout_s)
    if address.protocol == "http":
        return AsyncHttpTransport(address, headers, failures)
    from ocr_client.transports.grpc import AsyncGrpcTransport  # noqa: PLC0415

    return AsyncGrpcTransport(address, headers, failures)
