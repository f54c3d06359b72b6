"""What `--input` means: files, folders, patterns, and the same in object stores."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
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
_MOST_NS = 2**63 - 1  # file systems know years after 2262, the tables do not
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
            if _place(found.setdefault(one.path, one)) != _place(one):
                raise JobRefused(
                    f"two inputs would have the name {one.path!r} in the tables: rename one, or read it in another job"
                )
        if not met:
            raise JobRefused(f"--input {shown(argument)!r} holds no document ({' '.join(sorted(SUFFIXES))})")
    return [found[path] for path in sorted(found)]


def _here(argument: str, skipped: str) -> Iterator[Input]:
    """Yield the files of this machine that an argument means."""
    if not argument:  # a variable of the shell that is not set; its folder is not meant
        raise JobRefused("--input '' is empty: give a file, a folder or a pattern")
    path = Path(os.path.abspath(argument))  # noqa: PTH100 -- links stay as the user writes them
    if path.is_dir():
        for root, folders, names in os.walk(path, onerror=_not_listed):
            folders[:] = [name for name in folders if not _is_hidden(name, root, skipped)]
            yield from (_file(Path(root, name)) for name in names if _is_document(name) and not name.startswith("."))
    elif path.exists():
        yield _file(path)
    elif _MAGIC.search(argument):
        root, *parts = path.parts
        yield from (_file(match) for match in _matching(Path(root), parts, skipped) if _is_document(match.name))
    else:
        raise JobRefused(f"there is no file or folder {argument!r}")


def _is_hidden(name: str, root: str, skipped: str) -> bool:
    return name.startswith(".") or os.path.realpath(Path(root, name)) == skipped


def _matching(folder: Path, parts: Sequence[str], skipped: str) -> Iterator[Path]:
    """Yield the files below a folder that the parts of a pattern mean.

    As everywhere, `**` goes into no hidden folder. Nor does it follow links to folders: these may lead in circles.
    """
    part, *left = parts
    if part == "**":
        yield from _matching(folder, left or ["*"], skipped)
        for entry in _entries(folder, skipped):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from _matching(folder / entry.name, parts, skipped)
        return
    if _MAGIC.search(part):
        wanted = _compiled(part)
        names = [entry.name for entry in _entries(folder, skipped) if wanted.fullmatch(entry.name)]
    else:
        names = [part]
    for path in (folder / name for name in names):
        if left and path.is_dir():
            yield from _matching(path, left, skipped)
        elif not left and path.is_file():
            yield path


def _entries(folder: Path, skipped: str) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing in the one that is skipped."""
    if os.path.realpath(folder) == skipped:
        return []
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        _not_listed(error)
        return []


def _not_listed(error: OSError) -> None:
    """Refuse a folder that cannot be listed: its inputs would be missing without a word. One that has gone is none."""
    if not isinstance(error, FileNotFoundError):
        raise JobRefused(
            f"the folder {error.filename!r} cannot be listed ({error.strerror}): make it readable, or name those "
            "beside it as inputs"
        ) from error


def _place(one: Input) -> tuple[str, bytes]:
    """Where an input lies: one that several arguments mean has the same place."""
    return urlsplit(one.store).query, one.location


def _file(path: Path) -> Input:
    location = os.fsencode(path)
    try:
        status = path.stat()
        size, modified = status.st_size, max(-_MOST_NS - 1, min(status.st_mtime_ns, _MOST_NS))
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
        wanted = _compiled(pattern or "**")
        for info in store.get_file_info(fs.FileSelector(path, recursive=True)):
            below = info.path.removeprefix(root).lstrip("/")
            if info.type is fs.FileType.File and _is_document(info.base_name) and wanted.fullmatch(below):
                yield found(info, f"{name}/{below}")
    except FileNotFoundError as error:
        raise JobRefused(f"there is no folder {name!r}") from error
    except OSError as error:
        raise JobRefused(f"{shown(uri)!r} cannot be listed: {first_line(error)}") from error
    except UnicodeDecodeError as error:
        raise JobRefused(f"{shown(uri)!r} holds a name that is not UTF-8: give its path, and not a URI") from error


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


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression; see `_expression`.

    Raises:
        JobRefused: it is none.
    """
    try:
        return re.compile(_expression(pattern))
    except re.error as error:
        raise JobRefused(f"{pattern!r} is no pattern: {error.msg}") from error


def _expression(pattern: str) -> str:
    """A pattern as a regular expression: *, ? and [...] stay within a folder, ** does not; none takes a leading dot."""
    parts = []
    given = pattern.split("/")
    for part in [*given, "*"] if given[-1] == "**" else given:
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
