"""Where a figure was measured: machine, versions, command line."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import psutil

from ocr_pipeline.cores import cores

PACKAGES = (
    "triton-paddleocr",
    "nvidia-pytriton",
    "tritonclient",
    "onnxruntime-openvino",
    "onnxruntime-gpu",
    "numpy",
    "opencv-python-headless",
)


@dataclass(frozen=True)
class Machine:
    """One machine and one command."""

    processor: str
    cores: int
    memory_gib: float
    gpu: str | None
    system: str
    python: str
    versions: dict[str, str]
    commit: str | None
    date: str
    command: str

    def markdown(self) -> str:
        """Give two lines to stand under a table."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        gpu = f", {self.gpu}" if self.gpu else ""
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB{gpu}; {self.system}, "
            f"Python {self.python}; {versions}; commit {self.commit or 'unknown'}, {self.date}  \n`{self.command}`"
        )


def processor() -> str:
    """Name the processor as the kernel does, with the instruction sets that decide the speed of a model."""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").is_file() else ""
    fields = {key.strip(): value.strip() for key, _, value in (row.partition(":") for row in information.split("\n"))}
    name = fields.get("model name", platform.processor() or platform.machine())
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    found = [flag for flag in wanted if flag in fields.get("flags", "").split()]
    return f"{name} ({', '.join(found)})" if found else name


def first_line(command: list[str]) -> str | None:
    """Run a program and give the first line it prints; None where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.split("\n", maxsplit=1)[0].strip() or None


def installed() -> dict[str, str]:
    """Give the versions of the packages that decide the figures."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def command_line() -> str:
    """Give the command as a user types it; pictures outside the current folder stand under DATA/, wherever they lie."""
    return shlex.join([Path(sys.argv[0]).name, *map(placeless, sys.argv[1:])])


def placeless(argument: str) -> str:
    """Take the place on this machine out of an argument that is a path outside the current folder."""
    path = Path(argument)
    if not path.exists() or path.resolve().is_relative_to(Path.cwd()):
        return argument
    return f"DATA/{path.resolve().name}"


def this_machine() -> Machine:
    """Describe the machine, the environment and the command that is running."""
    return Machine(
        processor=processor(),
        cores=cores(),
        memory_gib=psutil.virtual_memory().total / 2**30,
        gpu=first_line(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]),
        system=f"{platform.system()} {platform.release()}, glibc {platform.libc_ver()[1]}",
        python=platform.python_version(),
        versions=installed(),
        commit=first_line(["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]),
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        command=command_line(),
    )
