"""Downloads: files over HTTP with pooch, wheels with pip, both into a cache in which their SHA-256 finds them again.

A host that swallows packets costs three attempts of 3 s for each of its addresses, one that takes the connection and
stays silent three attempts of 10 s, and 3 s between the attempts. Pip retries as its own settings say.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pooch
import requests

from ocr_convert.errors import SourceError, StorageError
from ocr_convert.progress import ShowProgress
from ocr_convert.work import ROOM_BYTES, require_room, work_folder

CACHE = Path(pooch.os_cache("triton-paddleocr"))
RETRIES = 2  # pooch waits 1 s before the first and 2 s before the second
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 10.0
WHEEL_TIMEOUT_S = 120.0  # an index may itself fetch the wheel first
BLOCK_BYTES = 1 << 16
POLL_S = 0.1
OTHER_CACHE = "name another folder for downloads with XDG_CACHE_HOME"

Download = Callable[[str, str], None]  # an address, and the file that what lies there is written to

pooch.get_logger().setLevel(logging.CRITICAL)  # what there is to say, the reporter says


class NoAnswerError(SourceError):
    """A source did not answer, or stopped sending."""


def cached(
    address: str, name: str, sha256: str | None, folder: Path, download: Download, retries: int = RETRIES
) -> Path:
    """The file that lies at `address`, downloaded unless `folder` has it.

    Args:
        address: what `download` takes.
        name: the end of the file's name.
        sha256: of the file; without one `folder` must be empty: nothing could be found again.
        folder: the cache.
        download: how it is downloaded.
        retries: how often it is tried again when the connection fails or other bytes come.

    Raises:
        NoAnswerError: no answer, or no connection.
        SourceError: an error for an answer, or other bytes than those of `sha256`.
        StorageError: the cache has no room for it, or cannot be written.
    """
    known = f"{sha256[:16]}-{name}" if sha256 else name
    kept = folder / known
    if sha256 and kept.is_file() and pooch.file_hash(str(kept)) == sha256:
        return kept
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror}; {OTHER_CACHE}") from error
    with work_folder(folder, OTHER_CACHE) as arriving:
        _fetch(address, known, sha256, arriving, download, retries).replace(kept)
    return kept


def _fetch(address: str, known: str, sha256: str | None, folder: Path, download: Download, retries: int) -> Path:
    store = pooch.create(folder, "", registry={known: sha256}, urls={known: address}, retry_if_failed=retries)
    try:
        return Path(store.fetch(known, downloader=lambda url, target, _: download(url, target)))
    except requests.exceptions.Timeout as error:
        raise NoAnswerError(f"no answer (attempts: {retries + 1})") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise SourceError("the connection broke before the end") from error
    except requests.exceptions.ConnectionError as error:
        silent = "timed out" in str(error)  # requests' name for a silence in the middle of the answer
        raise NoAnswerError(f"no {'answer' if silent else 'connection'} (attempts: {retries + 1})") from error
    except requests.exceptions.RequestException as error:
        raise SourceError(str(error) if error.response is None else _answer(error.response)) from error
    except ValueError as error:
        raise SourceError(f"{known} is corrupt or was changed: {str(error).partition('. ')[0]}") from error


def over_http(show: ShowProgress, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> Download:
    """Download over HTTP; proxies are taken from the environment."""
    timeout_s = (min(CONNECT_TIMEOUT_S, answer_timeout_s), answer_timeout_s)
    downloader = pooch.HTTPDownloader(progressbar=_Bar(show), chunk_size=BLOCK_BYTES, timeout=timeout_s)

    def download(url: str, target: str) -> None:
        try:
            downloader(url, target, None)
        except requests.exceptions.HTTPError as error:
            if error.response is None or error.response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise  # to be tried again
            raise SourceError(_answer(error.response)) from error

    return download


def _answer(response: requests.Response) -> str:
    return f"the server answered {response.status_code} {response.reason}"


class _Bar:
    """What pooch tells the progress to."""

    def __init__(self, show: ShowProgress) -> None:
        self.total, self._received, self._show = 0, 0, show

    def update(self, received_bytes: int) -> None:
        self._received += received_bytes
        self._show(self._received, self.total or None)

    def reset(self) -> None:
        self._received = 0

    def close(self) -> None:
        """Nothing is left to close."""


def with_pip(show: ShowProgress, timeout_s: float = WHEEL_TIMEOUT_S, size_bytes: int | None = None) -> Download:
    """Download the wheel of "name==version" with pip, whose configuration (index, proxy, retries ...) applies.

    The download raises NoAnswerError when pip receives nothing for `timeout_s`, SourceError when pip fails, and OSError
    when there is no room for a wheel of `size_bytes`.
    """

    def download(requirement: str, target: str) -> None:
        with tempfile.TemporaryDirectory(dir=Path(target).parent) as folder:
            scratch, wheels, log = Path(folder, "scratch"), Path(folder, "wheels"), Path(folder, "log")
            scratch.mkdir()
            # pip collects what it receives in TMPDIR, so the growth of that folder is the progress, with any pip.
            environment = {**os.environ, "TMPDIR": str(scratch)}
            command = pip_command("download", requirement, "--no-deps", "--only-binary", ":all:", "--dest", str(wheels))
            with (
                log.open("wb") as output,
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
                ) as pip,
            ):
                try:
                    _watch(pip, scratch, show, timeout_s)
                finally:
                    pip.kill()
            found = list(wheels.glob("*.whl"))
            if pip.returncode != 0 or len(found) != 1:
                require_room(Path(folder), 2 * (size_bytes or ROOM_BYTES))  # pip downloads it, and copies it
                raise SourceError(f"pip could not download it: {last_line(log.read_text(errors='replace'))}")
            shutil.move(found[0], target)

    return download


def pip_command(verb: str, *arguments: str) -> list[str]:
    """A command of pip that asks nothing and shows no bars."""
    quiet = ["--progress-bar", "off", "--no-input", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", verb, *quiet, *arguments]


def _watch(pip: "subprocess.Popen[bytes]", scratch: Path, show: ShowProgress, timeout_s: float) -> None:
    last_size, last_growth = 0, time.monotonic()
    while pip.poll() is None:
        size = _size_bytes(scratch)
        if size != last_size:
            last_size, last_growth = size, time.monotonic()
            show(size)
        elif time.monotonic() - last_growth > timeout_s:
            raise NoAnswerError(f"pip has received nothing for {timeout_s:g} s")
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


def last_line(log: str) -> str:
    """The line of pip's output that says most about its failure."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it said nothing"])[-1]
