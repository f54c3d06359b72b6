"""What the user sees: named steps with their times, notes, and progress bars for downloads (on a terminal)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class ShowProgress(Protocol):
    """Shows how far a download has come."""

    def __call__(self, received_bytes: int, known_total_bytes: int | None = None) -> None:
        """Take the bytes received so far and, once known, their total."""


class Reporter:
    """Writes steps and notes to a console; a quiet one writes nothing."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Name a step when it begins and state its time, in seconds, when it has ended well."""
        self.console.print(f"{name} ...", markup=False)
        started = time.perf_counter()
        yield
        self.console.print(f"{name}: done in {time.perf_counter() - started:.1f} s", markup=False)

    def note(self, text: str) -> None:
        """Write one line."""
        self.console.print(f"  {text}", markup=False)

    @contextmanager
    def download(self, title: str, total_bytes: int | None) -> Iterator[ShowProgress]:
        """Show a progress bar; yields a function that takes the bytes received so far and, once known, their total."""
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            task = progress.add_task(title, total=total_bytes)

            def show(received_bytes: int, known_total_bytes: int | None = None) -> None:
                progress.update(task, completed=received_bytes, total=known_total_bytes or total_bytes)

            yield show


def quiet() -> Reporter:
    """Return a reporter that writes nothing."""
    return Reporter(Console(quiet=True))
