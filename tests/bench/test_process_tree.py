"""Processor time and memory of a process and its children."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from ocr_bench.process_tree import PeakMemory, cpu_s, pss_bytes, tree

MIB = 2**20
# Holds 100 MiB itself and 50 MiB in a child, burns a moment of processor time in both.
CODE = """
import os, subprocess, sys
child = "b = bytearray(b'x') * (50 << 20); sum(range(5_000_000)); print(flush=True); input()"
process = subprocess.Popen([sys.executable, "-c", child], stdin=0)
held = bytearray(b"x") * (100 << 20)
sum(range(5_000_000))
process.wait()
"""


def test_children_count_and_what_has_ended_does_not() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    peak = PeakMemory(process.pid)
    process.stdout.readline()
    with peak.watched(0.01):
        deadline = time.monotonic() + 20
        while peak.bytes < 150 * MIB and time.monotonic() < deadline:
            time.sleep(0.01)
    members = tree(process.pid)
    spent = cpu_s(process.pid)
    process.communicate(b"\n")
    assert len(members) == 2
    assert 150 * MIB < peak.bytes < 250 * MIB
    assert spent > 0.02
    assert psutil.wait_procs(members, timeout=10)[1] == []
    assert (tree(process.pid), pss_bytes(process.pid), cpu_s(process.pid)) == ([], 0, 0)


def test_own_pss_is_near_resident_size() -> None:
    held = bytearray(b"x") * (64 * MIB)
    assert pss_bytes(os.getpid()) > 64 * MIB
    assert len(held) == 64 * MIB


def test_processor_time_grows_with_work() -> None:
    before = cpu_s(os.getpid())
    started = time.process_time()
    while time.process_time() - started < 0.2:
        sum(range(1000))
    assert cpu_s(os.getpid()) - before == pytest.approx(0.2, abs=0.15)
