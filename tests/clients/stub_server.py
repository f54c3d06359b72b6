"""HTTP servers that answer as a test says, any number of connections at a time."""

import http.server
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any


class StubServer:
    """A server whose answers are a function's.

    Attributes:
        asked: how many requests have come.
        looked: how often it was asked whether it is ready, or its model.
        ready: what it says then; None for nothing at all.
        headers: of the last request.
    """

    def __init__(self, answer: Callable[["Exchange"], None], port: int = 0) -> None:
        self.asked, self.looked = 0, 0
        self.ready: bool | None = True
        self.headers: dict[str, str] = {}
        self.over = threading.Event()
        self._answer = answer
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stub.looked += 1
                if stub.ready is None:
                    stub.over.wait(20)
                Exchange(self, stub.over).say(200 if stub.ready else 400)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                stub.asked += 1
                stub.headers = dict(self.headers)
                stub._answer(Exchange(self, stub.over))

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A client has hung up."""

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop to listen; what is under way is let go."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Exchange:
    """A request and what becomes of it."""

    def __init__(self, handler: http.server.BaseHTTPRequestHandler, over: threading.Event) -> None:
        self._handler = handler
        self.over = over

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer, and close the connection: a server that stops is then really gone."""
        handler = self._handler
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    def hang_up(self) -> None:
        """Break the connection by a reset."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True
