"""What ocr-serve and tritonserver say: as they say it, or as JSON, one object a line. Standard library only.

    {"time": "2026-01-31T12:00:00.000Z", "level": "info", "source": "ocr-serve", "message": "..."}

`python -m ocr_serve.log` makes such lines of tritonserver's output, which it reads from standard input.
"""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from enum import Enum

Say = Callable[[str], None]

_PATIENCE_S = 0.5
_LEVELS = {"I": "info", "W": "warning", "E": "error", "F": "error", "V": "debug"}
# "I0131 12:00:00.123456 1 server.cc:345] ...", or with Triton's ISO8601 "2026-01-31T12:00:00Z I 1 server.cc:345] ..."
_TRITON_LINE = re.compile(r"(?:([IWEFV])\d{4} [\d:.]+|\S+Z ([IWEFV])) \d+ ([^\s\]]+:\d+)\] (.*)")
# As the steps name it in their entries.
_REQUEST_ID = re.compile(r"\brequest_id[= ]'?([A-Za-z0-9._:/+=@-]+)")


class LogFormat(str, Enum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


def speaker(form: LogFormat, level: str = "info") -> Say:
    """What writes sentences of ocr-serve's own to standard error.

    A sentence is left out where standard error takes nothing for a moment, because whoever reads it has stopped: then
    the server must be watched, and signals must count, all the same.
    """

    def say(sentence: str) -> None:
        line = f"ocr-serve: {sentence}" if form is LogFormat.TEXT else entry(level, "ocr-serve", sentence)
        # A pipe that can be written takes 4096 bytes at least, which is more than we ever say.
        if select.select([], [sys.stderr], [], _PATIENCE_S)[1]:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    return say


def entry(level: str, source: str, message: str) -> str:
    """One line of JSON; the id of the request stands in it where the message names one."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found = {"time": now, "level": level, "source": source, "message": message}
    if named := _REQUEST_ID.search(message):
        found["request_id"] = named[1]
    return json.dumps(found, ensure_ascii=False)


def triton_entry(line: str) -> str | None:
    """One line of tritonserver's output, or of a Python step's, as a line of JSON; None for an empty one."""
    line = line.rstrip()
    if not line:
        return None
    parts = _TRITON_LINE.fullmatch(line)
    if parts is None:  # a line of a table, or what a library has printed
        return entry("info", "tritonserver", line)
    return entry(_LEVELS[parts[1] or parts[2]], f"tritonserver {parts[3]}", _unquoted(parts[4]))


def _unquoted(message: str) -> str:
    """Triton writes most messages as strings of JSON."""
    if not message.startswith('"'):
        return message
    try:
        return str(json.loads(message))
    except ValueError:
        return message


def writer() -> subprocess.Popen[bytes]:
    """A process that writes what comes through its standard input as JSON, until all who write there have ended."""
    # A session of its own: Ctrl-C in a terminal must not end it before tritonserver.
    return subprocess.Popen([sys.executable, "-m", "ocr_serve.log"], stdin=subprocess.PIPE, start_new_session=True)


def main() -> None:
    """Entry point of that process."""
    for line in sys.stdin.buffer:
        if said := triton_entry(line.decode("utf-8", "replace")):
            sys.stderr.write(f"{said}\n")
            sys.stderr.flush()


if __name__ == "__main__":
    main()
