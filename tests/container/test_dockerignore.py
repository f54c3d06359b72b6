""".dockerignore lets through what the Dockerfile copies, and keeps everything local out."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PATTERNS = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
COPIED = [
    path
    for paths in re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)
    for path in paths.split()
]


def is_ignored(path: str) -> bool:
    """Docker's rule: a pattern holds for a path and for everything below it; the last one that holds decides."""
    names = {path, *map(str, PurePosixPath(path).parents)}
    ignored = False
    for line in PATTERNS:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        parts = re.split(r"(\*\*/|\*\*|\*)", pattern.removeprefix("!"))
        wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
        expression = "".join(wild.get(part, re.escape(part)) for part in parts)
        if any(re.fullmatch(expression, name) for name in names):
            ignored = not pattern.startswith("!")
    return ignored


@pytest.mark.parametrize(
    "path",
    [
        *COPIED,
        "requirements-container.lock",
        "model_repository/ocr/config.pbtxt",
        "model_repository/ocr/1/.gitkeep",
        "model_repository/wait_turn/1/model.py",
        "convert/ocr_convert/sources/model_sets.yaml",
    ],
)
def test_what_the_build_needs_is_sent_to_it(path: str) -> None:
    assert (ROOT / path).exists()
    assert not is_ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "samples/poster.jpg",
        "tests/conftest.py",
        "model_repository/ocr/current",
        "model_repository/ocr/installed/0123/rec/model.onnx",
        "model_repository/det/1/model.onnx",
        "model_repository/det/1/report.json",
        "model_repository/ctc_decode/1/dictionary.txt",
        "python_backends/ocr_pipeline/__pycache__/ctc.cpython-311.pyc",
    ],
)
def test_local_files_stay_out_of_the_build(path: str) -> None:
    assert is_ignored(path)
