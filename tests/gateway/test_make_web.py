"""`make web`: the server and the gateway live and end together. Both are stand-ins here; the recipe is the real one."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.conftest import wait_until

ROOT = Path(__file__).parents[2]
_LIVES = 'echo $$ > "$0.pid"; trap "exit 0" TERM; while :; do sleep 0.05; done'
_TOOLS = {"python": "echo a-set", "ocr-convert": "exit 0", "ocr-serve": _LIVES, "ocr-gateway": _LIVES}


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def web(tmp_path):
    """Start `make web` with some of its tools replaced by other shell scripts; what it starts is gone afterwards."""
    started = []

    def start(**scripts):
        for name, script in {**_TOOLS, **{name.replace("_", "-"): script for name, script in scripts.items()}}.items():
            tool = tmp_path / name
            tool.write_text(f"#!/bin/sh\n{script}\n")
            tool.chmod(0o755)
        # Without MAKEFLAGS, of the make that runs these tests.
        process = subprocess.Popen(
            ["make", "-o", ".venv/.installed-cpu", "web", f"BIN={tmp_path}"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - ignored in a shell's background
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def gone(pid):
    wait_until(lambda: not is_running(pid), f"process {pid} ends")


def pid_of(path):
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), f"{path.name} is written")
    return int(path.read_text())


def test_a_server_that_cannot_start_leaves_no_gateway(web, tmp_path):
    # Its port may be somebody else's, for whom the gateway would answer.
    gateway_is_there = f'while [ ! -s "{tmp_path}/ocr-gateway.pid" ]; do sleep 0.05; done; exit 2'
    assert web(ocr_serve=gateway_is_there).wait(20) == 2
    gone(pid_of(tmp_path / "ocr-gateway.pid"))


def test_a_gateway_that_cannot_start_leaves_no_server(web, tmp_path):
    server_is_there = f'while [ ! -s "{tmp_path}/ocr-serve.pid" ]; do sleep 0.05; done; exit 2'
    assert web(ocr_gateway=server_is_there).wait(20) == 2
    gone(pid_of(tmp_path / "ocr-serve.pid"))


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_both_end_when_it_is_told_to(web, tmp_path, told):
    process = web()
    both = [pid_of(tmp_path / f"{name}.pid") for name in ("ocr-serve", "ocr-gateway")]
    if told == signal.SIGINT:
        os.killpg(process.pid, told)  # as a terminal does
    else:
        process.send_signal(told)
    process.wait(20)
    for pid in both:
        gone(pid)
