"""How requests cross the network. A transport knows its protocol, and nothing of pictures, results or retries.

Each has `infer(request, limit_s)`, `ready(model, limit_s)` and `close()`, and raises an OcrClientError after `limit_s`
seconds, or before. Those of several addresses are one transport too: see ocr_client/balancing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ocr_client.address import Address
from ocr_client.balancing.asynchronous import AsyncBalanced
from ocr_client.balancing.blocking import Balanced
from ocr_client.transports.failures import Failures
from ocr_client.transports.http import AsyncHttpTransport, HttpTransport

if TYPE_CHECKING:
    from ocr_client.transports.grpc import AsyncGrpcTransport, GrpcTransport


def open_transport(
    addresses: Sequence[Address], headers: Mapping[str, str], timeout_s: float
) -> HttpTransport | GrpcTransport | Balanced:
    """A blocking transport; nothing is connected yet. `timeout_s` is for messages."""
    failures = [Failures(each.url, timeout_s) for each in addresses]
    transports = [_open(*each, headers) for each in zip(addresses, failures, strict=True)]
    return transports[0] if len(transports) == 1 else Balanced(transports, failures)


def open_async_transport(
    addresses: Sequence[Address], headers: Mapping[str, str], timeout_s: float
) -> AsyncHttpTransport | AsyncGrpcTransport | AsyncBalanced:
    """A transport for asyncio; nothing is connected yet. `timeout_s` is for messages."""
    failures = [Failures(each.url, timeout_s) for each in addresses]
    transports = [_open_async(*each, headers) for each in zip(addresses, failures, strict=True)]
    return transports[0] if len(transports) == 1 else AsyncBalanced(transports, failures)


def _open(address: Address, failures: Failures, headers: Mapping[str, str]) -> HttpTransport | GrpcTransport:
    if address.protocol == "http":
        return HttpTransport(address, headers, failures)
    from ocr_client.transports.grpc import GrpcTransport  # noqa: PLC0415 -- grpcio takes a while to import

    return GrpcTransport(address, headers, failures)


def _open_async(
    address: Address, failures: Failures, headers: Mapping[str, str]
) -> AsyncHttpTransport | AsyncGrpcTransport:
    if address.protocol == "http":
        return AsyncHttpTransport(address, headers, failures)
    from ocr_client.transports.grpc import AsyncGrpcTransport  # noqa: PLC0415

    return AsyncGrpcTransport(address, headers, failures)
