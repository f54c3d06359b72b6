"""Download one file over HTTP, or one wheel with pip, giving up when no answer comes for a while."""

import http.client
import os
import queue
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ocr_convert.errors import SourceError
from ocr_convert.progress import ShowProgress

ANSWER_TIMEOUT_S = 10.0
BLOCK_BYTES = 1 << 16
POLL_S = 0.1


class NoAnswerError(SourceError):
    """A source did not answer, or stopped sending."""


def download_url(url: str, target: Path, show: ShowProgress, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
    """Download `url` into the file `target`. Proxies are taken from the environment.

    Raises:
        NoAnswerError: no byte came for `answer_timeout_s`, or there is no connection
        SourceError: the server answered with an error
    """
    # The work is in a thread because looking up a host name, or trying one after another of its addresses, takes no
    # timeout: only waiting for blocks with a limit does.
    blocks: queue.Queue[Any] = queue.Queue(maxsize=64)
    given_up = threading.Event()
    threading.Thread(target=_receive, args=(url, blocks, given_up, answer_timeout_s), daemon=True).start()
    received, total = 0, None
    try:
        with target.open("wb") as file:
            while True:
                item = blocks.get(timeout=answer_timeout_s)
                if isinstance(item, bytes):
                    if not item:
                        break
                    file.write(item)
                    received += len(item)
                    show(received, total)
                elif isinstance(item, Exception):
                    raise _as_source_error(item, answer_timeout_s) from item
                else:
                    total = item
    except queue.Empty as error:
        raise NoAnswerError(f"no answer within {answer_timeout_s:g} s") from error
    finally:
        given_up.set()
    if total is not None and received != total:
        raise SourceError(f"the connection broke after {received} of {total} bytes")


def _receive(url: str, blocks: "queue.Queue[Any]", given_up: threading.Event, timeout_s: float) -> None:
    """Put the expected size (int or None), then blocks of bytes, then b"" into `blocks`; or the error that came."""

    def put(item: object) -> bool:
        while not given_up.is_set():
            try:
                blocks.put(item, timeout=POLL_S)
                return True
            except queue.Full:
                continue
        return False

    try:
        # Only addresses from the list of model sets come here.
        with urllib.request.urlopen(url, timeout=timeout_s) as response:  # noqa: S310
            put(response.length)
            while put(block := response.read1(BLOCK_BYTES)) and block:
                continue
    except (OSError, http.client.HTTPException, ValueError) as error:
        put(error)


def _as_source_error(error: Exception, timeout_s: float) -> SourceError:
    if isinstance(error, urllib.error.HTTPError):
        return SourceError(f"the server answered {error.code} {error.reason}")
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return NoAnswerError(f"no answer within {timeout_s:g} s")
    return NoAnswerError(f"no connection: {reason}")


def download_wheel(
    requirement: str, folder: Path, show: ShowProgress, answer_timeout_s: float = ANSWER_TIMEOUT_S
) -> Path:
    """Download the wheel of "name==version" with pip, whose configuration (index, proxy, certificates) applies.

    Raises:
        NoAnswerError: pip neither wrote nor received anything for `answer_timeout_s`
        SourceError: pip failed, or there is no such wheel
    """
    scratch, wheels, log = folder / "scratch", folder / "wheels", folder / "pip.log"
    scratch.mkdir()
    wheels.mkdir()
    # fmt: off
    command = [
        sys.executable, "-m", "pip", "download", requirement, "--no-deps", "--only-binary", ":all:",
        "--dest", str(wheels), "--progress-bar", "off", "--no-input", "--disable-pip-version-check",
        "--timeout", f"{max(answer_timeout_s, 1):g}", "--retries", "0",
    ]
    # fmt: on
    # pip collects what it receives in TMPDIR, so the growth of that folder is the progress, with any pip.
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        ) as pip,
    ):
        try:
            _watch(pip, scratch, log, show, answer_timeout_s)
        finally:
            if pip.poll() is None:
                pip.kill()
    found = list(wheels.glob("*.whl"))
    if pip.returncode != 0 or len(found) != 1:
        raise SourceError(f"pip could not download it: {_last_line(log)}")
    return found[0]


def _watch(
    pip: "subprocess.Popen[bytes]", scratch: Path, log: Path, show: ShowProgress, answer_timeout_s: float
) -> None:
    """Show progress until pip ends; NoAnswerError when neither its log nor what it received grows for too long."""
    last_size, last_growth = -1, time.monotonic()
    while pip.poll() is None:
        received = _size_bytes(scratch)
        size = received + log.stat().st_size
        if size != last_size:
            last_size, last_growth = size, time.monotonic()
            show(received)
        elif time.monotonic() - last_growth > answer_timeout_s:
            raise NoAnswerError(f"no answer within {answer_timeout_s:g} s")
        time.sleep(POLL_S)


def _size_bytes(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except FileNotFoundError:  # pip has just moved it
                continue
    return total


def _last_line(log: Path) -> str:
    """Return the line of pip's output that says most about its failure."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it said nothing"])[-1]
