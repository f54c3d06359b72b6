"""The real thing, once per run: PP-OCRv4 converted into a repository of its own, and a tritonserver that serves it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from ocr_convert.pipeline import install_prepared, prepare_model_set
from ocr_convert.progress import quiet
from ocr_convert.sources.fetch import Fetcher
from ocr_convert.sources.model_sets import find_model_set
from ocr_convert.template import complete, template
from ocr_pipeline.stages.second_pass import OPTION as SECOND_PASS
from ocr_serve.claim import Claim

# OCRmyPDF 17 needs Python 3.11.
collect_ignore = (
    []
    if sys.version_info >= (3, 11)
    else ["clients/test_ocrmypdf_plugin.py", "documents/test_formats_hocr_ocrmypdf.py"]
)
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
START_LIMIT_S = 120
STOP_LIMIT_S = 60

settings.register_profile("no-timing", deadline=None)  # a busy machine must not fail a test
settings.load_profile("no-timing")


def free_ports(count):
    """Ports that nobody listens on at this moment."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def copy_repository(target):
    """A copy of the model repository as it is in git, without weights."""
    complete(target, template().models())
    return target


@dataclass
class Server:
    """A running ocr-serve."""

    process: subprocess.Popen
    http_port: int
    grpc_port: int
    metrics_port: int
    log: Path
    repository: Path

    @property
    def http_url(self):
        return f"127.0.0.1:{self.http_port}"

    @property
    def grpc_url(self):
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def metrics_url(self):
        return f"127.0.0.1:{self.metrics_port}"

    @property
    def tritonserver(self):
        """Its process id."""
        own = psutil.Process(self.process.pid)
        (server,) = [each.pid for each in (own, *own.children()) if each.cmdline()[0].endswith("bin/tritonserver")]
        return server

    @property
    def command(self):
        """Words of tritonserver's command line, as every local user sees them."""
        return psutil.Process(self.tritonserver).cmdline()

    @cached_property
    def claim(self):
        """What it owns in shared memory; asked while it runs."""
        (name,) = [Path(word).stem for word in self.command if word.startswith("--model-repository=")]
        return Claim(name)

    def left_behind(self):
        """Names of what it owns in shared memory."""
        return sorted(path.name for path in self.claim.directory.glob(f"{self.claim.name}*"))

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.http_url}/v2/health/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def has_said(self, sentence):
        """Whether its log holds this."""
        return sentence in self.log.read_text(errors="replace")

    def stop(self, sig=signal.SIGINT):
        self.process.send_signal(sig)
        return self.process.wait(STOP_LIMIT_S)


OCR_SERVE = (str(Path(sys.prefix) / "bin" / "ocr-serve"), "--device", "cpu")


def begin(repository, log, *options, program=OCR_SERVE, **popen):
    """Start a server on free ports."""
    http_port, grpc_port, metrics_port = free_ports(3)
    command = [
        *(*program, "--model-repository", str(repository)),
        *("--http-port", str(http_port), "--grpc-port", str(grpc_port), "--metrics-port", str(metrics_port)),
        *options,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=repository.parent, **popen)
    return Server(process, http_port, grpc_port, metrics_port, log, repository)


