"""The blocking transports: HTTP over a pool of connections, gRPC over one channel. Both serve many threads at once.

HTTP does not use tritonclient's own connections: they belong to the gevent loop of the thread that opened them, and
one client a thread leaves two file descriptors behind for each thread that ends. Its encoder and decoder are used.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from ocr_client import translate
from ocr_client.codec import grpc_channel_args, grpc_inputs, http_inputs, read_http_body, read_tensors
from ocr_client.endpoint import Endpoint
from ocr_client.errors import OcrClientError
from ocr_client.request import InferRequest
from ocr_contract.result import Tensors


class Transport(Protocol):
    """What OcrClient needs of a protocol."""

    def infer(self, request: InferRequest) -> Tensors:
        """Send a request and return the output tensors by name."""
        ...

    def ready(self, model: str) -> bool:
        """Tell whether the server and the model say that they are ready."""
        ...

    def close(self) -> None:
        """Give up the connections that are not in use."""
        ...


class _Message(NamedTuple):
    """An HTTP request: method, path below the server's own, body and the headers it needs itself."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}


class _Answer(NamedTuple):
    """An HTTP answer: status, body and the header Inference-Header-Content-Length."""

    status: int
    body: bytes
    header_length: str | None


class HttpTransport:
    """HTTP/1.1 with kept-alive connections; a thread holds one only while its request is under way."""

    def __init__(self, endpoint: Endpoint, timeout_s: float, headers: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._headers = dict(headers)
        self._tls = ssl.create_default_context() if endpoint.tls else None
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._closed = False

    def infer(self, request: InferRequest) -> Tensors:
        """Send a request and return the output tensors by name."""
        body, json_size = tritonclient.http.InferenceServerClient.generate_request_body(
            http_inputs(request), parameters=dict(request.parameters)
        )
        headers = {"Inference-Header-Content-Length": str(json_size), "Content-Type": "application/octet-stream"}
        answer = self._send(_Message("POST", f"/v2/models/{request.model}/infer", body, headers))
        if answer.status != 200:
            raise translate.from_http_status(answer.status, error_text(answer.body), self._endpoint.url)
        return read_http_body(answer.body, answer.header_length, self._endpoint)

    def ready(self, model: str) -> bool:
        """Tell whether the server and the model say that they are ready."""
        paths = ("/v2/health/ready", f"/v2/models/{model}/ready")
        return all(self._send(_Message("GET", path)).status == 200 for path in paths)

    def close(self) -> None:
        """Close the idle connections; one in use is closed when its request ends."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for connection in idle:
            connection.close()

    def _send(self, message: _Message) -> _Answer:
        """Return the answer to a message.

        A kept-alive connection that the server closed meanwhile is replaced by a new one, once: reading a picture
        twice does no harm.
        """
        deadline = time.monotonic() + self._timeout_s
        with self._lock:
            idle = self._idle.pop() if self._idle else None
        try:
            if idle is not None:
                with contextlib.suppress(ConnectionError, http.client.BadStatusLine):  # went stale: a new one follows
                    return self._exchange(idle, message, deadline)
            return self._exchange(self._connect(), message, deadline)
        except OSError as error:
            raise translate.from_os_error(error, self._endpoint.url, self._timeout_s) from error
        except http.client.IncompleteRead as error:
            raise translate.unreachable(self._endpoint.url, "the connection broke") from error
        except http.client.HTTPException as error:
            raise translate.not_http(self._endpoint.url) from error

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._endpoint.host, self._endpoint.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)

    def _exchange(self, connection: http.client.HTTPConnection, message: _Message, deadline: float) -> _Answer:
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.request(
                message.method, self._endpoint.path + message.path, message.body, {**self._headers, **message.headers}
            )
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            response = connection.getresponse()
            body = response.read()
        except BaseException:
            connection.close()
            raise
        with self._lock:
            keep = not response.will_close and not self._closed
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()
        return _Answer(response.status, body, response.getheader("Inference-Header-Content-Length"))


class GrpcTransport:
    """gRPC; tritonclient's blocking client may be used from any thread."""

    def __init__(self, endpoint: Endpoint, timeout_s: float, headers: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._headers = {name.lower(): value for name, value in headers.items()}  # gRPC metadata is lower case
        self._client = tritonclient.grpc.InferenceServerClient(
            endpoint.authority, ssl=endpoint.tls, channel_args=grpc_channel_args()
        )

    def infer(self, request: InferRequest) -> Tensors:
        """Send a request and return the output tensors by name."""
        try:
            result = self._client.infer(
                request.model,
                grpc_inputs(request),
                headers=self._headers,
                client_timeout=self._timeout_s,
                parameters=dict(request.parameters),
            )
        except InferenceServerException as error:
            raise self._translated(error) from error
        return read_tensors(result, self._endpoint)

    def ready(self, model: str) -> bool:
        """Tell whether the server and the model say that they are ready."""
        try:
            return bool(
                self._client.is_server_ready(headers=self._headers, client_timeout=self._timeout_s)
                and self._client.is_model_ready(model, headers=self._headers, client_timeout=self._timeout_s)
            )
        except InferenceServerException as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Close the channel."""
        self._client.close()

    def _translated(self, error: InferenceServerException) -> OcrClientError:
        return translate.from_triton(error, self._endpoint.url, self._timeout_s)


def error_text(content: bytes) -> str:
    """Return what a refusal says: Triton's {"error": ...}, else the beginning of the body (a gateway's page)."""
    text = content.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        return " ".join(text.split())[:300]
    return str(document["error"]) if isinstance(document, dict) and "error" in document else text[:300]
