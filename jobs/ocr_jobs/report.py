"""What a job says: progress while it runs, and its figures at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ocr_jobs.parts import PartSums

if TYPE_CHECKING:
    from typing_extensions import Self

_LINE_EVERY_S = 30.0  # where nobody watches a bar


@dataclass(frozen=True)
class Report:
    """The figures of a run.

    Attributes:
        listed: inputs that there are.
        before: of these, inputs that earlier runs have read.
        read: sums over what this run has read.
        failed_in_output: inputs with failures, of all runs.
        seconds: from the start of reading to its end.
        end: "done", or why the run stopped.
    """

    listed: int
    before: int
    read: PartSums
    failed_in_output: int
    seconds: float
    end: str

    @property
    def pages_per_s(self) -> float:
        """Pages a second; 0 where nothing was read."""
        return self.read.pages / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for report.json."""
        return {
            "inputs": self.listed,
            "inputs_read_before": self.before,
            "inputs_read": self.read.inputs,
            "inputs_left": self.listed - self.before - self.read.inputs,
            "inputs_failed": self.read.failed,
            "inputs_failed_of_all_runs": self.failed_in_output,
            "pages": self.read.pages,
            "lines": self.read.lines,
            "failures": self.read.failures,
            "seconds": round(self.seconds, 3),
            "pages_per_s": round(self.pages_per_s, 3),
            "end": self.end,
        }

    def text(self) -> str:
        """Return the figures for a person."""
        of_all = f" ({self.failed_in_output:,} of all runs)" if self.failed_in_output != self.read.failed else ""
        rows = [
            ("inputs", f"{self.listed:,} listed, {self.before:,} read before, {self.read.inputs:,} read now"),
            ("pages", f"{self.read.pages:,}, with {self.read.lines:,} lines"),
            ("failed", f"{self.read.failed:,} inputs{of_all}"),
            ("time", f"{self.seconds:.1f} s, {self.pages_per_s:.2f} pages a second"),
        ]
        return "\n".join(f"{name:<8}{value}" for name, value in rows)


class Watch:
    """Shows how far a run is: a bar where a person watches, else a line now and then.

    Args:
        inputs: to read.
    """

    def __init__(self, inputs: int) -> None:
        self.sums = PartSums()
        self._inputs = inputs
        console = Console(stderr=True)
        columns = (
            TextColumn("reading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("inputs"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
        )
        self._bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        self._task = self._bar.add_task("", total=inputs)
        self._shown = console.is_terminal
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Self:
        if self._shown:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._bar.stop()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def add(self, part: Mapping[str, Any]) -> None:
        """Count a part that was written."""
        sums = self.sums
        for name in vars(sums):
            setattr(sums, name, getattr(sums, name) + part[name])
        how = f"{sums.pages / self.seconds:.1f} pages/s, {sums.failed:,} failed"
        self._bar.update(self._task, completed=sums.inputs, description=how)
        if not self._shown and time.monotonic() - self._said >= _LINE_EVERY_S:
            self._said = time.monotonic()
            typer.echo(f"ocr-jobs: {sums.inputs:,} of {self._inputs:,} inputs, {how}", err=True)
