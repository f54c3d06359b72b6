"""perf_analyzer, the load generator that tritonclient's wheel carries: its libraries, its input file, its report."""

from __future__ import annotations

import base64
import csv
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocr_bench.errors import BenchError, UnavailableError

# Libraries it is linked to and Linux distributions do not bring along. nvidia-pytriton carries both, under names with a
# hash in them, which the loader does not find: they get links with the names it looks for.
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


def carried_library(pattern: str) -> Path | None:
    """Find a library in the folders of this environment's packages."""
    folders = []
    for package, inside in (("pytriton", "../nvidia_pytriton.libs"), ("nvidia.cuda_runtime", "lib")):
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            continue
        if spec is not None and spec.submodule_search_locations:
            folders.append(Path(next(iter(spec.submodule_search_locations))) / inside)
    found = [path for folder in folders for path in sorted(folder.glob(pattern))]
    return found[0].resolve() if found else None


def set_up(folder: Path) -> None:
    """Link the libraries into `folder`; one that is missing is left to the system's own.

    The links are made anew each time: the environment may have moved.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, pattern in CARRIED.items():
        link = folder / name
        link.unlink(missing_ok=True)
        source = carried_library(pattern) or carried_library(name)
        if source is not None:
            link.symlink_to(source)


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
        folder: for the links of `set_up`.

    Raises:
        UnavailableError: it is not here or does not start; one sentence that says why and what to do.
    """
    beside = Path(sys.executable).parent / "perf_analyzer"
    found = str(beside) if beside.is_file() else shutil.which("perf_analyzer")
    if found is None:
        raise UnavailableError("perf_analyzer is not here; install tritonclient[all]==2.51.0, whose wheel carries it")
    set_up(folder)
    paths = [str(folder.resolve()), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(filter(None, paths))}
    try:
        done = subprocess.run(
            [found, "--version"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    except OSError as error:
        raise UnavailableError(f"perf_analyzer does not start on this machine: {error}") from error
    if done.returncode:
        raise UnavailableError(explain(done.stderr))
    return PerfAnalyzer(Path(found), environment)


def explain(stderr: str) -> str:
    """Turn what the loader said into one sentence."""
    said = " ".join(stderr.split())[-300:]
    if "GLIBC" in said:
        advice = "this system's C library is too old for it; use Debian 12, Ubuntu 22.04 or newer"
    elif "libssl" in said or "libcrypto" in said:
        advice = "it wants OpenSSL 3; install libssl3"
    elif "libb64" in said:
        advice = "install nvidia-pytriton, which carries libb64, or the system's libb64-0d"
    elif "libcudart" in said:
        advice = "install nvidia-cuda-runtime-cu12"
    else:
        advice = "see what it said"
    return f"perf_analyzer does not start: {advice} ({said})"


def write_input(pictures: Sequence[Path], file: Path) -> None:
    """Write the input data file: one entry a picture.

    perf_analyzer sends what it decodes from `b64` as it is, so a BYTES element brings its length along: four bytes,
    little endian.
    """
    data = []
    for path in pictures:
        content = path.read_bytes()
        packed = struct.pack("<I", len(content)) + content
        data.append({"image": {"b64": base64.b64encode(packed).decode("ascii")}})
    file.write_text(json.dumps({"data": data}), encoding="utf-8")


def parse_report(text: str, protocol: str) -> list[Point]:
    """Read the CSV that perf_analyzer writes with -f, lowest concurrency first.

    Raises:
        BenchError: a column is missing.
    """
    points = []
    for row in csv.DictReader(text.splitlines()):
        try:
            latencies = [float(row[f"p{percent} latency"]) for percent in (50, 90, 95, 99)]
            mean = float(row["Avg latency"])
            points.append(Point(protocol, int(row["Concurrency"]), float(row["Inferences/Second"]), mean, *latencies))
        except (KeyError, TypeError, ValueError) as error:
            raise BenchError(f"perf_analyzer's report is not as expected: {error!r} in {dict(row)}") from error
    return sorted(points, key=lambda point: point.concurrency)
