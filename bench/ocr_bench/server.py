"""The server under test: started by ocr-serve on free loopback ports, stopped when the measurement is done."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ocr_bench.errors import ServerError
from ocr_bench.process_tree import tree
from ocr_bench.target import Target

READY_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 60.0
SUCCESSES = re.compile(r'^nv_inference_request_success\{model="(?P<model>[^"]+)"[^}]*\} (?P<count>\S+)$', re.MULTILINE)
STUBS_TIMEOUT_S = 10.0  # for the Python steps, once the server has ended


@dataclass(frozen=True)
class Server:
    """A server that is up. Addresses are host:port without a scheme; `ready_s` is from its start to ready."""

    http: str
    grpc: str
    metrics: str
    pid: int
    ready_s: float


def free_ports(count: int) -> list[int]:
    """Find loopback ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def answers(http: str, path: str = "/v2/health/ready") -> bool:
    """Ask once whether a server is ready."""
    try:
        with urllib.request.urlopen(f"http://{http}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def answered(metrics: str, models: Collection[str]) -> int:
    """How many requests a server has answered without an error, by its own count.

    Args:
        metrics: host:port of its metrics.
        models: whose requests are counted.
    """
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=30) as answer:
        page = answer.read().decode("utf-8")
    return sum(int(float(match["count"])) for match in SUCCESSES.finditer(page) if match["model"] in models)


@contextmanager
def running_server(target: Target, log: Path, options: Sequence[str] = ()) -> Iterator[Server]:
    """Start ocr-serve, wait until it is ready, and stop it at the end.

    Args:
        target: what is served.
        log: file for what the server prints.
        options: further options of ocr-serve; those after "--" go to tritonserver.

    Raises:
        ServerError: it ended before it was ready, or was not ready in time.
    """
    http, grpc, metrics = free_ports(3)
    command = [str(Path(sys.executable).parent / "ocr-serve"), *target.serve_options()]
    command += ["--http-port", str(http), "--grpc-port", str(grpc), "--metrics-port", str(metrics), *options]
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        while not answers(f"127.0.0.1:{http}"):
            if process.poll() is not None:
                said = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
                raise ServerError(f"ocr-serve ended with code {process.returncode}; it said:\n{said}")
            if time.monotonic() - started > READY_TIMEOUT_S:
                raise ServerError(f"ocr-serve was not ready after {READY_TIMEOUT_S:.0f} s; see {log}")
            time.sleep(0.1)
        ready_s = time.monotonic() - started
        yield Server(f"127.0.0.1:{http}", f"127.0.0.1:{grpc}", f"127.0.0.1:{metrics}", process.pid, ready_s)
    finally:
        stop(process)


@dataclass(frozen=True)
class Gateway:
    """A gateway that is up; its address is host:port."""

    http: str
    pid: int


@contextmanager
def running_gateway(server: Server, log: Path) -> Iterator[Gateway]:
    """Start ocr-gateway before a server, wait until it answers, and stop it at the end.

    Raises:
        ServerError: it ended before that.
    """
    (port,) = free_ports(1)
    command = [str(Path(sys.executable).parent / "ocr-gateway"), "--triton-url", server.grpc, "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        while not answers(f"127.0.0.1:{port}", "/health/ready"):
            if process.poll() is not None:
                raise ServerError(f"ocr-gateway ended with code {process.returncode}; see {log}")
            time.sleep(0.1)
        yield Gateway(f"127.0.0.1:{port}", process.pid)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server as a service manager does, its stubs with it; kill what does not end."""
    stubs = [member for member in tree(process.pid) if member.pid != process.pid]
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _, alive = psutil.wait_procs(stubs, timeout=STUBS_TIMEOUT_S)
    for stub in alive:
        stub.kill()
