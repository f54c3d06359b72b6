"""Where results go: to standard output, to a file, or into a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ocr_client.cli.inputs import STDIN, Source
from ocr_client.errors import UsageError
from ocr_documents.output import is_plain


@dataclass(frozen=True)
class Destination:
    """Where the files of a run go.

    Attributes:
        folder: in which the outputs lie.
        file: name of the only output; None where each document gives one its own.
        suffix: of the outputs, with its dot.
    """

    folder: Path
    file: str | None
    suffix: str

    def output(self, source: Source) -> PurePath:
        """Return the name of a document's output, below the folder."""
        if self.file is not None:
            return PurePath(self.file)
        return source.output.with_name(f"{source.output.name}{self.suffix}")

    @property
    def notes(self) -> Path:
        """Folder of what --resume goes on with."""
        return self.folder / ".ocr-client"

    @property
    def keeps_files(self) -> bool:
        """Whether what is written can be found again: no pipe or device."""
        return self.file is None or is_plain(self.folder / self.file)


def choose(output: str | None, sources: Sequence[Source], suffix: str) -> Destination | None:
    """Return where results go; None for standard output.

    One document that is named itself goes to a file of that name, unless there is a folder of it, or it ends with a
    slash. All others go into a folder, also if a folder or pattern holds just one.

    Args:
        output: what --output says.
        sources: what will be read.
        suffix: of the format's files, with its dot.

    Raises:
        UsageError: a file where a folder is needed, or an output that is an input too.
    """
    if output is None or output == STDIN:
        return None
    path = Path(output)
    if path.is_dir() or output.endswith(("/", os.sep)) or len(sources) != 1 or not sources[0].named:
        if path.exists() and not path.is_dir():
            raise UsageError(f"--output: several documents go into a folder, and {output!r} is a file")
        if not path.exists() and path.suffix.lower() == suffix and not output.endswith(("/", os.sep)):
            raise UsageError(
                f"--output: several documents go into a folder, and {output!r} looks like a file; "
                f"write {output + '/'!r} if it is a folder"
            )
        destination = Destination(path, None, suffix)
    else:
        destination = Destination(path.parent, path.name, suffix)
    _refuse_inputs(destination, sources)
    return destination


def _refuse_inputs(destination: Destination, sources: Iterable[Source]) -> None:
    sources = list(sources)
    inputs = {identity for source in sources if source.path is not None and (identity := _identity(source.path))}
    for source in sources:
        output = destination.folder / destination.output(source)
        if _identity(output) in inputs:
            raise UsageError(f"--output: {str(output)!r} is an input, and would be overwritten: name another place")


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a plain file from others, whatever its name; None for what is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if is_plain(path) else None
