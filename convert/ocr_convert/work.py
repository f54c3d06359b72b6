"""Folders for work in progress. One whose owner was killed is found by its lock, and removed by the next run.

Beside each folder lies a file that its owner keeps locked while it lives. Whoever can lock it knows that the owner is
dead, however that died. The file is made before the folder and removed after it, so no folder is ever without one.
"""

import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ocr_convert.errors import ConvertError, StorageError

PREFIX = "ocr-convert-work-"
LOCK = ".lock"
_LOCK_NAME = re.compile(rf"\.?{PREFIX}[0-9a-f]{{16}}{re.escape(LOCK)}")
ROOM_BYTES = 1 << 20  # with less than this free, a folder counts as full


@contextmanager
def work_folder(parent: Path | None = None, other: str = "name another folder with TMPDIR") -> Iterator[Path]:
    """A new folder that goes away with the block, or with the next run when this one is killed.

    Args:
        parent: where it is made, hidden; by default the folder for temporary files.
        other: what the user can do beside freeing space there.

    Raises:
        StorageError: it cannot be made, or what is done in the block fails for want of room or rights.
    """
    try:
        where = Path(tempfile.gettempdir()) if parent is None else parent
    except FileNotFoundError as error:  # none of them can be written to
        raise StorageError(f"{error.strerror}: free space there, or {other}") from error
    try:
        remove_abandoned(where)
        folder, lock = _make(where, "" if parent is None else ".")
        try:
            yield folder
        except ConvertError:  # paddle2onnx, for one, writes half a network and does not say so
            require_room(folder)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _lock_of(folder).unlink(missing_ok=True)
            os.close(lock)
    except OSError as error:
        raise StorageError(_sentence(where, other, error)) from error


def _sentence(where: Path, other: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    if isinstance(error.filename, str) and not Path(error.filename).is_relative_to(where):
        return f"{error.filename} cannot be read or written: {reason}"
    return f"{where} cannot be written: {reason}; free space or get rights there, or {other}"


def require_room(folder: Path, size_bytes: int = ROOM_BYTES) -> None:
    """Find out whether something that has failed in `folder` failed because no more can be written there.

    Raises:
        OSError: no file of so many bytes can be.
    """
    with tempfile.TemporaryFile(dir=folder) as probe:
        os.posix_fallocate(probe.fileno(), 0, size_bytes)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK)


def _make(where: Path, hidden: str) -> tuple[Path, int]:
    """The folder, and the descriptor of its lock, which the process holds until it closes it or ends."""
    while True:
        folder = where / f"{hidden}{PREFIX}{secrets.token_hex(8)}"
        lock = os.open(_lock_of(folder), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:  # else another run took it for abandoned before it was locked
                folder.mkdir(mode=0o700)
                return folder, lock
        except OSError:
            os.close(lock)
            raise
        os.close(lock)


def remove_abandoned(where: Path) -> None:
    """Remove what lies in a folder of runs that were killed.

    Raises:
        OSError: it cannot be listed.
    """
    for path in where.iterdir():
        if _LOCK_NAME.fullmatch(path.name):
            with suppress(OSError):  # its owner lives, or it is another user's, or another run removes it as well
                _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        state = os.fstat(lock)
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid():
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder = path.with_name(path.name.removesuffix(LOCK))
        if folder.is_dir():
            shutil.rmtree(folder)
        path.unlink()
    finally:
        os.close(lock)
