"""What the clients' tests share: readers of each kind, a page to read, and peers that are not OCR servers."""

import asyncio
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from ocr_client import AsyncOcrClient, OcrClient, OcrResult
from ocr_client.drawing.fonts import open_font

Peer = Callable[[socket.socket], None]
LINES = ("Invoice 2024-0715", "发票号码88123", "Total: 42.50")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the sample pictures."""
    return Path(__file__).resolve().parent.parent.parent / "samples"


@pytest.fixture(scope="session")
def lines() -> tuple[str, ...]:
    """The texts of `page`."""
    return LINES


@pytest.fixture(scope="session")
def page() -> npt.NDArray[np.uint8]:
    """A white page with three lines, (H, W, 3) uint8 BGR."""
    image = Image.new("RGB", (640, 300), "white")
    for row, text in enumerate(LINES):
        ImageDraw.Draw(image).text((40, 40 + 80 * row), text, fill="black", font=open_font()(36))
    return np.asarray(image)[:, :, ::-1].copy()


@pytest.fixture(scope="session")
def page_png(page: npt.NDArray[np.uint8]) -> bytes:
    """`page` as a file."""
    file = io.BytesIO()
    Image.fromarray(page[:, :, ::-1].copy()).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def url_of(server: Any) -> Callable[[str], str]:
    """The address of the running server for a protocol."""
    return lambda protocol: str(server.http_url if protocol == "http" else server.grpc_url)


@pytest.fixture(params=["http", "grpc"])
def client(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Iterator[OcrClient]:
    """A blocking client of the running server, of either protocol."""
    with OcrClient(url_of(request.param), request.param) as client:
        yield client


@pytest.fixture(params=["blocking", "asyncio"])
def read(request: pytest.FixtureRequest) -> Callable[..., OcrResult]:
    """Read one picture with a client made for it: read(url, protocol, picture, **arguments of the client)."""

    def blocking(url: str, protocol: str = "http", picture: bytes = b"x", **arguments: Any) -> OcrResult:
        with OcrClient(url, protocol, **arguments) as client:
            return client.ocr(picture)

    def awaited(url: str, protocol: str = "http", picture: bytes = b"x", **arguments: Any) -> OcrResult:
        async def work() -> OcrResult:
            async with AsyncOcrClient(url, protocol, **arguments) as client:
                return await client.ocr(picture)

        return asyncio.run(work())

    return blocking if request.param == "blocking" else awaited


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


@pytest.fixture(scope="session")
def receive() -> Peer:
    """Take a whole request from a connection: its header, then as many bytes as that says."""

    def take(connection: socket.socket) -> None:
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

    return take


@pytest.fixture(scope="session")
def answering(receive: Peer) -> Callable[..., Peer]:
    """A peer that gives every request this answer: answering(status, body, *headers)."""

    def make(status: str, body: bytes, *headers: str) -> Peer:
        head = "\r\n".join(
            [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
        )

        def peer(connection: socket.socket) -> None:
            receive(connection)
            connection.sendall(head.encode() + body)

        return peer

    return make


@pytest.fixture(scope="session")
def no_text() -> bytes:
    """What a server answers about a page without text, all of it JSON."""
    shapes = {"boxes": [0, 4, 2], "texts": [0], "scores": [0], "box_scores": [0]}
    kinds = {name: "BYTES" if name == "texts" else "FP32" for name in shapes}
    return json.dumps(
        {"outputs": [{"name": n, "datatype": kinds[n], "shape": shapes[n], "data": []} for n in shapes]}
    ).encode()