def launch(repository, log, *options, **popen):
    """Start ocr-serve on free ports and wait until it says that it is ready."""
    server = begin(repository, log, *options, **popen)
    process = server.process
    give_up = time.monotonic() + START_LIMIT_S
    while not server.has_said("ready: a picture was read right"):
        if process.poll() is not None or time.monotonic() > give_up:
            process.kill()
            raise RuntimeError(f"ocr-serve did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)
    _ = server.claim
    return server


def wait_until(condition, what, limit_s=STOP_LIMIT_S):
    """Wait until `condition()` is true; it fails with `what` when that takes too long."""
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, f"waited {limit_s} s in vain: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def prepared_v4(tmp_path_factory):
    """pp-ocrv4-mobile, converted and verified, once in a run; the files stay where they were made."""
    fetcher = Fetcher(tmp_path_factory.mktemp("pp-ocrv4-mobile"), quiet())
    return prepare_model_set(find_model_set("pp-ocrv4-mobile"), fetcher)


@pytest.fixture(scope="session")
def model_repository(prepared_v4, tmp_path_factory):
    """A model repository with pp-ocrv4-mobile, converted in this run."""
    repository = tmp_path_factory.mktemp("repository") / "model_repository"
    install_prepared("pp-ocrv4-mobile", prepared_v4, repository, quiet())
    return repository


@pytest.fixture(scope="session")
def server(model_repository, tmp_path_factory):
    """The server of this run; it must stop cleanly."""
    server = launch(model_repository, tmp_path_factory.mktemp("server") / "server.log")
    assert server.left_behind()
    yield server
    assert server.stop() == 0, server.log.read_text(errors="replace")[-4000:]
    wait_until(lambda: not server.left_behind(), "nothing of the server is left in shared memory")


def kill_those_left(servers):
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(STOP_LIMIT_S)


@pytest.fixture
def start_server(tmp_path):
    """Start a server of a test's own; whatever is left of it is killed after the test."""
    started = []

    def start(repository, *options, **popen):
        started.append(launch(repository, tmp_path / f"server{len(started)}.log", *options, **popen))
        return started[-1]

    yield start
    kill_those_left(started)


@pytest.fixture(scope="session")
def launch_server(tmp_path_factory):
    """Start a server of a module's own; whatever is left of it is killed at the end."""
    started = []

    def start(repository, *options, **popen):
        log = tmp_path_factory.mktemp("server") / "server.log"
        started.append(launch(repository, log, *options, **popen))
        return started[-1]

    yield start
    kill_those_left(started)


@pytest.fixture(scope="session")
def wait_for():
    """Wait until a condition is true, or fail with the name of what did not come."""
    return wait_until


@pytest.fixture
def begin_server(tmp_path):
    """Start a server and do not wait for it; whatever is left of it is killed after the test."""
    begun = []

    def start(repository, *options, **popen):
        begun.append(begin(repository, tmp_path / "begun.log", *options, **popen))
        return begun[-1]

    yield start
    kill_those_left(begun)


@pytest.fixture
def bare_repository(tmp_path):
    """The model repository as it is in git, without weights."""
    return copy_repository(tmp_path / "model_repository")


@pytest.fixture
def weighted_copy(model_repository, tmp_path):
    """A copy of the repository, weights included, to be broken by a test."""
    return Path(shutil.copytree(model_repository, tmp_path / "model_repository", symlinks=True))


@pytest.fixture(scope="session")
def quick_repository(model_repository, tmp_path_factory):
    """The repository without what is run before a server is ready, for tests of starting and stopping; to be read."""
    path = tmp_path_factory.mktemp("quick") / "my models"  # with a space: a repository may lie anywhere
    repository = Path(shutil.copytree(model_repository, path, symlinks=True))
    take_out_warmup(repository)
    return repository


@pytest.fixture(scope="session")
def two_pass_repository(prepared_v4, tmp_path_factory):
    """A set of two recognisers, both the same network, without what is run before a server is ready; to be read."""
    ready = copy(prepared_v4)
    ready.networks = {**ready.networks, "rec_second": ready.networks["rec"]}
    ready.comparisons = {**ready.comparisons, "rec_second": ready.comparisons["rec"]}
    ready.characters = {**ready.characters, "rec_second": ready.characters["rec"]}
    ready.auto_precision = "bf16"
    ready.parameters = replace(ready.parameters, options={**ready.parameters.options, SECOND_PASS: 0.0})
    repository = tmp_path_factory.mktemp("two_passes") / "model_repository"
    install_prepared("twice", ready, repository, quiet())
    take_out_warmup(repository)
    return repository


def take_out_warmup(repository):
    for model in ("det", "rec", "rec_second"):
        config = repository / model / "config.pbtxt"
        config.write_text(config.read_text().partition("model_warmup")[0])


@pytest.fixture(scope="session")
def run_serve():
    """Run ocr-serve for what it says when it refuses to start; returns exit code and standard error."""

    def run(*options, **environment):
        command = [str(Path(sys.prefix) / "bin" / "ocr-serve"), *map(str, options)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, check=False
        )
        return result.returncode, result.stderr

    return run
