"""What a caller sees when there is no server, another server, or a server that stops answering."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from tritonclient.utils import InferenceServerException

from ocr_client import (
    AccessDeniedError,
    AsyncOcrClient,
    BadRequestError,
    BadResponseError,
    ImageError,
    OcrClient,
    OcrClientError,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
    UsageError,
)
from ocr_client.transports.failures import Failures
from ocr_contract.errors import TIME_HAS_PASSED, InvalidImage, InvalidInput, InvalidResult, OcrError

Peer = Callable[[socket.socket], None]
StartPeer = Callable[[Peer], str]
Read = Callable[..., Any]

FAILURES = Failures("grpc://h:1", 5)
PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])


def ready(url: str, protocol: str) -> list[bool]:
    async def ask() -> bool:
        async with AsyncOcrClient(url, protocol, timeout_s=5) as client:
            return await client.is_ready()

    with OcrClient(url, protocol, timeout_s=5) as client:
        return [client.is_ready(), asyncio.run(ask())]


@PROTOCOLS
def test_nobody_there_names_the_url_and_how_to_start(read: Read, protocol: str, closed_port: str) -> None:
    with pytest.raises(ServerUnreachableError) as caught:
        read(closed_port, protocol, timeout_s=5)
    assert f"{protocol}://{closed_port} (connection refused)" in str(caught.value)
    assert "make serve" in str(caught.value)
    assert not isinstance(caught.value.__cause__, OcrClientError)
    assert caught.value.__cause__ is not None


@PROTOCOLS
def test_an_unknown_host_is_said_to_be_unknown(read: Read, protocol: str) -> None:
    with pytest.raises(ServerUnreachableError, match="unknown host name"):
        read("host.invalid:8000", protocol, timeout_s=20)


@PROTOCOLS
def test_nobody_there_is_not_ready(protocol: str, closed_port: str) -> None:
    assert ready(closed_port, protocol) == [False, False]


def test_a_peer_that_does_not_speak_http_is_no_server(read: Read, start_peer: StartPeer, receive: Peer) -> None:
    def peer(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(b"\x00\x00\x18\x04 what is this\r\n\r\n")

    with pytest.raises(ServerUnreachableError, match="does not speak HTTP"):
        read(start_peer(peer), timeout_s=5)


def test_a_connection_that_breaks_amid_the_answer_is_an_error(read: Read, start_peer: StartPeer, receive: Peer) -> None:
    def peer(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    with pytest.raises(ServerUnreachableError, match="no server answers"):
        read(start_peer(peer), timeout_s=5)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad Request", BadRequestError),
        ("401 Unauthorized", AccessDeniedError),
        ("403 Forbidden", AccessDeniedError),
        ("408 Request Timeout", ServerTimeoutError),
        ("413 Payload Too Large", BadRequestError),
        ("429 Too Many Requests", ServerNotReadyError),
        ("499 Client Closed Request", ServerTimeoutError),
        ("302 Found", BadResponseError),
        ("404 Not Found", ServerNotReadyError),
        ("503 Service Unavailable", ServerNotReadyError),
        ("500 Internal Server Error", ServerFailureError),
        ("502 Bad Gateway", ServerFailureError),
        ("504 Gateway Timeout", ServerTimeoutError),
    ],
)
def test_a_status_becomes_its_error_with_what_the_server_said(
    read: Read, status: str, kind: type[OcrClientError], start_peer: StartPeer, answering: Callable[..., Peer]
) -> None:
    with pytest.raises(kind, match="what is wrong"):
        read(start_peer(answering(status, b'{"error": "what is wrong"}')), timeout_s=5, retries=0)


def test_a_web_page_in_place_of_an_answer_is_not_taken_for_one(
    read: Read, start_peer: StartPeer, answering: Callable[..., Peer]
) -> None:
    with pytest.raises(BadResponseError):
        read(start_peer(answering("200 OK", b"<html>welcome</html>")), timeout_s=5, retries=0)


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (b'{"outputs": []}', ""),
        (b'{"outputs": [{"name": "boxes", "datatype": "FP32", "shape": [1, 4, 2], "data": [1, 2]}]}', ""),
        (
            b'{"outputs":[{"name":"boxes","datatype":"FP32","shape":[9],"parameters":{"binary_data_size":36}}]}'
            + bytes(5),
            "Inference-Header-Content-Length: 98",
        ),
        (b"[]", ""),
    ],
)
def test_an_answer_that_contradicts_itself_is_an_error(
    read: Read, body: bytes, header: str, start_peer: StartPeer, answering: Callable[..., Peer]
) -> None:
    headers = [header] if header else []
    with pytest.raises(BadResponseError):
        read(start_peer(answering("200 OK", body, *headers)), timeout_s=5, retries=0)


def test_a_page_of_a_gateway_is_quoted_in_short(
    read: Read, start_peer: StartPeer, answering: Callable[..., Peer]
) -> None:
    page = b"<html>\n<h1>Bad  gateway</h1>" + b"x" * 5000
    with pytest.raises(ServerFailureError) as caught:
        read(start_peer(answering("502 Bad Gateway", page)), timeout_s=5)
    assert "<h1>Bad gateway</h1>" in str(caught.value)
    assert len(str(caught.value)) < 500


@PROTOCOLS
def test_a_closed_client_takes_no_request(protocol: str, closed_port: str) -> None:
    client = OcrClient(closed_port, protocol)
    client.close()
    client.close()
    for ask in (client.is_ready, lambda: client.ocr(b"x")):
        with pytest.raises(UsageError, match="closed"):
            ask()


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("Exceeds maximum queue size", "StatusCode.UNAVAILABLE", ServerNotReadyError),
        ("failed to connect to all addresses", "StatusCode.UNAVAILABLE", ServerUnreachableError),
        ("Socket closed", "StatusCode.UNAVAILABLE", ServerUnreachableError),
        ("Deadline Exceeded", "StatusCode.DEADLINE_EXCEEDED", ServerTimeoutError),
        ("not an image", "StatusCode.INVALID_ARGUMENT", BadRequestError),
        ("unknown model", "StatusCode.NOT_FOUND", ServerNotReadyError),
        ("Stub process is not healthy", "StatusCode.INTERNAL", ServerFailureError),
        ("Received message larger than max (9 vs. 4)", "StatusCode.RESOURCE_EXHAUSTED", BadRequestError),
        ("over quota", "StatusCode.RESOURCE_EXHAUSTED", ServerNotReadyError),
        ("no token", "StatusCode.UNAUTHENTICATED", AccessDeniedError),
        ("not yours", "StatusCode.PERMISSION_DENIED", AccessDeniedError),
        ("given up", "StatusCode.CANCELLED", ServerTimeoutError),
        ("a code of the future", "StatusCode.NEW", ServerFailureError),
        ("cannot decode", None, BadResponseError),
    ],
)
def test_errors_of_grpc_become_ours(message: str, status: str | None, kind: type[OcrClientError]) -> None:
    error = FAILURES.from_grpc(InferenceServerException(message, status))
    assert type(error) is kind
    assert "grpc://h:1" in str(error) or message in str(error)


def test_a_status_without_a_word_still_says_something() -> None:
    assert "HTTP status 503 without a word" in str(FAILURES.from_status(503, ""))


def test_a_steps_message_is_given_without_tritons_prefix() -> None:
    error = FAILURES.from_status(400, "in ensemble 'ocr', image is empty")
    assert str(error) == "the server refused the request: image is empty"


def test_a_callers_mistake_is_the_same_class_for_every_reader() -> None:
    for kind, base in (
        (BadRequestError, InvalidInput),
        (BadResponseError, InvalidResult),
        (ImageError, InvalidImage),
        (OcrClientError, OcrError),
    ):
        assert issubclass(kind, base)
    assert not issubclass(AccessDeniedError, InvalidInput)


def test_a_request_whose_own_time_has_passed_is_late_and_not_refused() -> None:
    for late in (FAILURES.from_status(400, f"in ensemble 'ocr', {TIME_HAS_PASSED}"), FAILURES.from_status(499, "")):
        assert isinstance(late, ServerTimeoutError)
        assert not late.retryable
