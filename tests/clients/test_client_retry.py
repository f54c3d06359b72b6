"""What is sent again, how often, and when."""

import email.utils
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.clients.kserve_peer import Kserve, start_kserve

from ocr_client import (
    BadRequestError,
    OcrClient,
    OcrClientError,
    OcrResult,
    ServerFailureError,
    ServerNotReadyError,
    ServerUnreachableError,
)
from ocr_client.retry import Patience
from ocr_client.transports.failures import Failures

Peer = Callable[[socket.socket], None]
StartPeer = Callable[[Peer], str]
Read = Callable[..., Any]
BUSY = "503 Service Unavailable"


@pytest.fixture
def in_turn(start_peer: StartPeer) -> Callable[..., tuple[str, list[Peer]]]:
    """A peer that treats each connection with the next of these, the last one for ever; and the list of those used."""

    def start(*peers: Peer) -> tuple[str, list[Peer]]:
        used: list[Peer] = []

        def peer(connection: socket.socket) -> None:
            used.append(peers[min(len(used), len(peers) - 1)])
            used[-1](connection)

        return start_peer(peer), used

    return start


@pytest.mark.parametrize("status", [BUSY, "429 Too Many Requests"])
def test_a_busy_server_is_asked_again(
    read: Read, status: str, in_turn: Any, answering: Callable[..., Peer], no_text: bytes
) -> None:
    url, used = in_turn(answering(status, b""), answering(status, b""), answering("200 OK", no_text))
    assert read(url) == OcrResult.empty()
    assert len(used) == 3


def test_a_connection_lost_before_an_answer_is_made_again(
    read: Read, in_turn: Any, receive: Peer, answering: Callable[..., Peer], no_text: bytes
) -> None:
    url, used = in_turn(receive, answering("200 OK", no_text))
    assert read(url) == OcrResult.empty()
    assert len(used) == 2


def test_a_connection_lost_while_the_request_is_being_sent_is_made_again(
    read: Read, in_turn: Any, answering: Callable[..., Peer], no_text: bytes
) -> None:
    def kill(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset

    url, used = in_turn(kill, answering("200 OK", no_text))
    assert read(url, picture=bytes(8 << 20)) == OcrResult.empty()
    assert len(used) == 2


def test_a_connection_lost_amid_the_answer_is_made_again(
    read: Read, in_turn: Any, receive: Peer, answering: Callable[..., Peer], no_text: bytes
) -> None:
    def kill(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    url, used = in_turn(kill, answering("200 OK", no_text))
    assert read(url) == OcrResult.empty()
    assert len(used) == 2


def test_a_server_that_is_just_being_started_is_found(
    read: Read, answering: Callable[..., Peer], no_text: bytes
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))

        def serve() -> None:
            time.sleep(0.3)
            listener.listen()
            with listener.accept()[0] as connection:
                answering("200 OK", no_text)(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        assert read(f"127.0.0.1:{listener.getsockname()[1]}", timeout_s=20, retries=20) == OcrResult.empty()
        thread.join()


@pytest.mark.parametrize(
    ("status", "kind"), [("400 Bad Request", BadRequestError), ("500 Internal Server Error", ServerFailureError)]
)
def test_what_was_refused_or_failed_is_not_sent_again(
    read: Read, status: str, kind: type[OcrClientError], in_turn: Any, answering: Callable[..., Peer]
) -> None:
    url, used = in_turn(answering(status, b""))
    with pytest.raises(kind):
        read(url)
    assert len(used) == 1


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_request_is_sent_again_as_often_as_was_said(
    read: Read, retries: int, in_turn: Any, answering: Callable[..., Peer]
) -> None:
    url, used = in_turn(answering(BUSY, b'{"error": "queue full"}'))
    with pytest.raises(ServerNotReadyError, match="queue full"):
        read(url, retries=retries)
    assert len(used) == 1 + retries


def test_the_server_says_when_to_come_back(
    read: Read, in_turn: Any, answering: Callable[..., Peer], no_text: bytes
) -> None:
    url, _ = in_turn(answering(BUSY, b"", "Retry-After: 1"), answering("200 OK", no_text))
    begun = time.monotonic()
    assert read(url) == OcrResult.empty()
    assert time.monotonic() - begun >= 1


def test_a_server_that_wants_more_time_than_there_is_is_given_up_at_once(
    read: Read, in_turn: Any, answering: Callable[..., Peer]
) -> None:
    url, used = in_turn(answering(BUSY, b"", "Retry-After: 3600"))
    with pytest.raises(ServerNotReadyError) as caught:
        read(url)
    assert caught.value.retry_after_s == 3600
    assert len(used) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 0 ", 0), ("Thu, 01 Jan 2015 00:00:00 GMT", 0)],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert Failures("http://h:1", 5).from_status(503, "", header).retry_after_s == seconds
    tomorrow = email.utils.formatdate(time.time() + 86400, usegmt=True)
    assert Failures("http://h:1", 5).from_status(503, "", tomorrow).retry_after_s == pytest.approx(86400, abs=60)


@pytest.mark.parametrize("header", [None, "", "soon", "-5"])
def test_a_retry_after_that_says_nothing_is_passed_over(header: str | None) -> None:
    assert Failures("http://h:1", 5).from_status(503, "", header).retry_after_s is None


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    def busy(left_s: float) -> None:
        raise ServerUnreachableError("refused", retryable=True)

    for _ in range(2):
        with pytest.raises(ServerUnreachableError):
            Patience(timeout_s=600, retries=5).call(busy, "a-name")
    once, again = pauses[:5], pauses[5:]
    assert once == sorted(once)
    assert once != again


def test_a_busy_grpc_server_is_asked_again(read: Read) -> None:
    peer = Kserve()
    server, port = start_kserve(peer)
    assert read(f"127.0.0.1:{port}", "grpc") == OcrResult.empty()
    assert peer.asked == 2
    server.stop(None).wait()


def test_a_grpc_server_that_was_started_anew_is_found_by_a_client_that_has_met_the_old_one() -> None:
    server, port = start_kserve(Kserve())
    with OcrClient(f"127.0.0.1:{port}", "grpc", timeout_s=20, retries=10) as client:
        assert client.ocr(b"x") == OcrResult.empty()
        server.stop(None).wait()
        with pytest.raises(ServerUnreachableError):
            OcrClient(f"127.0.0.1:{port}", "grpc", retries=0).ocr(b"x")
        server, _ = start_kserve(Kserve(), port)
        assert client.ocr(b"x") == OcrResult.empty()
    server.stop(None).wait()


def test_a_kept_connection_that_the_server_has_closed_is_replaced(
    start_peer: StartPeer, receive: Peer, no_text: bytes
) -> None:
    def peer(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(no_text)}\r\n\r\n".encode() + no_text)

    with OcrClient(start_peer(peer)) as client:
        for _ in range(5):
            assert client.ocr(b"x") == OcrResult.empty()
