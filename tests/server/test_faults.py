"""Faults other than a step that dies: what hangs, what runs out, and what is under way when the server is to stop."""

import resource
import shutil
import signal
import sys
import threading
import time
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image
from tests.conftest import SAMPLES, wait_until

from ocr_client import OcrClient
from ocr_client.errors import OcrClientError
from ocr_serve.stubs import stubs

RECEIPT = SAMPLES / "receipt.png"
# As ocr-serve, but a step hangs after 5 seconds.
IMPATIENT = """
from functools import partial
from ocr_serve import cli
cli.Policy = partial(cli.Policy, step_s=5.0)
cli.main()
"""
# A step that waits for as long as a file beside it says.
PAUSING = """
import time
from pathlib import Path
from ocr_triton import det_batcher

class TritonPythonModel(det_batcher.TritonPythonModel):
    def answer(self, request, visit):
        time.sleep(float((Path(__file__).parent / "pause").read_text()))
        return super().answer(request, visit)
"""


class Clients:
    """Requests of several clients at once, each in a thread; they end with what they have read, or an error."""

    def __init__(self, url, count, timeout_s=60):
        self.ends = []
        self._url, self._timeout_s = url, timeout_s
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self):
        try:
            with OcrClient(self._url, timeout_s=self._timeout_s, retries=0) as client:
                self.ends.append(client.ocr(RECEIPT).texts)
        except OcrClientError as error:
            self.ends.append(error)

    def errors(self):
        """What they have got in place of an answer, when all have ended."""
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), "a request hangs"
        return [end for end in self.ends if isinstance(end, OcrClientError)]


def pause(repository, seconds):
    (repository / "det_batcher" / "1" / "pause").write_text(str(seconds))


@pytest.fixture(scope="module")
def repository(quick_repository, tmp_path_factory):
    """One whose pictures are looked at as slowly as a test wants."""
    copy = Path(shutil.copytree(quick_repository, tmp_path_factory.mktemp("faulty") / "models", symlinks=True))
    model = copy / "det_batcher" / "1" / "model.py"
    model.unlink()
    model.write_text(PAUSING)
    pause(copy, 0)
    return copy


@pytest.fixture(scope="module")
def server(launch_server, repository):
    program = (sys.executable, "-c", IMPATIENT, "--device", "cpu")
    return launch_server(repository, "--", "--exit-timeout-secs=2", program=program)


def claim_of(server):
    vars(server).pop("claim", None)  # each tritonserver has its own
    return server.claim


def steps_of(server, model):
    prefix = claim_of(server).region_prefix
    return [pid for pid in stubs(prefix) if f"/{model}/" in " ".join(psutil.Process(pid).cmdline())]


def test_a_picture_for_which_there_is_no_memory_fails_alone(server):
    large = BytesIO()
    Image.new("RGB", (7000, 7000)).save(large, "PNG")
    for step in steps_of(server, "det_batcher"):
        space = psutil.Process(step).memory_info().vms + 2**26
        resource.prlimit(step, resource.RLIMIT_AS, (space, resource.RLIM_INFINITY))
    before = server.tritonserver
    with OcrClient(server.http_url, retries=0) as client:
        with pytest.raises(OcrClientError, match="no memory left for this request"):
            client.ocr(large.getvalue())
        assert client.ocr(RECEIPT).texts
    assert server.tritonserver == before


def test_a_step_that_hangs_ends_with_its_server_and_the_next_one_serves(server, repository):
    before = server.tritonserver
    pause(repository, 3600)
    clients = Clients(server.http_url, 3)
    wait_until(lambda: server.has_said("det_batcher has not got on with a request for 5 s"), "it is noticed")
    pause(repository, 0)
    errors = clients.errors()
    assert len(errors) == 3
    assert all(error.retryable for error in errors), errors
    wait_until(
        lambda: server.log.read_text(errors="replace").count("ready: a picture was read right") == 2, "it serves"
    )
    assert server.tritonserver != before


def test_whoever_waits_when_the_server_stops_hears_of_it_be_the_queue_ever_so_long(server, repository):
    pause(repository, 1.5)
    clients = Clients(server.http_url, 24)  # more than ten seconds of work
    time.sleep(2.5)
    claim = claim_of(server)
    processes = [each.pid for each in psutil.Process(server.process.pid).children(recursive=True)]
    assert server.stop(signal.SIGTERM) == 0
    errors = clients.errors()
    assert errors
    assert all(error.retryable for error in errors), errors
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "the steps end")
    assert not list(claim.directory.glob(f"{claim.name}*"))
