"""The process that runs Paddle may hang or die: its caller goes on, and says what happened."""

import os
import sys
import time
from pathlib import Path

import pytest

from ocr_convert.errors import ConversionError
from ocr_convert.paddle.process import PaddleProcess

# Answers to no request, and has started a process that holds the pipe of answers open.
HANGING = """
import os, sys, time
print("converting", flush=True)
if os.fork() == 0:
    time.sleep(600)
open(sys.argv[1] + "/pid", "w").write(str(os.getpid()))
sys.stdin.readline()
time.sleep(600)
"""
DYING = """
import sys
sys.stdin.readline()
print("out of memory", flush=True)
sys.exit(7)
"""


def command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", script, *map(str, arguments)]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_request_that_is_not_answered_in_time_is_an_error_and_its_process_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        PaddleProcess(tmp_path, {"convert": 1.0}, command(HANGING, tmp_path)) as paddle,
        pytest.raises(ConversionError, match=r"(?s)not convert .*had not answered after 1 s and was ended.*converting"),
    ):
        paddle.convert(tmp_path / "network", tmp_path / "weights", tmp_path / "target")
    assert time.monotonic() - began < 30
    assert gone(int((tmp_path / "pid").read_text()))


def test_after_a_process_died_the_next_request_gets_another_one(tmp_path: Path) -> None:
    with PaddleProcess(tmp_path, command=command(DYING)) as paddle:
        for _ in range(2):
            with pytest.raises(ConversionError, match=r"(?s)ended with status 7\nit printed:\nout of memory"):
                paddle.versions()
