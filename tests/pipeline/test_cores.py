"""Cores that a process may use."""

import os

import pytest

from ocr_pipeline.cores import cores

EIGHT = range(8)


@pytest.fixture
def groups(tmp_path):
    """Write control groups and the file that names the process's own; returns what `cores` takes."""

    def write(own, files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "cgroup", tmp_path / "own"

    return write


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "100000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "1200000 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": ""}, 8),
        ("0::/\n", {"cpu.max": "100000 0"}, 8),
        ("0::/\n", {"cpu.max": "many few"}, 8),
        ("0::/pod/box\n", {"pod/cpu.max": "100000 100000\n", "pod/box/cpu.max": "max 100000\n"}, 1),
        ("0::/../../other\n", {"cpu.max": "100000 100000\n"}, 8),
        ("4:cpu,cpuacct:/box\n", {"cpu/box/cpu.cfs_quota_us": "100000", "cpu/box/cpu.cfs_period_us": "100000"}, 1),
        ("4:cpu:/box\n", {"cpu/box/cpu.cfs_quota_us": "-1", "cpu/box/cpu.cfs_period_us": "100000"}, 8),
        ("4:memory:/box\n", {"cpu/box/cpu.cfs_quota_us": "100000", "cpu/box/cpu.cfs_period_us": "100000"}, 8),
    ],
)
def test_a_quota_counts_where_it_is_less_than_the_affinity(groups, own, files, expected):
    assert cores(*groups(own, files), affinity=EIGHT) == expected


def test_no_control_groups_leave_the_affinity(tmp_path):
    assert cores(tmp_path / "none", tmp_path / "neither") == len(os.sched_getaffinity(0))
