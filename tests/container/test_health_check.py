"""The image's health check, sent to the real server."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


def test_health_check_is_answered_with_the_text_of_its_picture(server: Any) -> None:
    line = next(line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if line.startswith("HEALTHCHECK"))
    command = json.loads(line.split("CMD", 1)[1])
    body = command[command.index("--data") + 1].encode()
    name, value = command[command.index("--header") + 1].split(": ")
    url = command[-1].replace("127.0.0.1:8000", server.http_url)
    with urllib.request.urlopen(urllib.request.Request(url, body, {name: value}), timeout=20) as answer:
        assert (name, value) == ("Content-Type", "application/json")
        assert json.load(answer)["texts"] == "OK"  # Triton writes an array of one as that one
