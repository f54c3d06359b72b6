"""`ocr-bench gateway`: what the gateway costs, beside the server's own HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.errors import ServerError
from ocr_bench.process_tree import cpu_s
from ocr_bench.report import Table
from ocr_bench.runner import REQUEST_TIMEOUT_S, Limit, Pictures, Repeats, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import running_gateway, running_server


@dataclass(frozen=True)
class Request:
    """A way to ask: its name in tables, its path, and the body that it sends of a picture."""

    name: str
    path: str
    body: Callable[[bytes], bytes]
    is_gateway: bool = True


def _json(**fields: object) -> Callable[[bytes], bytes]:
    """JSON with the base64 text of the picture in place of the field that is ...."""

    def body(picture: bytes) -> bytes:
        text = base64.b64encode(picture).decode()
        return json.dumps({name: text if value is ... else value for name, value in fields.items()}).encode()

    return body


REQUESTS = (
    Request("Triton, generate", "/v2/models/ocr/generate", _json(image=...), is_gateway=False),
    Request("gateway, generate", "/v2/models/ocr/generate", _json(image=...)),
    Request("gateway, PaddleX", "/ocr", _json(file=..., fileType=1, visualize=False)),
    Request("gateway, /read", "/read", bytes),
)


@dataclass
class Side:
    """What one way to ask has done so far."""

    request: Request
    pictures: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


@dataclass(frozen=True)
class Costs:
    """All ways over the same pictures."""

    pictures: int
    sides: list[Side]


def ask_all(address: str, path: str, bodies: Sequence[bytes], in_flight: int) -> None:
    """Send requests, so many at a time, each over one of as many connections, and wait for their answers.

    Raises:
        ServerError: one is an error.
    """
    own = threading.local()

    def connect() -> None:
        own.connection = http.client.HTTPConnection(address, timeout=REQUEST_TIMEOUT_S)

    def ask(body: bytes) -> None:
        own.connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = own.connection.getresponse()
        said = answer.read()
        if answer.status != HTTPStatus.OK:
            raise ServerError(f"{path} answers {answer.status}: {said[:200]!r}")

    with ThreadPoolExecutor(in_flight, initializer=connect) as threads:
        for _ in threads.map(ask, bodies):
            pass


@dataclass(frozen=True, kw_only=True)
class MeasureGateway(TargetMeasurement[Costs]):
    """The gateway beside the server's own HTTP: the same pictures, in turns."""

    command: ClassVar[str] = "gateway"
    title: ClassVar[str] = "The gateway's cost"

    pictures: Pictures
    limit: Limit = None
    in_flight: Annotated[int, Option(min=1, help="Requests in flight.")] = 4
    repeats: Repeats = 3

    def measure(self, place: Workplace) -> Costs:
        """Ask for all pictures in every way, `repeats` times in turns, after one round that warms."""
        pictures = [path.read_bytes() for path in find_pictures(self.pictures, self.limit)]
        bodies = {request.name: [request.body(picture) for picture in pictures] for request in REQUESTS}
        sides = [Side(request) for request in REQUESTS]
        with ExitStack() as stack:
            server = stack.enter_context(running_server(self.target, place.file("server.log")))
            gateway = stack.enter_context(running_gateway(server, place.file("gateway.log")))
            done = stack.enter_context(place.progress(len(sides) * len(pictures) * (self.repeats + 1)))
            for turn in range(self.repeats + 1):
                first = turn % len(sides)
                for side in (*sides[first:], *sides[:first]):
                    request = side.request
                    address = gateway.http if request.is_gateway else server.http
                    with _measured(side if turn else Side(request), (server.pid, gateway.pid), len(pictures)):
                        ask_all(address, request.path, bodies[request.name], self.in_flight)
                    done(request.name, len(pictures))
        return Costs(len(pictures), sides)

    def intro(self, found: Costs) -> str:
        """How it was measured."""
        return (
            f"{found.pictures} pictures, {self.repeats} times, {self.in_flight} in flight, the ways in turns after a "
            "round that does not count. CPU seconds are those of server and gateway."
        )

    def table(self, found: Costs) -> Table:
        """One row a way, with its ratios to the server's own HTTP."""
        base = found.sides[0]
        header = ("", "images/s", "time, ratio", "CPU s/image", "CPU, ratio")
        return Table(
            header,
            tuple(
                (
                    side.request.name,
                    side.pictures / side.wall_s,
                    side.wall_s / base.wall_s,
                    side.cpu_s / side.pictures,
                    side.cpu_s / base.cpu_s,
                )
                for side in found.sides
            ),
            digits=3,
        )

    def data(self, found: Costs) -> object:
        """The sums of each way."""
        return [
            {"name": side.request.name, "pictures": side.pictures, "wall_s": side.wall_s, "cpu_s": side.cpu_s}
            for side in found.sides
        ]


@contextmanager
def _measured(side: Side, pids: Sequence[int], pictures: int) -> Iterator[None]:
    """Add what the body takes to a side; the processor time is that of some processes and their children."""
    spent_s, started = sum(map(cpu_s, pids)), time.perf_counter()
    yield
    side.wall_s += time.perf_counter() - started
    side.cpu_s += sum(map(cpu_s, pids)) - spent_s
    side.pictures += pictures
