"""perf_analyzer, the load generator that tritonclient's wheel carries: its libraries and its report."""

from __future__ import annotations

import csv
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocr_bench.errors import BenchError, UnavailableError

# Libraries that it is linked to and that Linux distributions do not install. nvidia-pytriton carries both, under names
# with a hash in them, which the loader does not find: they get links with the names that it looks for.
CARRIED = {"libb64.so.0d": "libb64-*.so.0d", "libcudart.so.12": "libcudart-*.so.12*"}


@dataclass(frozen=True)
class Point:
    """One concurrency: requests a second, client latency in microseconds."""

    protocol: str
    concurrency: int
    images_per_s: float
    mean_us: float
    p50_us: float
    p90_us: float
    p95_us: float
    p99_us: float


def link_libraries(folder: Path) -> None:
    """Link the libraries into `folder`; one that is missing is left to the system's own.

    Raises:
        BenchError: the folder cannot be made or written.
    """
    spec = importlib.util.find_spec("pytriton")
    packages = [Path(place).parent for place in (spec.submodule_search_locations or [])] if spec else []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, pattern in CARRIED.items():
            found = [path for package in packages for path in package.glob(f"nvidia_pytriton.libs/{pattern}")]
            if found:
                (folder / name).unlink(missing_ok=True)  # of another environment, or of one that is no more
                (folder / name).symlink_to(found[0].resolve())
    except OSError as error:
        raise BenchError(f"{folder} cannot be written: {error.strerror}") from error


@dataclass(frozen=True)
class PerfAnalyzer:
    """A perf_analyzer that starts: the program and the environment it needs."""

    binary: Path
    environment: dict[str, str]

    def run(self, arguments: Sequence[str], timeout_s: float) -> str:
        """Run it and give what it printed.

        Raises:
            BenchError: it failed, or did not end in time.
        """
        command = [str(self.binary), *arguments]
        try:
            done = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"perf_analyzer did not end within {timeout_s:.0f} s: {' '.join(command)}") from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip())[-800:]
            raise BenchError(f"perf_analyzer ended with code {done.returncode}: {said}")
        return done.stdout + done.stderr


def find(folder: Path) -> PerfAnalyzer:
    """Find perf_analyzer and try it.

    Args:
        folder: for links to libraries; new or empty.

    Raises:
        UnavailableError: it is not here or does not start; one sentence that says why and what to do.
    """
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("perf_analyzer", path=paths)
    if found is None:
        raise UnavailableError("perf_analyzer is not here; install tritonclient==2.51.0, whose wheel carries it")
    link_libraries(folder)
    libraries = [str(folder.resolve()), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries))}
    analyzer = PerfAnalyzer(Path(found), environment)
    try:
        analyzer.run(["--version"], timeout_s=60)
    except (OSError, BenchError) as error:
        raise UnavailableError(f"perf_analyzer does not start: {error}") from error
    return analyzer


def parse_report(text: str, protocol: str) -> list[Point]:
    """Read the CSV that perf_analyzer writes with -f, lowest concurrency first.

    Raises:
        BenchError: a column is missing.
    """
    points = []
    for row in csv.DictReader(text.splitlines()):
        try:
            latencies = [float(row[f"{which} latency"]) for which in ("Avg", "p50", "p90", "p95", "p99")]
            points.append(Point(protocol, int(row["Concurrency"]), float(row["Inferences/Second"]), *latencies))
        except (KeyError, TypeError, ValueError) as error:
            raise BenchError(f"perf_analyzer's report is not as expected: {error!r} in {dict(row)}") from error
    return sorted(points, key=lambda point: point.concurrency)
