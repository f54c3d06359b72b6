"""Sending hostile requests, and what came of each."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

import grpc  # type: ignore[import-untyped]

from ocr_bench.hostile.asks import Ask


class Outcome(str, Enum):
    """What came of a request."""

    ANSWERED = "answered"  # with a result
    REFUSED = "refused"  # the request is at fault
    TRITON = "refused by Triton as 500"  # its own parsers say so of a request that is at fault
    LATER = "not now"  # overload, a deadline, a server that starts
    FAILED = "server's fault"
    SILENT = "no answer"


_OF_STATUS = {429: Outcome.LATER, 499: Outcome.LATER, 501: Outcome.REFUSED, 503: Outcome.LATER, 504: Outcome.LATER}
_OF_CODE = {
    **dict.fromkeys((grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS), Outcome.FAILED),
    **dict.fromkeys((grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.ABORTED), Outcome.LATER),
    grpc.StatusCode.DEADLINE_EXCEEDED: Outcome.SILENT,
}
# How Triton 2.51 begins what its parsers and its scheduler refuse, before a model hears of the request.
_TRITONS_OWN = (
    *("Unable to parse ", "failed to parse the request JSON", "attempt to ", "Expected JSON object", "parameter key "),
    *("batch size ", "failed to get request params"),
)


@dataclass(frozen=True)
class Result:
    """A request and what came of it.

    Attributes:
        ask: the request.
        outcome: of it.
        seconds: until the answer was there as a whole.
        status: of HTTP, the name of gRPC's code, or the error of the connection.
        said: the beginning of the answer where it is an error.
    """

    ask: Ask
    outcome: Outcome
    seconds: float
    status: str
    said: str


class Sender:
    """Connections to one server and its gateway; of one thread."""

    def __init__(self, addresses: Mapping[str, str], timeout_s: float) -> None:
        """Connect.

        Args:
            addresses: host:port of "http", "grpc" and "gateway".
            timeout_s: after which a request counts as without an answer.
        """
        self._addresses = addresses
        self._timeout_s = timeout_s
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._channel = grpc.insecure_channel(addresses["grpc"], [("grpc.max_send_message_length", -1)])

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._channel.close()
        for connection in self._connections.values():
            connection.close()

    def send(self, ask: Ask) -> Result:
        """Send a request and wait for what comes of it; nothing is raised."""
        started = time.perf_counter()
        outcome, status, said = self._over_grpc(ask) if ask.to == "grpc" else self._over_http(ask)
        return Result(ask, outcome, time.perf_counter() - started, status, said)

    def _over_grpc(self, ask: Ask) -> tuple[Outcome, str, str]:
        call = self._channel.unary_unary(ask.path, request_serializer=bytes, response_deserializer=bytes)
        try:
            call(ask.body, timeout=self._timeout_s)
        except grpc.RpcError as error:
            code, said = error.code(), str(error.details())
            return _judged(_OF_CODE.get(code, Outcome.REFUSED), said), code.name, said
        return Outcome.ANSWERED, "OK", ""

    def _over_http(self, ask: Ask) -> tuple[Outcome, str, str]:
        while True:
            kept = self._connections.pop(ask.to, None)
            connection = kept or http.client.HTTPConnection(self._addresses[ask.to], timeout=self._timeout_s)
            try:
                connection.request(ask.method, ask.path, ask.body, dict(ask.headers))
                answer = connection.getresponse()
                said = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if kept is None or isinstance(error, TimeoutError):
                    return Outcome.SILENT, type(error).__name__, str(error)
                # else the server has closed a connection that nobody used
        if not answer.will_close:
            self._connections[ask.to] = connection
        if answer.status < http.client.BAD_REQUEST:
            return Outcome.ANSWERED, str(answer.status), ""
        usual = Outcome.FAILED if answer.status >= http.client.INTERNAL_SERVER_ERROR else Outcome.REFUSED
        text = said[:2000].decode("utf-8", "replace")
        return _judged(_OF_STATUS.get(answer.status, usual), text.removeprefix('{"error":"')), str(answer.status), text


def _judged(outcome: Outcome, said: str) -> Outcome:
    return Outcome.TRITON if outcome is Outcome.FAILED and said.startswith(_TRITONS_OWN) else outcome
