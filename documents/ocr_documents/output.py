"""Results into files: a file appears under its name when it is whole, and not before."""

from __future__ import annotations

import json
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol, cast

from ocr_documents.document import PageResult
from ocr_documents.errors import CannotWrite
from ocr_documents.formats import Format

if TYPE_CHECKING:
    from typing_extensions import Self

TEMPORARY = ".ocr-tmp"  # the end of the names of files that are not whole yet
_MOST_LINKS = 40  # that lead from one to the next, as the system has it
_SPOOL_BYTES = 16 << 20  # results of a document that are held in memory; more go to a temporary file


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Turn a failure to write into a `CannotWrite` that names the file.

    A pipe whose reader has gone is left alone.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotWrite(f"cannot write {str(what)!r}: {error.strerror or error}") from error


def spool(folder: Path | None) -> IO[bytes]:
    """Return a file without a name: in memory while it is small, then in a folder; None for that of temporary files."""
    where = None if folder is None else str(folder)
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=where))


class NewFile:
    """A file that gets its name when it is whole: it is written under another one, and renamed.

    A link is followed. What is no plain file (a pipe, a device) is written to directly, and so is an open file of this
    process (/dev/stdout), at the place where it stands.

    Args:
        path: its name; folders above it are made. A file of that name is replaced.
        temporary_folder: where it is written, in the same file system; by default the folder of `path`.

    Attributes:
        path: its name.
        folder: where it is written; None where it is written to directly.
        file: to write to.

    Raises:
        CannotWrite: as do all methods.
    """

    folder: Path | None = None

    def __init__(self, path: Path, temporary_folder: Path | None = None) -> None:
        self.path = path
        self._target = path
        self._temporary: Path | None = None
        with writing(path):
            if is_plain(path):
                self._target = Path(os.path.realpath(path))
                self._target.parent.mkdir(parents=True, exist_ok=True)
                self.folder = temporary_folder or self._target.parent
                self._temporary = self.folder / f".{secrets.token_hex(8)}{TEMPORARY}"
            self.file: BinaryIO = self._temporary.open("xb") if self._temporary is not None else _directly(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()

    def write(self, content: bytes) -> None:
        """Write more of it."""
        with writing(self.path):
            self.file.write(content)

    def commit(self) -> None:
        """Give it its name."""
        try:
            with writing(self.path):
                self.file.flush()
                if self._temporary is not None:
                    os.fsync(self.file.fileno())
                self.file.close()
                if self._temporary is not None:
                    self._temporary.replace(self._target)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written."""
        with suppress(OSError):  # what is still in the buffer may not find room; it is not wanted
            self.file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


def is_plain(path: Path) -> bool:
    """Whether a path is that of a plain file, or of none yet, and not that of an open file of this process."""
    try:
        return _descriptor(path) is None and stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True


def _directly(path: Path) -> BinaryIO:
    number = _descriptor(path)
    return path.open("wb") if number is None else os.fdopen(os.dup(number), "wb")


def _descriptor(path: Path) -> int | None:
    """The number of the open file of this process that a path such as /dev/stdout or /dev/fd/3 stands for."""
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if folder == f"/proc/{os.getpid()}/fd" and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(folder, path.readlink())
    return None


class Target(Protocol):
    """Where a document is written to: a `NewFile`, or something that stands for it.

    Attributes:
        path: what messages call it.
        folder: where more may be kept on disk for it; None for the folder of temporary files.
        file: to write to.
    """

    path: Path
    folder: Path | None
    file: BinaryIO

    def write(self, content: bytes) -> None:
        """Write more of it."""
        ...

    def commit(self) -> None:
        """Let it appear."""
        ...

    def discard(self) -> None:
        """Remove what was written."""
        ...


class TextDocument:
    """A document in a text format, written page by page.

    Args:
        form: a new one for every document.
        name: of the document, as the format shows it.
        pages: how many will come.
        target: where it goes.
    """

    def __init__(self, form: Format, name: str, pages: int, target: Target) -> None:
        self._form = form
        self._target = target
        try:
            self._write(form.head(name, pages))
        except CannotWrite:
            target.discard()
            raise

    def page(self, page: PageResult) -> None:
        """Write a page; they come in order."""
        self._write(self._form.page(page))

    def finish(self) -> None:
        """Write the end, and give the file its name."""
        self._write(self._form.tail())
        self._target.commit()

    def discard(self) -> None:
        """Remove what was written."""
        self._target.discard()

    def _write(self, text: str) -> None:
        self._target.write(text.encode("utf-8", "replace"))  # a PDF's own text may hold half a surrogate pair


WritePages = Callable[[Iterable[PageResult], BinaryIO], None]


class GatheredDocument:
    """A document that is written once all its pages are there. They are kept on disk until then.

    Args:
        write: writes all pages.
        target: where they go.
    """

    def __init__(self, write: WritePages, target: Target) -> None:
        self._write = write
        self._target = target
        self._spool = spool(target.folder)

    def page(self, page: PageResult) -> None:
        """Keep a page; they come in order."""
        with writing(self._target.path):
            self._spool.write(json.dumps(page.to_dict()).encode() + b"\n")

    def finish(self) -> None:
        """Write the document, and give the file its name."""
        try:
            self._spool.seek(0)
            with writing(self._target.path):
                self._write((PageResult.from_dict(json.loads(line)) for line in self._spool), self._target.file)
            self._target.commit()
        except BaseException:
            self.discard()
            raise
        self._spool.close()

    def discard(self) -> None:
        """Remove what was written."""
        self._spool.close()
        self._target.discard()


DocumentFile = TextDocument | GatheredDocument
