"""Faults of a server under load: each is noticed, and the server serves again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque

import psutil
import pytest
from tests.conftest import SAMPLES, wait_until

from ocr_client import OcrClient
from ocr_client.errors import OcrClientError
from ocr_serve.process import stop_signal
from ocr_serve.running import Policy
from ocr_serve.stubs import stubs
from ocr_serve.supervisor import Supervisor

RECEIPT = SAMPLES / "receipt.png"
# As ocr-serve, but it gives up after one restart, and not after five, before which it pauses ever longer.
IMPATIENT = "import functools, ocr_serve.cli as c; c.Policy = functools.partial(c.Policy, max_restarts=1); c.main()"
CLIENTS = 8


class Load:
    """Clients that read one picture over and over, and send it again for as long as a retry may help."""

    def __init__(self, url):
        self.url = url
        self.answers, self.errors = [], []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self):
        with OcrClient(self.url) as client:
            self.expected = client.ocr(RECEIPT).texts
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a request hangs"

    def _run(self):
        with OcrClient(self.url, timeout_s=60, retries=0) as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(client.ocr(RECEIPT).texts)
                except OcrClientError as error:
                    self.errors.append(error)
                    time.sleep(0.2)

    def answered_more(self, count=CLIENTS):
        before = len(self.answers)
        wait_until(lambda: len(self.answers) >= before + count, "requests are answered", 60)


def steps_of(server, model):
    """Process ids of the stubs of a model."""
    vars(server).pop("claim", None)  # each tritonserver has its own
    prefix = server.claim.region_prefix
    return [pid for pid in stubs(prefix) if f"/{model}/" in " ".join(psutil.Process(pid).cmdline())]


# One that answers by itself, one that is called by another. OCR_KILLED=cls,det,... names others, at most four.
MODELS = os.environ.get("OCR_KILLED", "det_batcher,rec").split(",")


@pytest.fixture(scope="module")
def server(launch_server, quick_repository):
    server = launch_server(quick_repository, "--log-format", "json")
    yield server
    for line in server.log.read_text(encoding="utf-8").splitlines():
        assert {"time", "level", "source", "message"} <= json.loads(line).keys()


@pytest.mark.parametrize("model", MODELS)
def test_a_step_that_is_killed_is_noticed_and_the_server_serves_again(server, model):
    with Load(server.http_url) as load:
        load.answered_more()
        before = server.tritonserver
        (step, *_) = steps_of(server, model)
        os.kill(step, signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: server.has_said(f"process id {step} has died"), "it is noticed")
        noticed_s = time.monotonic() - killed
        wait_until(server.is_ready, "the server is ready")
        load.answered_more(1)
        print(f"{model}: noticed after {noticed_s:.1f} s, serving again after {time.monotonic() - killed:.1f} s")
        load.answered_more()
    assert server.tritonserver != before
    assert psutil.Process(server.tritonserver).environ()["OCR_RESTARTS"] != "0"
    assert set(load.answers) == {load.expected}
    assert all(error.retryable for error in load.errors), [str(error) for error in load.errors if not error.retryable]


def test_tritonserver_that_is_killed_is_started_anew(server):
    before = server.tritonserver
    vars(server).pop("claim", None)
    old = server.claim
    another = old.directory / f"{old.name[:-1]}_not_of_this_server"
    another.touch()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: server.has_said("tritonserver has ended (SIGKILL)"), "it is noticed")
    wait_until(server.is_ready, "the server is ready")
    with OcrClient(server.http_url) as client:
        assert client.ocr(RECEIPT).texts
    assert server.tritonserver != before
    assert list(old.directory.glob(f"{old.name}*")) == []
    another.unlink()  # which is an error where it is gone


def test_no_other_user_can_open_what_pictures_pass_through(server):
    vars(server).pop("claim", None)
    paths = [server.claim.directory / name for name in server.left_behind()]
    assert len(paths) > len(MODELS)
    assert not [path for path in paths if path.stat().st_mode & 0o077]


def test_a_step_that_is_stopped_by_a_signal_counts_as_dead(server):
    (step, *_) = steps_of(server, "det_batcher")
    os.kill(step, signal.SIGSTOP)
    wait_until(lambda: server.has_said(f"process id {step} has been stopped"), "it is noticed")
    wait_until(server.is_ready, "the server is ready")


def test_what_helps_no_more_is_given_up(begin_server, quick_repository):
    server = begin_server(quick_repository, program=(sys.executable, "-c", IMPATIENT, "--device", "cpu"))
    for _ in range(2):
        wait_until(lambda: server.process.poll() is not None or is_up(server), "a server is there", 120)
        if server.process.poll() is None:
            os.kill(server.tritonserver, signal.SIGKILL)
            time.sleep(0.5)
    assert server.process.wait(60) == 1
    assert server.has_said("1 restarts within 600 s have not helped: giving up")


def is_up(server):
    try:
        return bool(server.tritonserver)
    except (ValueError, psutil.Error):
        return False


def test_a_signal_to_stop_counts_while_a_server_with_a_fault_drains(begin_server, quick_repository):
    server = begin_server(quick_repository)
    wait_until(server.is_ready, "the server is ready", 120)
    time.sleep(1)  # ocr-serve asks every quarter of a second whether it is ready
    with Load(server.http_url) as load:
        load.answered_more()
        (step, *_) = steps_of(server, "ctc_decode")
        os.kill(step, signal.SIGKILL)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0


def test_pauses_before_restarts_last_as_long_as_they_should():
    supervisor = object.__new__(Supervisor)
    supervisor._policy, supervisor._restarts = Policy(stop_s=1, step_s=1), deque()
    assert [supervisor._pause_s() for _ in range(6)] == [0, 1, 2, 4, 8, None]
    child = subprocess.Popen(["true"])  # whose end is a signal too
    before = time.monotonic()
    assert not stop_signal(0.3)
    assert time.monotonic() - before >= 0.3
    child.wait()


HANG_UP = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "ignored" else signal.SIG_DFL)
from ocr_serve.process import await_stop_signals, stop_signal
await_stop_signals()
os.kill(os.getpid(), signal.SIGHUP)
print(stop_signal(0.2))
os.kill(os.getpid(), signal.SIGTERM)
print(stop_signal(5))
"""


@pytest.mark.parametrize(("hang_up", "said"), [("ignored", "False True"), ("heard", "True True")])
def test_a_hang_up_ends_it_unless_it_was_started_with_nohup(hang_up, said):
    command = [sys.executable, "-c", HANG_UP, hang_up]
    assert (
        subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split() == said.split()
    )
