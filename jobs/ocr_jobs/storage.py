"""Where inputs lie: files of this machine, object stores through pyarrow, and other schemes through fsspec."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from ocr_jobs.errors import InputUnreadable, InputVanished, JobRefused

IN_MEMORY_BYTES = 32 << 20  # a larger file is read where it lies, or copied to a temporary one
_BLOCK_BYTES = 1 << 20
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_KEYS = re.compile(r"(?<=:)//[^@?]*@")  # keys should be escaped; not all are


def is_uri(text: str) -> bool:
    """Whether an argument is a URI, and not a path of this machine."""
    return _SCHEME.match(text) is not None


def shown(uri: str) -> str:
    """A URI, or a path, without the keys that may stand in it."""
    return uri if uri.startswith("file:") else _KEYS.sub("//", uri)


def open_store(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a URI and the path in it.

    Raises:
        JobRefused: there is no such store, or what reads it is not installed.
    """
    try:
        return fs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if "Unrecognized filesystem type" not in str(error):
            raise _not_opened(uri, error) from None
    try:
        import fsspec  # noqa: PLC0415 -- only for schemes that pyarrow does not know

        store, path = fsspec.core.url_to_fs(uri)
    except (ImportError, ValueError, OSError) as error:
        raise _not_opened(uri, error) from None
    return fs.PyFileSystem(fs.FSSpecHandler(store)), path


class Stores:
    """File systems of URIs, each opened once; for several threads."""

    def __init__(self) -> None:
        self._stores: dict[str, fs.FileSystem] = {}
        self._lock = threading.Lock()

    def open(self, uri: str) -> fs.FileSystem:
        """Return the file system of a URI; see `open_store`."""
        with self._lock:
            if uri not in self._stores:
                self._stores[uri] = open_store(uri)[0]
            return self._stores[uri]


@contextmanager
def fetched(stores: Stores, store: str, location: bytes) -> Iterator[tuple[Path | bytes, str, int]]:
    """Hold the content of an input, its SHA-256 (hexadecimal) and its length in bytes.

    Content is bytes where it is at most `IN_MEMORY_BYTES`, else a file; that of a store is a temporary one then, and
    removed at the end.

    Args:
        stores: where URIs lead.
        store: URI of its file system; "" for this machine.
        location: its path there.

    Raises:
        InputVanished: it is not there.
        InputUnreadable: it cannot be read.
    """
    with ExitStack() as held:
        try:
            if store:
                with stores.open(store).open_input_stream(location.decode()) as stream:
                    content = _content(stream, None, held)
            else:
                path = Path(os.fsdecode(location))
                if path.exists() and not (path.is_file() or path.is_dir()):  # to open a pipe may take for ever
                    raise InputUnreadable("cannot be read: it is a pipe, a socket or a device, and no file")
                with path.open("rb") as file:
                    content = _content(file, path, held)
        except FileNotFoundError as error:
            raise InputVanished("is gone: it was there when the job listed its inputs") from error
        except JobRefused as error:
            raise InputUnreadable(str(error)) from error
        except (OSError, ValueError) as error:
            raise InputUnreadable(f"cannot be read: {getattr(error, 'strerror', None) or first_line(error)}") from error
        yield content


def _content(stream: Any, own: Path | None, held: ExitStack) -> tuple[Path | bytes, str, int]:
    """Read a stream to its end; a long one is its own file, or copied to one that is removed with `held`."""
    head = stream.read(IN_MEMORY_BYTES + 1)
    sha, size = hashlib.sha256(head), len(head)
    if size <= IN_MEMORY_BYTES:
        return bytes(head), sha.hexdigest(), size
    with ExitStack() as written:
        copy = None
        if own is None:
            own = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ocr-jobs-")), "input")
            copy = written.enter_context(own.open("wb"))
            copy.write(head)
        del head
        while block := stream.read(_BLOCK_BYTES):
            sha.update(block)
            size += len(block)
            if copy is not None:
                copy.write(block)
    return own, sha.hexdigest(), size


def _not_opened(uri: str, error: BaseException) -> JobRefused:
    """The error of a store; not raised from the other one, which may quote the keys."""
    return JobRefused(f"{shown(uri)!r} cannot be opened: {first_line(error).replace(uri, shown(uri))}")


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
