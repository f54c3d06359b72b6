"""What a caller sees when there is no server, another server, or a server that stops answering."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable

import pytest
from tritonclient.utils import InferenceServerException

from ocr_client import (
    AsyncOcrClient,
    BadRequestError,
    BadResponseError,
    OcrClient,
    OcrClientError,
    OcrResult,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
    UsageError,
)
from ocr_client.translate import from_http_status, from_triton

StartPeer = Callable[[Callable[[socket.socket], None]], str]
Read = Callable[[str, str, float], OcrResult]


def blocking(url: str, protocol: str, timeout_s: float) -> OcrResult:
    with OcrClient(url, protocol, timeout_s=timeout_s) as client:
        return client.ocr(b"x")


def awaited(url: str, protocol: str, timeout_s: float) -> OcrResult:
    async def read() -> OcrResult:
        async with AsyncOcrClient(url, protocol, timeout_s=timeout_s) as client:
            return await client.ocr(b"x")

    return asyncio.run(read())


def ready(url: str, protocol: str) -> list[bool]:
    async def ask() -> bool:
        async with AsyncOcrClient(url, protocol, timeout_s=5) as client:
            return await client.is_ready()

    with OcrClient(url, protocol, timeout_s=5) as client:
        return [client.is_ready(), asyncio.run(ask())]


def receive(connection: socket.socket) -> None:
    """Take a whole request: its header, then as many bytes as that says."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65536)):
            return
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-le")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)


def answer(status: str, body: bytes, *headers: str) -> Callable[[socket.socket], None]:
    """A peer that gives every request of a connection this answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""])

    def peer(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(head.encode() + body)

    return peer


BOTH = pytest.mark.parametrize("read", [blocking, awaited])
PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])


@BOTH
@PROTOCOLS
def test_nobody_there_names_the_url_and_how_to_start(read: Read, protocol: str, closed_port: str) -> None:
    with pytest.raises(ServerUnreachableError) as caught:
        read(closed_port, protocol, 5)
    assert f"{protocol}://{closed_port} (connection refused)" in str(caught.value)
    assert "make serve" in str(caught.value)
    assert not isinstance(caught.value.__cause__, OcrClientError)
    assert caught.value.__cause__ is not None


@BOTH
@PROTOCOLS
def test_an_unknown_host_is_said_to_be_unknown(read: Read, protocol: str) -> None:
    with pytest.raises(ServerUnreachableError, match="unknown host name"):
        read("host.invalid:8000", protocol, 20)


@PROTOCOLS
def test_nobody_there_is_not_ready(protocol: str, closed_port: str) -> None:
    assert ready(closed_port, protocol) == [False, False]


@BOTH
@PROTOCOLS
def test_a_peer_that_never_answers_is_given_up_in_time(read: Read, protocol: str, start_peer: StartPeer) -> None:
    done = threading.Event()
    url = start_peer(lambda connection: bool(done.wait(10)))  # type: ignore[arg-type]
    begun = time.monotonic()
    with pytest.raises(ServerTimeoutError, match=r"did not answer within 0\.5 s"):
        read(url, protocol, 0.5)
    assert time.monotonic() - begun < 3
    done.set()


@BOTH
def test_a_peer_that_does_not_speak_http_is_no_server(read: Read, start_peer: StartPeer) -> None:
    def peer(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(b"\x00\x00\x18\x04 what is this\r\n\r\n")

    with pytest.raises(ServerUnreachableError, match="does not speak HTTP"):
        read(start_peer(peer), "http", 5)


@BOTH
def test_a_connection_that_breaks_amid_the_answer_is_an_error(read: Read, start_peer: StartPeer) -> None:
    def peer(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    with pytest.raises(ServerUnreachableError, match="no server answers"):
        read(start_peer(peer), "http", 5)


@BOTH
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad Request", BadRequestError),
        ("413 Payload Too Large", BadRequestError),
        ("404 Not Found", ServerNotReadyError),
        ("503 Service Unavailable", ServerNotReadyError),
        ("500 Internal Server Error", ServerFailureError),
        ("502 Bad Gateway", ServerFailureError),
        ("504 Gateway Timeout", ServerTimeoutError),
    ],
)
def test_a_status_becomes_its_error_with_what_the_server_said(
    read: Read, status: str, kind: type[OcrClientError], start_peer: StartPeer
) -> None:
    with pytest.raises(kind, match="what is wrong"):
        read(start_peer(answer(status, b'{"error": "what is wrong"}')), "http", 5)


@BOTH
def test_a_web_page_in_place_of_an_answer_is_not_taken_for_one(read: Read, start_peer: StartPeer) -> None:
    with pytest.raises(BadResponseError):
        read(start_peer(answer("200 OK", b"<html>welcome</html>")), "http", 5)


@BOTH
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
    read: Read, body: bytes, header: str, start_peer: StartPeer
) -> None:
    headers = [header] if header else []
    with pytest.raises(BadResponseError):
        read(start_peer(answer("200 OK", body, *headers)), "http", 5)


def test_a_page_of_a_gateway_is_quoted_in_short(start_peer: StartPeer) -> None:
    page = b"<html>\n<h1>Bad  gateway</h1>" + b"x" * 5000
    with pytest.raises(ServerFailureError) as caught:
        blocking(start_peer(answer("502 Bad Gateway", page)), "http", 5)
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
        ("message larger than max", "StatusCode.RESOURCE_EXHAUSTED", BadRequestError),
        ("a code of the future", "StatusCode.NEW", ServerFailureError),
        ("cannot decode", None, BadResponseError),
        ("not an image", "400", BadRequestError),
    ],
)
def test_errors_of_tritonclient_become_ours(message: str, status: str | None, kind: type[OcrClientError]) -> None:
    error = from_triton(InferenceServerException(message, status), "grpc://h:1", 5)
    assert type(error) is kind
    assert "grpc://h:1" in str(error) or message in str(error)


def test_a_status_without_a_word_still_says_something() -> None:
    assert "HTTP status 503 without a word" in str(from_http_status(503, "", "http://h:1"))


def test_a_steps_message_is_given_without_tritons_prefix() -> None:
    error = from_http_status(400, "in ensemble 'ocr', image is empty", "http://h:1")
    assert str(error) == "the server refused the request: image is empty"
