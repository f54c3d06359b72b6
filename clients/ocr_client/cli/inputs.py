"""What stands on the command line to the pictures it means: files, folders, patterns, and - for standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from ocr_client.errors import UsageError

# What the server decodes. A file named on its own is sent whatever its suffix is.
SUFFIXES = frozenset([".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"])
STDIN = "-"


@dataclass(frozen=True)
class Source:
    """One picture to read.

    Attributes:
        name: of its file, as results show it.
        path: its file; None for standard input.
        output: path of what is written about it, without suffix, below the output folder.
        page: the page of the file, from 1 on; 0 where the file is one picture.
        content: what was read of it already, from standard input or a pipe, which give it only once.
    """

    name: str
    path: Path | None
    output: PurePath
    page: int = 0
    content: bytes | None = None

    @property
    def picture(self) -> Path | bytes:
        """What is to be read."""
        return self.path if self.path is not None and self.content is None else self.content or b""

    @property
    def title(self) -> str:
        """Its name with the page, where there is one."""
        return f"{self.name}#{self.page}" if self.page else self.name


def expand(arguments: Iterable[str]) -> list[Source]:
    """Return the pictures that the arguments mean, in their order; a file met twice is read once.

    Folders are searched to their depths, in the order of names, without hidden files; patterns (*, ?, [...], ** for
    any depth) are those the shell has left alone.

    Raises:
        UsageError: when an argument means no picture, or - stands there twice or for nothing.
    """
    sources: list[Source] = []
    seen: set[Path | None] = set()
    taken: set[PurePath] = set()
    for argument in arguments:
        for path, below in _files(argument):
            key = None if path is None else Path(os.path.realpath(path))
            if key in seen:
                if key is None:
                    raise UsageError("- stands for standard input, which can be read only once")
                continue
            seen.add(key)
            sources.append(
                Source("-" if path is None else _printable(path), path, free_output(below.with_suffix(""), taken))
            )
    return sources


def _files(argument: str) -> Iterator[tuple[Path | None, PurePath]]:
    """Yield file and output path of each picture that one argument means."""
    if argument == STDIN:
        if sys.stdin is None:  # what Python makes of a closed one
            raise UsageError("- stands for standard input, which is closed")
        yield None, PurePath("stdin")
        return
    path = Path(argument)
    if path.is_dir():
        found = _pictures(path)
        if not found:
            raise UsageError(f"the folder {argument!r} holds no picture ({' '.join(sorted(SUFFIXES))})")
        yield from ((file, file.relative_to(path)) for file in found)
    elif path.exists():
        yield path, PurePath(path.name)
    elif any(character in argument for character in "*?["):
        matches = _matches(argument)
        if not matches:
            raise UsageError(f"the pattern {argument!r} matches no picture")
        yield from ((file, PurePath(file.name)) for file in matches)
    else:
        raise UsageError(f"there is no file or folder {argument!r}")


def _pictures(folder: Path) -> list[Path]:
    """Return the pictures in a folder and in those below it, sorted."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(root, name) for name in names if _is_picture(name)]
    return sorted(found)


def _matches(pattern: str) -> list[Path]:
    """Return the pictures that a pattern names, and those in the folders that it names, sorted.

    As in a shell, only a pattern that writes a leading dot matches hidden names.
    """
    path = Path(pattern)
    root, rest = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (Path(), path)
    found: list[Path] = []
    for match in sorted(root.glob(str(rest))):
        if any(part.startswith(".") and part not in path.parts for part in match.parts):
            continue
        if match.is_dir():
            found += _pictures(match)
        elif _is_picture(match.name):
            found.append(match)
    return found


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _printable(path: Path) -> str:
    """Return the path as text that can be printed: a name that is not UTF-8 gets replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")


def free_output(wanted: PurePath, taken: set[PurePath]) -> PurePath:
    """`wanted`, numbered when another picture's output has that name already; added to `taken`."""
    choice, number = wanted, 1
    while choice in taken:
        number += 1
        choice = wanted.with_name(f"{wanted.name}-{number}")
    taken.add(choice)
    return choice
