"""The image's health check, run against real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import free_ports

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


def run(port: int) -> subprocess.CompletedProcess[str]:
    line = next(line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if line.startswith("HEALTHCHECK"))
    program, *arguments = json.loads(line.split("CMD", 1)[1])
    command = [str(Path(sys.prefix) / "bin" / program), *arguments, "--http-port", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_server_that_reads_is_healthy(server: Any) -> None:
    ended = run(server.http_port)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_nobody_is_not() -> None:
    (port,) = free_ports(1)
    ended = run(port)
    assert ended.returncode == 1
    assert f"no answer from 127.0.0.1, port {port}" in ended.stderr
