"""What `--input` means: files, folders, patterns, and the same in object stores."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow import fs

from ocr_client.cli.archives import ARCHIVE_SUFFIXES
from ocr_client.cli.inputs import SUFFIXES as CLIENT_SUFFIXES
from ocr_jobs.errors import JobRefused
from ocr_jobs.storage import first_line, is_uri, open_store, shown

SUFFIXES = CLIENT_SUFFIXES - ARCHIVE_SUFFIXES
_MAGIC = re.compile(r"[*?\[]")
_PIECES = re.compile(r"\*|\?|\[!?\]?[^\]]*\]|[^*?\[]+|\[")


@dataclass(frozen=True)
class Input:
    r"""A file to read.

    Attributes:
        path: absolute path or URI; what the tables call it. Bytes of a name that are not UTF-8 stand as \xNN.
        store: URI by which its file system is opened; "" for this machine.
        location: its path in that file system.
        size_bytes: when it was listed; -1 where that is not known.
        modified_ns: time of its last change, nanoseconds since 1970; 0 where that is not known.
    """

    path: str
    store: str
    location: bytes
    size_bytes: int
    modified_ns: int


def list_inputs(arguments: Iterable[str], without: Path) -> list[Input]:
    """Return the inputs that the arguments mean, sorted by path, each once.

    Args:
        arguments: files, folders, patterns or URIs of these.
        without: a folder that is not searched, since results are written there.

    Raises:
        JobRefused: an argument means no input, or cannot be listed.
    """
    skipped = os.path.realpath(without)
    found: dict[str, Input] = {}
    for argument in arguments:
        met = False
        for one in _in_store(argument) if is_uri(argument) else _here(argument, skipped):
            met = True
            found.setdefault(one.path, one)
        if not met:
            raise JobRefused(f"--input {shown(argument)!r} holds no document ({' '.join(sorted(SUFFIXES))})")
    return [found[path] for path in sorted(found)]


def _here(argument: str, skipped: str) -> Iterator[Input]:
    """Yield the files of this machine that an argument means."""
    path = Path(os.path.abspath(argument))  # noqa: PTH100 -- links stay as the user writes them
    if path.is_dir():
        for root, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not _is_hidden(name, root, skipped)]
            yield from (_file(Path(root, name)) for name in names if _is_document(name) and not name.startswith("."))
    elif path.exists():
        yield _file(path)
    elif _MAGIC.search(argument):
        for match in map(Path, glob.iglob(str(path), recursive=True)):  # noqa: PTH207 -- a Path's `**` takes hidden folders
            if _is_document(match.name) and match.is_file() and skipped not in map(str, _real_parents(match)):
                yield _file(match)
    else:
        raise JobRefused(f"there is no file or folder {argument!r}")


def _is_hidden(name: str, root: str, skipped: str) -> bool:
    return name.startswith(".") or os.path.realpath(Path(root, name)) == skipped


def _real_parents(path: Path) -> Iterable[Path]:
    return Path(os.path.realpath(path)).parents


def _file(path: Path) -> Input:
    location = os.fsencode(path)
    try:
        status = path.stat()
        size, modified = status.st_size, status.st_mtime_ns
    except OSError:  # gone already, or not to be looked at: reading it will say so
        size, modified = -1, 0
    return Input(location.decode("utf-8", "backslashreplace"), "", location, size, modified)


def _in_store(uri: str) -> Iterator[Input]:
    """Yield the files in a store that a URI means."""
    folder, pattern = _cut(uri)
    store, path = open_store(folder)
    root = path.rstrip("/")
    parts = urlsplit(folder)
    # What the tables show has neither keys nor options of the store in it.
    name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"

    def found(info: fs.FileInfo, path: str) -> Input:
        size = -1 if info.size is None else info.size
        return Input(path, folder, info.path.encode(), size, info.mtime_ns or 0)

    try:
        if not pattern:
            (info,) = store.get_file_info([path])
            if info.type is fs.FileType.File:
                yield found(info, name)
                return
            if info.type is fs.FileType.NotFound:
                raise JobRefused(f"there is no file or folder {shown(uri)!r}")
        wanted = re.compile(_expression(pattern or "**/*"))
        for info in store.get_file_info(fs.FileSelector(path, recursive=True)):
            below = info.path.removeprefix(root).lstrip("/")
            if info.type is fs.FileType.File and _is_document(info.base_name) and wanted.fullmatch(below):
                yield found(info, f"{name}/{below}")
    except FileNotFoundError as error:
        raise JobRefused(f"there is no folder {name!r}") from error
    except OSError as error:
        raise JobRefused(f"{shown(uri)!r} cannot be listed: {first_line(error)}") from error


def _cut(uri: str) -> tuple[str, str]:
    """Cut a URI at the folder before its first pattern; the pattern is "" where there is none."""
    plain, mark, query = uri.rpartition("?")
    if not mark or "=" not in query:  # a ? that stands for a character
        plain, query = uri, ""
    match = _MAGIC.search(plain)
    if match is None:
        return uri, ""
    at = plain.rindex("/", 0, match.start())
    return plain[:at] + (f"?{query}" if query else ""), plain[at + 1 :]


def _expression(pattern: str) -> str:
    """A pattern as a regular expression: *, ? and [...] stay within a folder, ** does not; none takes a leading dot."""
    parts = []
    for part in pattern.split("/"):
        if part == "**":
            parts.append(r"(?:[^/.][^/]*/)*")
            continue
        pieces = "".join(_piece(each) for each in _PIECES.findall(part))
        parts.append(("" if part.startswith(".") else r"(?!\.)") + pieces + "/")
    return "".join(parts).removesuffix("/")


def _piece(text: str) -> str:
    if text in ("*", "?"):
        return "[^/]*" if text == "*" else "[^/]"
    if text.startswith("[") and len(text) > 1:
        inside = text[1:-1].replace("\\", "\\\\")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(text)


def _is_document(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 -- quick, and there may be millions
