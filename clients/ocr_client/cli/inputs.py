"""What stands on the command line to the documents it means: files, folders, patterns, archives, and - for stdin."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from ocr_client.cli.archives import ARCHIVE_SUFFIXES, MOST_BYTES, members, read_member, safe_path
from ocr_client.errors import UsageError
from ocr_contract.errors import OcrError
from ocr_documents.errors import DocumentError, DocumentTooLarge, reading

# What is looked for in folders. A file named on its own is opened whatever its suffix is.
SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".pdf", *ARCHIVE_SUFFIXES]
)
STDIN = "-"


@dataclass(frozen=True)
class Source:
    """One document to read.

    Attributes:
        name: of its file, as results show it.
        path: its file, or the archive that it is in; None for standard input.
        output: path of what is written about it, without suffix, below the output folder.
        member: what it is in the archive; None for a file.
        named: whether it stands on the command line itself; false for what was found in a folder or by a pattern.
        error: why it cannot be read, where that is known already.
    """

    name: str
    path: Path | None
    output: PurePath
    member: zipfile.ZipInfo | None = None
    named: bool = True
    error: OcrError | None = None

    def content(self) -> Path | bytes:
        """Return its file, or its bytes where they can be read only once or lie in an archive.

        Raises:
            OcrError: they cannot be read.
        """
        if self.error is not None:
            raise self.error
        if self.path is None:
            return _bounded(sys.stdin.buffer.read(MOST_BYTES + 1))
        if self.member is not None:
            return read_member(self.path, self.member)
        if self.path.is_file() or not self.path.exists():
            return self.path
        with reading(), self.path.open("rb") as pipe:
            return _bounded(pipe.read(MOST_BYTES + 1))


@dataclass(frozen=True)
class _Found:
    """A file that an argument means, before it has a name and an output.

    Attributes:
        path: of the file; None for standard input.
        below: where it lies below the argument.
        named: see `Source`.
    """

    path: Path | None
    below: PurePath
    named: bool = False


def expand(arguments: Iterable[str], without: Collection[Path] = ()) -> list[Source]:
    """Return the documents that the arguments mean, in their order; a file met twice is read once.

    Folders and archives are searched to their depths, in the order of names, without hidden files; patterns (*, ?,
    [...], ** for any depth) are those the shell has left alone. Archives in archives are not opened.

    Args:
        arguments: of the command line.
        without: folders that are not searched, since results are written there; an argument may name one itself.

    Raises:
        UsageError: when an argument means no document, or - stands there twice or for nothing.
    """
    sources: list[Source] = []
    seen: set[Path | None] = set()
    taken: dict[PurePath, int] = {}
    skipped = {Path(os.path.realpath(folder)) for folder in without}
    for argument in arguments:
        for found in _files(argument, skipped):
            key = None if found.path is None else Path(os.path.realpath(found.path))
            if key in seen:
                if key is None:
                    raise UsageError("- stands for standard input, which can be read only once")
                continue
            seen.add(key)
            for source in _documents(found):
                sources.append(replace(source, output=free_output(source.output, taken)))
    return sources


def _documents(found: _Found) -> Iterator[Source]:
    """Yield the documents of a file: itself, or those in an archive."""
    path, below = found.path, found.below
    name = STDIN if path is None else printable(os.fsencode(path).decode("utf-8", "replace"))
    if path is None or path.suffix.lower() not in ARCHIVE_SUFFIXES:
        yield Source(name, path, below.with_suffix(""), named=found.named)
        return
    folder = PurePath() if found.named else below.with_suffix("")
    try:
        inside = sorted((safe_path(member), at, member) for at, member in enumerate(members(path)))
    except DocumentError as error:
        yield Source(name, path, below.with_suffix(""), named=False, error=error)
        return
    documents = [
        Source(f"{name}/{printable(str(at))}", path, (folder / at).with_suffix(""), member, named=False)
        for at, _, member in inside
        if not any(part.startswith(".") for part in at.parts)
        and _is_document(at.name)
        and at.suffix.lower() not in ARCHIVE_SUFFIXES
    ]
    if found.named and not documents:
        raise UsageError(f"the archive {name!r} holds no document ({_suffixes()})")
    yield from documents


def _files(argument: str, skipped: Set[Path]) -> Iterator[_Found]:
    """Yield the files that one argument means."""
    if argument == STDIN:
        if sys.stdin is None:  # what Python makes of a closed one
            raise UsageError("- stands for standard input, which is closed")
        yield _Found(None, PurePath("stdin"), named=True)
        return
    path = Path(argument)
    if path.is_dir():
        found = _in_folder(path, skipped)
        if not found:
            raise UsageError(f"the folder {argument!r} holds no document ({_suffixes()})")
        yield from (_Found(file, file.relative_to(path)) for file in found)
    elif path.exists():
        yield _Found(path, PurePath(path.name), named=True)
    elif any(character in argument for character in "*?["):
        matches = _matches(argument, skipped)
        if not matches:
            raise UsageError(f"the pattern {argument!r} matches no document")
        yield from (_Found(file, PurePath(file.name)) for file in matches)
    else:
        raise UsageError(f"there is no file or folder {argument!r}")


def _in_folder(folder: Path, skipped: Set[Path]) -> list[Path]:
    """Return the documents in a folder and in those below it, sorted."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and Path(os.path.realpath(Path(root, name))) not in skipped
        ]
        found += [Path(root, name) for name in names if _is_document(name)]
    return sorted(found)


def _matches(pattern: str, skipped: Set[Path]) -> list[Path]:
    """Return the documents that a pattern names, and those in the folders that it names, sorted.

    As in a shell, only a pattern that writes a leading dot matches hidden names.
    """
    path = Path(pattern)
    root, rest = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (Path(), path)
    found: list[Path] = []
    for match in sorted(root.glob(str(rest))):
        if any(part.startswith(".") and part not in path.parts for part in match.parts):
            continue
        real = Path(os.path.realpath(match))
        if real in skipped or not skipped.isdisjoint(real.parents):
            continue
        if match.is_dir():
            found += _in_folder(match, skipped)
        elif _is_document(match.name):
            found.append(match)
    return found


def _is_document(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _suffixes() -> str:
    return " ".join(sorted(SUFFIXES))


def _bounded(content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise DocumentTooLarge(f"has more than {MOST_BYTES >> 20} MiB; name it as a file")
    return content


def printable(name: str) -> str:
    """Return a name that can be shown on a terminal: control characters are replaced."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)


def free_output(wanted: PurePath, taken: dict[PurePath, int]) -> PurePath:
    """Return `wanted`, numbered when another output has that name already.

    Args:
        wanted: a name.
        taken: the names that are used, with the number that was last given to each; the new one is added.
    """
    choice, number = wanted, taken.get(wanted, 0)
    while choice in taken:
        number += 1
        choice = wanted.with_name(f"{wanted.name}-{number}")
        taken[wanted] = number
    taken[choice] = 1
    return choice
