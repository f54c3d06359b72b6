"""`make weights` installs a model set where there is none, and overwrites nothing unasked."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = {"name": "mine", "classes": 7, "files": {}}


@pytest.fixture
def checkout(tmp_path, bare_repository):
    """A checkout whose environment is made, and whose ocr-convert notes what it is called with."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements-cpu.lock", "requirements-uv.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    for name in ("clients", "bench"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").touch()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, command in {"python": f'exec "{sys.executable}" "$@"', "ocr-convert": 'echo "$@" >> converted'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{command}\n")
        (programs / name).chmod(0o755)
    (tmp_path / ".venv" / ".installed-cpu").touch()
    return tmp_path


def weights(checkout, *variables):
    """What make says, its exit code, and the calls of ocr-convert."""
    made = subprocess.run(
        ["make", "weights", *variables], cwd=checkout, capture_output=True, text=True, check=False, timeout=60
    )
    calls = checkout / "converted"
    return made.stderr, made.returncode, calls.read_text().splitlines() if calls.exists() else []


def summary_of(checkout, text):
    (checkout / "model_repository" / "ocr" / "1" / "model_set.json").write_text(text)


def test_where_nothing_is_installed_a_set_is(checkout):
    assert weights(checkout)[1:] == (0, [""])
    assert weights(checkout, "MODEL_SET=other")[1:] == (0, ["", "--model-set other"])


def test_what_is_installed_stays_unless_another_is_asked_for(checkout):
    summary_of(checkout, json.dumps(SUMMARY))
    assert weights(checkout)[1:] == (0, [])
    assert weights(checkout, "MODEL_SET=mine")[1:] == (0, [])
    assert weights(checkout, "MODEL_SET=other")[1:] == (0, ["--model-set other"])


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"name": "mine"})])
def test_a_set_that_cannot_be_read_stays_and_make_says_so(checkout, text):
    summary_of(checkout, text)
    said, code, calls = weights(checkout)
    assert code != 0
    assert "model_set.json cannot be read" in said
    assert calls == []


def test_weights_that_nothing_tells_of_stay(checkout):
    (checkout / "model_repository" / "rec" / "1").mkdir(exist_ok=True)
    (checkout / "model_repository" / "rec" / "1" / "model.onnx").write_bytes(b"somebody's")
    said, code, calls = weights(checkout)
    assert code != 0
    assert "has weights, but no" in said
    assert calls == []
