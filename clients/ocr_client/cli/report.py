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

if TYPE_CHECKING:
    from typing_extensions import Self


class Report:
    """Prints results as they come, with a progress bar in pages where a person watches several.

    Args:
        documents: how many there are.
        by_page: whether pages are listed where they fail; documents otherwise.
        prints: whether results go to standard output.
    """

    def __init__(self, documents: int, *, by_page: bool, prints: bool) -> None:
        self._documents, self._by_page, self._prints = documents, by_page, prints
        self._pages = documents  # one each until more are known of
        self._left = 1  # pages of the document that is being read, or is next
        self._kept = self._finished = 0
        self._failures: list[tuple[str, str]] = []
        self._console = Console(stderr=True)
        columns = (
            TextColumn("reading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("pages"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
        )
        # Results on standard output go through the bar's console (below), so rich need not catch them.
        self._progress = Progress(*columns, console=self._console, transient=True, redirect_stdout=False)
        self._task = self._progress.add_task("", total=documents)
        self._watched = False

    def __enter__(self) -> Self:
        """Begin to print.

        Raises:
            OSError: nobody takes the results.
        """
        if self._prints and sys.stdout is None:  # what Python makes of a closed one
            raise OSError(errno.EBADF, "standard output is closed")
        self._watch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watched:
            self._progress.stop()

    @property
    def failed(self) -> bool:
        """Whether anything failed."""
        return bool(self._failures)

    def begin(self, pages: int) -> None:
        """Begin a document, which was taken for one of one page, and has so many to be read."""
        self._pages += pages - 1
        self._left = pages
        self._progress.update(self._task, total=self._pages)
        self._watch()

    def end(self, name: str) -> None:
        """End a document; pages of it that were given up count as done."""
        self.advance(name, self._left)
        self._left = 1

    def failure(self, name: str, error: Exception) -> None:
        """Note that a document or a page failed; the list is printed at the end."""
        self._failures.append((name, str(error)))

    def kept(self) -> None:
        """Note that a page carries text, and was not read."""
        self._kept += 1

    def finished(self) -> None:
        """Note that a document was finished by an earlier run."""
        self._finished += 1

    def advance(self, name: str, pages: int = 1) -> None:
        """Move the bar."""
        self._left -= pages
        self._progress.update(self._task, advance=pages, description=PurePath(name).name)

    def print_summary(self) -> None:
        """Print what was not read, and what failed."""
        if self._finished:
            is_one = self._finished == 1
            typer.echo(f"{self._finished} document{' was' if is_one else 's were'} finished before", err=True)
        if self._kept:
            pages, these = ("page carries", "was kept") if self._kept == 1 else ("pages carry", "were kept")
            them = "it" if self._kept == 1 else "them"
            typer.echo(
                f"{self._kept} {pages} text already and {these}; --existing-text read reads {them} too", err=True
            )
        if self._failures:
            tried = self._pages if self._by_page else self._documents
            typer.echo(f"{len(self._failures)} of {tried} failed:", err=True)
            for name, message in self._failures:
                typer.echo(f"  {name}: {message}", err=True)

    def print(self, text: str) -> None:
        """Print a part of the results."""
        if self._watched and sys.stdout.isatty():
            self._console.out(text, highlight=False, end="")  # bar and results share the screen
        else:
            typer.echo(text, nl=False)

    def _watch(self) -> None:
        """Show the bar once there are several pages."""
        if not self._watched and self._pages > 1 and self._console.is_terminal:
            self._watched = True
            self._progress.start()
