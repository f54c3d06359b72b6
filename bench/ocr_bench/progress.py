"""A progress bar on stderr for long measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def bar(total: int, title: str) -> Iterator[Callable[[str, int], None]]:
    """Show a bar over `total` steps while the body runs; it gets what to call with (what was done, how many steps)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)

        def advance(what: str, steps: int) -> None:
            progress.update(task, advance=steps, description=f"{title}: {what}")

        yield advance
