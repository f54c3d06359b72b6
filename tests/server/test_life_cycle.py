"""A server of its own: stopped by a signal, killed, and refused by a model that does not load."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")


def regions(server):
    return list(SHARED_MEMORY.glob(f"triton_paddleocr_{server.process.pid}_*"))


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
    stubs = children(server)
    assert len(stubs) > 5
    assert regions(server)
    assert server.stop(sig) == 0
    assert wait_until_gone(stubs) == []
    assert regions(server) == []


def test_the_next_start_cleans_up_after_a_server_that_was_killed(start_server, weighted_copy):
    killed = start_server(weighted_copy)
    stubs = children(killed)
    for pid in [killed.process.pid, *stubs]:
        os.kill(pid, signal.SIGKILL)
    killed.process.wait(30)
    assert regions(killed)
    server = start_server(weighted_copy)
    assert regions(killed) == []
    assert server.stop() == 0


def test_an_unknown_accelerator_stops_the_load_with_its_name(start_server, weighted_copy):
    config = weighted_copy / "rec" / "config.pbtxt"
    config.write_text(config.read_text().replace('"openvino"', '"warp_drive"'))
    with pytest.raises(RuntimeError, match='unknown cpu_execution_accelerator "warp_drive"'):
        start_server(weighted_copy)


def test_arguments_after_the_dashes_go_to_tritonserver(start_server, weighted_copy):
    server = start_server(weighted_copy, "--", "--exit-timeout-secs=7")
    command = Path(f"/proc/{server.process.pid}/cmdline").read_bytes().split(b"\0")
    assert command[0].endswith(b"bin/tritonserver")
    assert b"--exit-timeout-secs=7" in command
    assert server.stop() == 0
