"""What has been read, noted on disk, so that a job that was cut off can go on.

    lock                      held by the process that works here
    parts/<key>-<page>.json   a page that was read; the key stands for all that its result depends on
    done/<hash of a name>     the key of the document that the output of that name was made from

Every file is written under another name, synced and renamed. A part that is not whole, or of another key, counts as
none.
"""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path, PurePath
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from ocr_contract import __version__
from ocr_contract.errors import InvalidResult
from ocr_documents.document import RESULTS, PageResult
from ocr_documents.errors import JobInUse
from ocr_documents.output import TEMPORARY, NewFile, writing

if TYPE_CHECKING:
    from typing_extensions import Self

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LAYOUT = 1  # of a part; another one makes other keys


def key(**depends_on: Any) -> str:
    """Return the name of a result: a hash of all that it depends on, this program's version included."""
    text = json.dumps({**depends_on, "version": __version__, "layout": _LAYOUT}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest(file: Path | bytes) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    sha = hashlib.sha256(file if isinstance(file, bytes) else b"")
    if isinstance(file, Path):
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                sha.update(block)
    return sha.hexdigest()


class JobState:
    """The notes of a job. One process holds them at a time.

    Args:
        folder: of the notes; the outputs lie in the folder that it is in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Take hold of them, and remove what a process that was killed left half-written.

        Raises:
            JobInUse: another process holds them.
            CannotWrite: there can be no notes here.
        """
        with writing(self.folder):
            for name in ("parts", "done"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("ab")
            try:
                held = _try_to_lock(lock)
            except OSError:
                lock.close()
                raise
        if not held:
            lock.close()
            raise JobInUse(f"another process works on {str(self.folder.parent)!r}: let it end, or stop it")
        self._lock = lock
        with writing(self.folder):
            for left_over in self.folder.rglob(f"*{TEMPORARY}"):
                left_over.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.close()  # which gives the lock back

    def parts(self, key: str) -> Parts:
        """Return the pages of a document that were read."""
        return Parts(self.folder / "parts", key)

    def is_finished(self, output: PurePath, key: str) -> bool:
        """Whether an output of this name is there, and was made from a document of this key.

        Args:
            output: below the folder of the outputs.
            key: of the document, the format and the pages.
        """
        try:
            noted = self._mark(output).read_text("ascii", "replace")
        except FileNotFoundError:
            return False
        return noted == key and (self.folder.parent / output).is_file()

    def finish(self, output: PurePath, key: str) -> None:
        """Note that an output was made from the document of this key.

        Raises:
            CannotWrite: it cannot be noted.
        """
        with NewFile(self._mark(output)) as mark:
            mark.write(key.encode())

    def forget(self, output: PurePath) -> None:
        """Note that an output is no longer the one that was noted, if one was."""
        with writing(self._mark(output)):
            self._mark(output).unlink(missing_ok=True)

    def _mark(self, output: PurePath) -> Path:
        return self.folder / "done" / hashlib.sha256(output.as_posix().encode("utf-8", "surrogateescape")).hexdigest()


class Parts:
    """Pages of one document that were read."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key

    def load(self, number: int) -> PageResult[Any] | None:
        """Return what was noted of a page; None when nothing was, or it is not whole, or another document's."""
        try:
            seal, _, body = self._file(number).read_bytes().partition(b"\n")
        except OSError:
            return None
        if seal != self._seal(body):
            return None
        try:
            page = PageResult.from_dict(json.loads(body), tuple(RESULTS))
        except (ValueError, TypeError, KeyError, AttributeError, InvalidResult):
            return None
        return page if page.number == number else None

    def save(self, page: PageResult[Any]) -> None:
        """Note a page.

        Raises:
            CannotWrite: it cannot be noted.
        """
        body = json.dumps(page.to_dict()).encode()
        with NewFile(self._file(page.number)) as part:
            part.write(self._seal(body) + b"\n" + body)

    def remove(self) -> None:
        """Forget all pages of the document."""
        for part in self._folder.glob(f"{self._key}-*.json"):
            with suppress(OSError):  # a part that stays does no harm
                part.unlink()

    def _file(self, number: int) -> Path:
        return self._folder / f"{self._key}-{number}.json"

    def _seal(self, body: bytes) -> bytes:
        """What shows that a part is whole, and of this document."""
        return hashlib.sha256(self._key.encode() + body).hexdigest().encode()


def _try_to_lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed, or the process ends; False when another process has it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
