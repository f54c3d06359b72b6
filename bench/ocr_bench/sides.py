"""What stands against what: OCR behind one call, whether it is a child process or a server.

A side reads several pictures per call, as many at a time as it keeps in flight, and its processor time and memory
are those of its process tree.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ocr_bench.errors import PeerError
from ocr_bench.process_tree import cpu_s
from ocr_bench.score import Answer
from ocr_bench.server import Server
from ocr_client.endpoint import Endpoint
from ocr_client.request import InferRequest
from ocr_client.transport import HttpTransport
from ocr_contract.result import OcrResult

REQUEST_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Round:
    """One call of a side: its answers, wall seconds of the whole and of each picture, processor seconds."""

    answers: list[Answer]
    wall_s: float
    each_s: list[float]
    cpu_s: float


class Side(Protocol):
    """One row of the comparison."""

    name: str
    in_flight: int
    pid: int
    versions: dict[str, str]

    def read(self, paths: Sequence[Path]) -> Round:
        """Read pictures, `in_flight` at a time."""

    def close(self) -> None:
        """End what this side started."""


class ChildSide:
    """A process that speaks the protocol of peer_child."""

    in_flight = 1

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start the process and wait until its models are loaded.

        Raises:
            PeerError: it ended before that.
        """
        self.name = name
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
            )
        self.pid = self._process.pid
        greeting = self._receive()
        self.versions: dict[str, str] = greeting["versions"]

    def read(self, paths: Sequence[Path]) -> Round:
        """Read pictures one after the other. The pipe's own time (some 0.1 ms) is not counted."""
        before = cpu_s(self.pid)
        answers, each_s = [], []
        for path in paths:
            message = self._ask({"path": str(path)})
            if "error" in message:
                raise PeerError(f"{self.name} failed on {path}: {message['error']}; see {self._log}")
            each_s.append(message["ms"] / 1000)
            answers.append(Answer.of(message["boxes"], message["texts"], message["scores"]))
        return Round(answers, sum(each_s), each_s, cpu_s(self.pid) - before)

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None and self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None:
            raise PeerError(f"{self.name}: no pipe to the process")
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise PeerError(f"{self.name} ended with code {self._process.wait()}; see {self._log}") from error
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise PeerError(f"{self.name} ended with code {self._process.wait()}; see {self._log}")
        message: dict[str, Any] = json.loads(line)
        return message


class HttpSide:
    """A model of a running server, asked over HTTP. The client's own processor time counts too."""

    def __init__(self, name: str, server: Server, model: str = "ocr", in_flight: int = 1) -> None:
        self.name, self.model, self.in_flight, self.pid = name, model, in_flight, server.pid
        self.versions: dict[str, str] = {}
        self._transport = HttpTransport(Endpoint.parse(server.http, "http"), REQUEST_TIMEOUT_S, {})
        self._threads = ThreadPoolExecutor(in_flight)

    def read(self, paths: Sequence[Path]) -> Round:
        """Read pictures, `in_flight` requests at a time; reading the file is part of it, as it is for the peers."""
        before, own_before = cpu_s(self.pid), time.process_time()
        started = time.perf_counter()
        outcomes = list(self._threads.map(self._one, paths))
        wall_s = time.perf_counter() - started
        spent = cpu_s(self.pid) - before + time.process_time() - own_before
        return Round([answer for answer, _ in outcomes], wall_s, [each for _, each in outcomes], spent)

    def close(self) -> None:
        """Close the connections; the server is not this side's."""
        self._threads.shutdown()
        self._transport.close()

    def _one(self, path: Path) -> tuple[Answer, float]:
        started = time.perf_counter()
        tensors = self._transport.infer(InferRequest(self.model, "image", (path.read_bytes(),)))
        each_s = time.perf_counter() - started
        result = OcrResult.from_tensors(tensors)
        return Answer.of(result.boxes.tolist(), result.texts, result.scores.tolist()), each_s
