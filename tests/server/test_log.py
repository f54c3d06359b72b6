"""Lines of tritonserver's log as JSON."""

import json
import os
import subprocess
import sys

import pytest

from ocr_serve.log import triton_entry


@pytest.mark.parametrize(
    ("line", "level", "source", "message"),
    [
        ('I1130 02:05:19.43 164 server.cc:345] "Timeout \\"28\\""', "info", "server.cc:345", 'Timeout "28"'),
        ("W1130 02:05:19.433359 1 a.cc:1] Unable", "warning", "a.cc:1", "Unable"),
        ('E1130 02:05:19.433359 1 model.py:9] "a\\nb"', "error", "model.py:9", "a\nb"),
        ('2026-01-31T12:00:00Z I 1 a.cc:1] "x"', "info", "a.cc:1", "x"),
        ('I1130 02:05:19.433359 1 a.cc:1] "cut', "info", "a.cc:1", '"cut'),
        ("| cls | 1 | READY |", "info", None, "| cls | 1 | READY |"),
    ],
)
def test_a_line_becomes_an_object(line, level, source, message):
    said = json.loads(triton_entry(line + "\n"))
    expected = (level, "tritonserver" if source is None else f"tritonserver {source}", message)
    assert (said["level"], said["source"], said["message"]) == expected
    assert "request_id" not in said


def test_the_id_of_a_request_is_a_field_of_its_own():
    line = 'E1130 02:05:19.433359 1 a.cc:1] "decode failed (request_id a.B-9_x): ValueError"'
    assert json.loads(triton_entry(line))["request_id"] == "a.B-9_x"
    assert json.loads(triton_entry(line.replace("id a", "id=a")))["request_id"] == "a.B-9_x"


def test_whatever_is_printed_is_lines_of_json():
    output = b'\n\xff\x00 {"a": 1}\nI1130 02:05:19.4 1 a.cc:1] "\\u0000"\nlast'
    written = subprocess.run(
        [sys.executable, "-m", "ocr_serve.log"], input=output, capture_output=True, timeout=60, check=True
    ).stderr
    assert [json.loads(line)["message"] for line in written.splitlines()] == ['\ufffd\0 {"a": 1}', "\0", "last"]


def test_a_reader_of_the_log_that_has_stopped_stops_nobody():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    say = "from ocr_serve.log import LogFormat, speaker; speaker(LogFormat.TEXT)('a fault')"
    subprocess.run([sys.executable, "-c", say], stderr=writer, timeout=60, check=True)
    os.close(reader)
    os.close(writer)
