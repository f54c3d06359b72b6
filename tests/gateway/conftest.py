"""The gateway as users start it, and one over a reader that a test holds in its hand."""

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from tests.conftest import START_LIMIT_S, STOP_LIMIT_S, free_ports

from ocr_contract import canary
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult
from ocr_gateway.app import create_app
from ocr_gateway.serving import GatewayServer
from ocr_gateway.settings import Settings
from ocr_gateway.stage_times import Spent

OCR_GATEWAY = str(Path(sys.prefix) / "bin" / "ocr-gateway")
QUAD = [[10, 10], [90, 10], [90, 30], [10, 30]]


@dataclass
class Gateway:
    """A running ocr-gateway."""

    process: subprocess.Popen
    port: int
    log: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.process.terminate()
        return self.process.wait(STOP_LIMIT_S)


def is_live(url, scheme="http"):
    try:
        return requests.get(f"{url.replace('http', scheme, 1)}/health/live", timeout=5, verify=False).ok  # noqa: S501 -- who it is is not asked
    except requests.RequestException:
        return False


def launch_gateway(log, *options, **popen):
    """Start ocr-gateway on a free port and wait until it listens and answers."""
    (port,) = free_ports(1)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [OCR_GATEWAY, "--port", str(port), *options], stdout=output, stderr=subprocess.STDOUT, **popen
        )
    gateway = Gateway(process, port, log)
    give_up = time.monotonic() + START_LIMIT_S
    while not is_live(gateway.url, "https" if "--tls-key" in options else "http"):
        if process.poll() is not None or time.monotonic() > give_up:
            process.kill()
            raise RuntimeError(f"ocr-gateway did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)
    return gateway


@pytest.fixture(scope="session")
def running_gateway(server, tmp_path_factory):
    """The gateway of this run, in front of its server; it must stop cleanly."""
    log = tmp_path_factory.mktemp("gateway") / "gateway.log"
    gateway = launch_gateway(log, "--triton-url", server.grpc_url)
    yield gateway
    assert gateway.stop() == 0, gateway.log.read_text(errors="replace")[-4000:]


@pytest.fixture(scope="session")
def gateway(running_gateway):
    """Its URL."""
    return running_gateway.url


@pytest.fixture
def start_gateway(tmp_path):
    """Start a gateway of a test's own with some options; it is ended after the test."""
    started = []

    def start(*options, **popen):
        started.append(launch_gateway(tmp_path / f"gateway{len(started)}.log", *options, **popen))
        return started[-1]

    yield start
    for gateway in started:
        if gateway.process.poll() is None:
            gateway.process.kill()
            gateway.process.wait(STOP_LIMIT_S)


@dataclass
class HeldReader:
    """Stands behind a gateway in place of a server, and reads what and when the test says."""

    texts: tuple = ("a line of text",)
    error: Exception | None = None
    held: bool = False
    calls: int = 0
    canaries: int = 0
    cancelled: int = 0
    options: dict = field(default_factory=dict)
    defaults: dict = field(default_factory=dict)
    takes_pixels = True

    @property
    def reader(self):
        return self

    async def _wait(self, options):
        self.calls += 1
        self.options = options
        try:
            while self.held:
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error

    async def ocr(self, image, **options):
        if isinstance(image, bytes) and image == canary.picture():
            self.canaries += 1
            if self.error is not None:
                raise self.error
            return OcrResult([QUAD], (canary.TEXT,), [0.9], [0.9])
        await self._wait(options)
        count = len(self.texts)
        return OcrResult([QUAD] * count, self.texts, [0.9] * count, [0.8] * count)

    async def detect(self, image, **options):
        await self._wait(options)
        return DetectionResult([QUAD], [0.8])

    async def recognize(self, images, **options):
        await self._wait(options)
        return RecognitionResult(("a line",) * len(images), [0.9] * len(images))

    async def is_ready(self, endpoint="ocr"):
        return True

    async def spent(self):
        return Spent()

    async def close(self):
        pass


@pytest.fixture
def serve():
    """Serve the application over a reader, or what a call in its event loop returns; the URL is returned."""
    running = []

    def start(reader, **settings):
        async def behind():
            return reader() if callable(reader) else reader

        (port,) = free_ports(1)
        served = GatewayServer(create_app(behind, Settings(**settings)), port=port)
        thread = threading.Thread(target=served.run, daemon=True)
        thread.start()
        running.append((served, thread))
        url = f"http://127.0.0.1:{port}"
        give_up = time.monotonic() + START_LIMIT_S
        while not is_live(url):
            assert time.monotonic() < give_up, "the application did not start"
            time.sleep(0.02)
        return url

    def stop():
        for served, _ in running:
            served.should_exit = True  # as a signal does

    start.stop = stop
    yield start
    stop()
    for _, thread in running:
        thread.join(STOP_LIMIT_S)
        assert not thread.is_alive()
