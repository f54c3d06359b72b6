"""What the command line says: results on standard output, progress and failures on standard error."""

from __future__ import annotations

import errno
import sys
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ocr_client.cli.formats import Format, header, render
from ocr_client.cli.inputs import Source
from ocr_contract.result import OcrResult

if TYPE_CHECKING:
    from typing_extensions import Self


class Report:
    """Prints results as they come, in one format, with a progress bar where a person watches many pictures.

    Args:
        form: of the results.
        pictures: how many there are.
    """

    def __init__(self, form: Format, pictures: int) -> None:
        self._form = form
        self._pictures = pictures
        self._printed = 0
        self._failures: list[tuple[str, str]] = []
        self._console = Console(stderr=True)
        columns = (
            TextColumn("reading"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        # Results on standard output go through the bar's console (below), so rich need not catch them.
        self._progress = Progress(*columns, console=self._console, transient=True, redirect_stdout=False)
        self._task = self._progress.add_task("", total=pictures)
        self._watched = False

    def __enter__(self) -> Self:
        """Begin to print.

        Raises:
            OSError: nobody takes the results.
        """
        if sys.stdout is None:  # what Python makes of a closed one
            raise OSError(errno.EBADF, "standard output is closed")
        self._watch()
        if (line := header(self._form)) is not None:
            self._print(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watched:
            self._progress.stop()

    @property
    def failed(self) -> bool:
        """Whether any picture failed."""
        return bool(self._failures)

    def expect(self, more: int) -> None:
        """Count on so many more pictures."""
        self._pictures += more
        self._progress.update(self._task, total=self._pictures)
        self._watch()

    def result(self, source: Source, result: OcrResult) -> None:
        """Print what was read on a picture."""
        titled = self._form is Format.TEXT and self._pictures > 1
        text = render(source, result, self._form, titled=titled)
        if titled and self._printed:
            text = "\n" + text
        if text:
            self._print(text)
        self._printed += 1

    def failure(self, name: str, error: Exception) -> None:
        """Note that a picture failed; the list is printed at the end."""
        self._failures.append((name, str(error)))

    def advance(self, name: str) -> None:
        """Move the bar by one picture."""
        self._progress.update(self._task, advance=1, description=PurePath(name).name)

    def print_failures(self) -> None:
        """Print the list of what failed, if anything did."""
        if not self._failures:
            return
        typer.echo(f"{len(self._failures)} of {self._pictures} failed:", err=True)
        for name, message in self._failures:
            typer.echo(f"  {name}: {message}", err=True)

    def _watch(self) -> None:
        """Show the bar once there are several pictures."""
        if not self._watched and self._pictures > 1 and self._console.is_terminal:
            self._watched = True
            self._progress.start()

    def _print(self, text: str) -> None:
        if self._watched and sys.stdout.isatty():
            self._console.out(text, highlight=False)  # bar and results share the screen
        else:
            typer.echo(text)
