"""A server of its own: stopped by a signal, killed, and refused by a model that does not load."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from ocr_client import OcrClient
from ocr_serve import checks
from ocr_serve.cleaner import stubs
from ocr_serve.errors import EnvironmentProblem

RECEIPT = Path(__file__).resolve().parents[2] / "samples" / "receipt.png"
SHARED_MEMORY = Path("/dev/shm")


def regions(server):
    return list(SHARED_MEMORY.glob(f"triton_paddleocr_{server.process.pid}_*"))


def prefix_of(server):
    return f"triton_paddleocr_{server.process.pid}_"


def children(server):
    listing = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, row.split())) for row in listing.splitlines()]
    return [pid for pid, parent in pairs if parent == server.process.pid]


def wait_until_gone(pids, limit_s=30):
    give_up = time.monotonic() + limit_s
    while time.monotonic() < give_up and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.1)
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_process_and_no_shared_memory(start_server, weighted_copy, sig):
    server = start_server(weighted_copy)
    processes = children(server)
    assert len(processes) > 5
    assert regions(server)
    assert server.stop(sig) == 0
    assert wait_until_gone(processes) == []
    assert regions(server) == []


def wait_until_clean(server, limit_s=20):
    give_up = time.monotonic() + limit_s
    while time.monotonic() < give_up and (stubs(prefix_of(server)) or regions(server)):
        time.sleep(0.1)
    return stubs(prefix_of(server)), regions(server)


def test_a_server_that_is_killed_leaves_nothing_behind(start_server, weighted_copy):
    server = start_server(weighted_copy)
    assert stubs(prefix_of(server))
    server.stop(signal.SIGKILL)
    assert wait_until_clean(server) == ([], [])


def test_ctrl_c_lets_a_running_server_stop_by_itself(begin_server, weighted_copy):
    server = begin_server(weighted_copy, start_new_session=True)
    while not server.is_ready():
        assert server.process.poll() is None
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(60) == 0
    assert wait_until_clean(server) == ([], [])


@pytest.mark.parametrize("delay_s", [0.6, 1.2, 2.0, 3.0])
def test_ctrl_c_while_models_load_leaves_nothing_behind(begin_server, weighted_copy, delay_s):
    server = begin_server(weighted_copy, start_new_session=True)
    time.sleep(delay_s)
    os.killpg(server.process.pid, signal.SIGINT)
    server.process.wait(60)
    assert wait_until_clean(server) == ([], [])


def test_an_unknown_accelerator_stops_the_load_with_its_name(start_server, weighted_copy):
    config = weighted_copy / "rec" / "config.pbtxt"
    config.write_text(config.read_text().replace('"openvino"', '"warp_drive"'))
    with pytest.raises(RuntimeError, match='unknown cpu_execution_accelerator "warp_drive"'):
        start_server(weighted_copy)


def test_a_limit_below_1_stops_the_load_with_its_name(start_server, weighted_copy):
    config = weighted_copy / "rec_batcher" / "config.pbtxt"
    key = 'key: "rec_lines_per_call" value: { string_value: '
    config.write_text(config.read_text().replace(f'{key}"4"', f'{key}"0"'))
    with pytest.raises(RuntimeError, match=r"rec_lines_per_call in config\.pbtxt must be a whole number of at least 1"):
        start_server(weighted_copy)


def test_arguments_after_the_dashes_go_to_tritonserver(start_server, weighted_copy):
    server = start_server(weighted_copy, "--", "--exit-timeout-secs=7", "--log-info", "true")
    command = Path(f"/proc/{server.process.pid}/cmdline").read_bytes().split(b"\0")
    assert command[0].endswith(b"bin/tritonserver")
    assert {b"--exit-timeout-secs=7", b"--log-info", b"true"} <= set(command)
    assert server.stop() == 0


def test_freed_memory_goes_back_to_the_system_unless_the_user_says_otherwise(begin_server, weighted_copy):
    own = b"glibc.malloc.mmap_threshold=4194304"
    environment = {**os.environb, b"GLIBC_TUNABLES": own, b"MALLOC_ARENA_MAX": b"4"}
    server = begin_server(weighted_copy, env=environment)
    while not server.is_ready():
        assert server.process.poll() is None
        time.sleep(0.1)
    for process in (server.process.pid, *children(server)):
        command = Path(f"/proc/{process}/cmdline").read_bytes()
        if b"tritonserver" in command or b"triton_python_backend_stub" in command:
            # The C library cuts the string at its colons where it lies; of two values it takes the later one.
            _, _, tunables = Path(f"/proc/{process}/environ").read_bytes().partition(b"GLIBC_TUNABLES=")
            assert -1 < tunables.find(b"glibc.malloc.mmap_threshold=16777216") < tunables.find(own)
            assert b"glibc.malloc.arena_max" not in tunables
    assert server.stop() == 0


def test_bf16_reads_the_same_but_for_spaces_with_other_scores_or_is_refused_where_the_cpu_lacks_it(
    server, start_server, weighted_copy, run_serve
):
    try:
        checks.check_precision("bf16", "cpu", False)
    except EnvironmentProblem as problem:
        code, stderr = run_serve("--model-repository", weighted_copy, "--device", "cpu", "--precision", "bf16")
        assert (code, stderr.strip()) == (2, f"ocr-serve: {problem}")
        return
    other = start_server(weighted_copy, "--precision", "bf16")
    with OcrClient(other.http_url) as in_bf16, OcrClient(server.http_url) as in_f32:
        bf16, f32 = in_bf16.ocr(RECEIPT), in_f32.ocr(RECEIPT)
    assert [text.replace(" ", "") for text in bf16.texts] == [text.replace(" ", "") for text in f32.texts]
    np.testing.assert_allclose(bf16.scores, f32.scores, atol=0.05)
    assert (bf16.scores != f32.scores).mean() > 0.5
    assert other.stop() == 0
