"""How many cores this process may use: those of its affinity, and no more than its control groups allow."""

import math
import os
from collections.abc import Collection
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def cores(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS, affinity: Collection[int] | None = None) -> int:
    """Whole cores, at least 1. A quota of 1.5 cores counts as 2: threads share it.

    Args:
        cgroups: where the control groups are mounted.
        own: the file that names the groups of this process, as /proc/self/cgroup does.
        affinity: numbers of the cores that it may run on; None asks the system.
    """
    available = os.sched_getaffinity(0) if affinity is None else affinity
    return max(1, min([len(available), *_quotas(cgroups, own)]))


def _quotas(cgroups: Path, own: Path) -> list[int]:
    """What each group from the process's own up to the root allows, version 2 and 1."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroups / "cpu" if controllers else cgroups
        folder = Path(os.path.normpath(root / path.lstrip("/")))  # a path that leaves the mount begins with /..
        while folder.is_relative_to(root):
            quotas += _quota(folder)
            folder = folder.parent
    return quotas


def _quota(folder: Path) -> list[int]:
    try:
        if (folder / "cpu.max").is_file():  # version 2: "max 100000" or "200000 100000"
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            quota, period = ((folder / name).read_text(encoding="utf-8") for name in names)
        return [] if quota == "max" or int(quota) <= 0 else [math.ceil(int(quota) / int(period))]
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or not of this form
        return []
