"""Peers on loopback that are not OCR servers: what a client meets when the address is wrong or the line breaks."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

Peer = Callable[[socket.socket], None]


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address of this machine where nobody listens; held, so that nobody else starts to."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


@pytest.fixture
def start_peer() -> Iterator[Callable[[Peer], str]]:
    """Start a TCP peer that treats every connection with the given function; returns its address."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(peer: Peer) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:  # the test is over
                    return
                with connection:
                    peer(connection)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(10)
