"""Freed memory leaves the process."""

from pathlib import Path

from onnxruntime_backend.heap import release_freed_memory


def resident_mib():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def test_freed_memory_that_is_held_by_what_lies_behind_it_goes_back():
    pieces = [bytearray(b"x") * 65536 for _ in range(2048)]  # 128 MiB, each too small for a mapping of its own
    last = pieces[-1]
    del pieces
    before = resident_mib()
    release_freed_memory()
    assert before - resident_mib() > 100
    assert last[0] == ord("x")
