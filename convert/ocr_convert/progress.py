"""What the user sees: named steps with their times, notes, and on a terminal bars for the work and the downloads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from ocr_convert.errors import StorageError

MEGABYTE = 1_000_000


class ShowProgress(Protocol):
    """Shows how far a download has come."""

    def __call__(self, received_bytes: int, known_total_bytes: int | None = None) -> None:
        """Take the bytes received so far and, once known, their total."""


class Reporter:
    """Writes steps and notes to a console; bars are shown where that is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[how_far]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._work: TaskID | None = None

    @contextmanager
    def work(self, steps: int) -> Iterator[None]:
        """Show a bar for work of so many steps."""
        with self._bars:
            self._work = self._bars.add_task("", total=steps, how_far=f"0 of {steps}")
            try:
                yield
            finally:
                self._bars.remove_task(self._work)
                self._work = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Name a step when it begins and state its time, in seconds, when it has ended well."""
        self._say(f"{name} ...")
        if self._work is not None:
            self._bars.update(self._work, description=name)
        started = time.perf_counter()
        yield
        self._say(f"{name}: done in {time.perf_counter() - started:.1f} s")
        if self._work is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._work)]
            done = task.completed + 1
            total = max(task.total or 0, done)  # a source that is passed over late adds steps
            self._bars.update(self._work, completed=done, total=total, how_far=f"{done:.0f} of {total:.0f}")

    def note(self, text: str) -> None:
        """Write one line."""
        self._say(f"  {text}")

    def _say(self, line: str) -> None:
        try:
            self.console.print(line, markup=False)
        except OSError as error:  # not of the folder in which work is done
            raise StorageError(f"the output cannot be written: {error.strerror}") from error

    @contextmanager
    def download(self, title: str, total_bytes: int | None) -> Iterator[ShowProgress]:
        """Show a bar for a download; yields a function that takes the bytes received so far and their total."""
        task = self._bars.add_task(f"  {title}", total=total_bytes, how_far="")

        def show(received_bytes: int, known_total_bytes: int | None = None) -> None:
            total = known_total_bytes or total_bytes
            how_far = f"{received_bytes / MEGABYTE:.1f}" + (f" of {total / MEGABYTE:.1f} MB" if total else " MB")
            self._bars.update(task, completed=received_bytes, total=total, how_far=how_far)

        try:
            yield show
        finally:
            self._bars.remove_task(task)


def quiet() -> Reporter:
    """Return a reporter that writes nothing."""
    return Reporter(Console(quiet=True))
