"""What is compared: OCR behind one call, whether it is a server or a child process.

A contender reads several pictures per call, as many at a time as it keeps in flight, and its processor time and memory
are those of its process tree.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tritonclient.http

from ocr_bench.contenders.protocols import PlainConnection
from ocr_bench.errors import PeerError
from ocr_bench.process_tree import cpu_s
from ocr_bench.server import Server
from ocr_contract.options import OCR
from ocr_contract.result import OcrResult

STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Lap:
    """One call of a contender: its answers, wall seconds of the whole and of each picture, processor seconds."""

    answers: list[OcrResult]
    wall_s: float
    each_s: list[float]
    cpu_s: float


class Contender(Protocol):
    """One row of the comparison."""

    name: str
    ours: bool
    in_flight: int
    pid: int
    versions: dict[str, str]

    def read(self, paths: Sequence[Path]) -> Lap:
        """Read pictures, `in_flight` at a time."""

    def close(self) -> None:
        """End what this contender started."""


class ChildContender:
    """A process that speaks the protocol of peer_child."""

    in_flight = 1

    def __init__(self, name: str, command: Sequence[str], log: Path, ours: bool = False) -> None:
        """Start the process and wait until its models are loaded.

        Raises:
            PeerError: it ended before that.
        """
        self.name, self.ours, self._log = name, ours, log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
            )
        self.pid = self._process.pid
        self.versions: dict[str, str] = self._receive()["versions"]

    def read(self, paths: Sequence[Path]) -> Lap:
        """Read pictures one after the other. The pipe's own time (some 0.1 ms) is not counted."""
        before = cpu_s(self.pid)
        answers, each_s = [], []
        for path in paths:
            message = self._answer(path)
            each_s.append(message["ms"] / 1000)
            answers.append(result_of(message))
        return Lap(answers, sum(each_s), each_s, cpu_s(self.pid) - before)

    def recognize(self, path: Path) -> str:
        """The text of a picture of one line; "" where the process, which has the option `recognize`, reads none."""
        return " ".join(self._answer(path)["texts"])

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None and self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _answer(self, path: Path) -> dict[str, Any]:
        message = self._ask({"path": str(path)})
        if "error" in message:
            raise PeerError(f"{self.name} failed on {path}: {message['error']}; see {self._log}")
        return message

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


def result_of(message: dict[str, Any]) -> OcrResult:
    """A child's answer; what it does not say of boxes and words, how sure it is of them, is NaN."""
    words = [(line, word, box) for line, words in enumerate(message["words"]) for word, box in words]
    return OcrResult(
        np.asarray(message["boxes"], np.float32).reshape(-1, 4, 2),
        tuple(message["texts"]),
        message["scores"],
        np.full(len(message["boxes"]), np.nan),
        tuple(word for _, word, _ in words),
        np.asarray([box for _, _, box in words], np.float32).reshape(-1, 4, 2),
        np.full(len(words), np.nan),
        np.asarray([line for line, _, _ in words], np.int32),
    )


class HttpContender:
    """A model of a running server, asked over HTTP. The client's own processor time counts too."""

    def __init__(self, name: str, server: Server, model: str = OCR, in_flight: int = 1, ours: bool = False) -> None:
        self.name, self.ours, self.in_flight, self.pid = name, ours, in_flight, server.pid
        self.versions: dict[str, str] = {}
        self._server, self._model = server, model
        self._local = threading.local()  # tritonclient's connections belong to the thread that opened them
        self._threads = ThreadPoolExecutor(in_flight, initializer=self._connect)

    def read(self, paths: Sequence[Path]) -> Lap:
        """Read pictures, `in_flight` requests at a time; reading the file is part of it, as it is for the peers."""
        before, own_before = cpu_s(self.pid), time.process_time()
        started = time.perf_counter()
        outcomes = list(self._threads.map(self._read_one, paths))
        wall_s = time.perf_counter() - started
        spent_s = cpu_s(self.pid) - before + time.process_time() - own_before
        return Lap([answer for answer, _ in outcomes], wall_s, [each_s for _, each_s in outcomes], spent_s)

    def close(self) -> None:
        """Close the connections; the server is not this contender's."""
        self._threads.shutdown()

    def _connect(self) -> None:
        self._local.connection = PlainConnection(self.name, tritonclient.http, self._server.http, self._model)

    def _read_one(self, path: Path) -> tuple[OcrResult, float]:
        started = time.perf_counter()
        answer = self._local.connection.ask(path.read_bytes())
        return answer, time.perf_counter() - started
