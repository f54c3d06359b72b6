"""One time limit for a whole request, whatever the peer does; the bounds are for a client that hangs."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocr_client import ServerTimeoutError

Peer = Callable[[socket.socket], None]
StartPeer = Callable[[Peer], str]
LIMIT_S, HANGS_S = 0.5, 5.0


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over: peers stop what they do."""
    event = threading.Event()
    yield event
    event.set()


def drip(connection: socket.socket, first: bytes, over: threading.Event) -> None:
    """Send a beginning at once, and then a byte every little while, for ever."""
    try:
        connection.sendall(first)
        while not over.wait(0.05):
            connection.sendall(b"x")
    except OSError:  # the client has gone
        return


def given_up(read: Callable[..., Any], url: str, over: threading.Event, **arguments: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(ServerTimeoutError, match=r"did not answer within 0\.5 s"):
        read(url, timeout_s=LIMIT_S, **arguments)
    assert time.monotonic() - begun < HANGS_S
    over.set()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_peer_that_never_answers_is_given_up(
    read: Callable[..., Any], protocol: str, start_peer: StartPeer, over: threading.Event
) -> None:
    given_up(read, start_peer(lambda _: over.wait(10) and None), over, protocol=protocol)


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"],
    ids=["headers", "body"],
)
def test_a_peer_that_drips_is_given_up(
    read: Callable[..., Any], beginning: bytes, start_peer: StartPeer, receive: Peer, over: threading.Event
) -> None:
    def peer(connection: socket.socket) -> None:
        receive(connection)
        drip(connection, beginning, over)

    given_up(read, start_peer(peer), over)


def test_a_peer_that_drips_grpc_is_given_up(
    read: Callable[..., Any], start_peer: StartPeer, over: threading.Event
) -> None:
    # an empty SETTINGS frame, then a frame of 16 KiB that never ends
    beginning = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\x40\x00\x99\x00\x00\x00\x00\x00"
    given_up(read, start_peer(lambda connection: drip(connection, beginning, over)), over, protocol="grpc")


def test_a_peer_that_does_not_take_the_request_is_given_up(
    read: Callable[..., Any], start_peer: StartPeer, over: threading.Event
) -> None:
    large = bytes(32 * 1024 * 1024)  # more than sockets buffer
    given_up(read, start_peer(lambda _: over.wait(10) and None), over, picture=large)


def test_a_host_that_is_looked_up_for_too_long_is_given_up(
    read: Callable[..., Any], over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object, **__: object) -> list[object]:
        over.wait(2)
        return []

    monkeypatch.setattr("socket.getaddrinfo", slow)
    given_up(read, "ocr.example:8000", over)


def test_retries_lie_within_the_time_limit(
    read: Callable[..., Any], start_peer: StartPeer, receive: Peer, over: threading.Event
) -> None:
    """A peer that hangs up and then keeps silent: the limit is for both tries."""
    connections = []

    def peer(connection: socket.socket) -> None:
        connections.append(connection)
        receive(connection)
        if len(connections) > 1:
            over.wait(10)

    given_up(read, start_peer(peer), over)
    assert len(connections) == 2
