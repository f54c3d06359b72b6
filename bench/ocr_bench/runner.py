"""The frame of every measurement.

A measurement is a class. Its fields are its options, and the command line is made of them. It measures, and tells what
it found as a table, a few sentences and perhaps a figure; `run` does the rest: the folder, the progress bar, and the
files NAME.csv, NAME.md, NAME.json and NAME.png.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer import Option

from ocr_bench.errors import UnmetError
from ocr_bench.machine import this_machine
from ocr_bench.report import Table, write_section
from ocr_bench.target import Target
from onnxruntime_backend.precision import Precision
from onnxruntime_backend.settings import Device

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODELS = Path("model_repository")
RESULTS = Path("build/bench")
REQUEST_TIMEOUT_S = 600.0

Found = TypeVar("Found")
Done = Callable[[str, int], None]  # called with what was done, and how many steps that was

# Options that several measurements have.
OnDevice = Annotated[Device, Option(help="Where the networks run.")]
Pictures = Annotated[list[Path], Option("--data", help="Pictures, or folders of them; repeatable.")]
Labelled = Annotated[list[Path], Option("--data", help="Folder with pictures and PaddleOCR labels; repeatable.")]
Limit = Annotated[int | None, Option(min=1, help="Pictures of each folder; all by default.")]
Repeats = Annotated[int, Option(min=1, help="Times every picture is measured.")]


@dataclass(frozen=True)
class Workplace:
    """What a measurement works with.

    Attributes:
        out: folder for files.
        name: how their names begin.
    """

    out: Path
    name: str

    def file(self, ending: str) -> Path:
        """A file of this measurement."""
        return self.out / f"{self.name}.{ending}"

    @contextmanager
    def progress(self, total: int) -> Iterator[Done]:
        """Show a bar over `total` steps on stderr while the body runs."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(self.name, total=total)
            yield lambda what, steps: bar.update(task, advance=steps, description=f"{self.name}: {what}")


@dataclass(frozen=True, kw_only=True)
class Measurement(ABC, Generic[Found]):
    """What is measured and how it is told. The docstring of a subclass is the help of its command."""

    command: ClassVar[str]
    title: ClassVar[str]

    name: Annotated[str | None, Option(help="Name of the result files; the command's own by default.")] = None
    out: Annotated[Path, Option(help="Folder for the results.")] = RESULTS

    @property
    def heading(self) -> str:
        """The heading of the section."""
        return f"### {self.title}"

    @abstractmethod
    def measure(self, place: Workplace) -> Found:
        """Do the work.

        Raises:
            BenchError, ServeError, OcrError: it cannot be done; the message says what to do.
        """

    @abstractmethod
    def table(self, found: Found) -> Table:
        """The main table."""

    def intro(self, found: Found) -> str:
        """What stands before the table: how it was measured."""
        return ""

    def notes(self, found: Found) -> Sequence[str]:
        """Paragraphs after the table."""
        return ()

    def data(self, found: Found) -> object:
        """Everything that was measured, for JSON; dataclasses become objects."""
        return found

    def figure(self, found: Found) -> Figure | None:
        """A picture of the result."""
        return None

    def problems(self, found: Found) -> Sequence[str]:
        """What must not be so; the command fails if there is anything."""
        return ()


@dataclass(frozen=True, kw_only=True)
class TargetMeasurement(Measurement[Found]):
    """A measurement of one model repository."""

    device: OnDevice = Device.CPU
    model_repository: Annotated[Path, Option(help="Model repository with converted weights.")] = MODELS
    precision: Annotated[Precision, Option(help="Arithmetic of the networks, as with ocr-serve.")] = Precision.AUTO

    @property
    def target(self) -> Target:
        """What is measured."""
        return Target(self.model_repository, self.device, self.precision)

    @property
    def heading(self) -> str:
        """The heading of the section, with what was measured."""
        return f"### {self.title}: {self.target.label}"


@dataclass(frozen=True, kw_only=True)
class TargetsMeasurement(Measurement[Found]):
    """A measurement of model repositories, each in one or several precisions."""

    device: OnDevice = Device.CPU
    model_repository: Annotated[list[Path], Option(help="Model repository; repeatable.")] = field(
        default_factory=lambda: [MODELS]
    )
    precision: Annotated[list[Precision], Option(help="Arithmetic of the networks, as with ocr-serve; repeatable.")] = (
        field(default_factory=lambda: [Precision.AUTO])
    )

    @property
    def targets(self) -> list[Target]:
        """What is measured."""
        return [Target(path, self.device, each) for path in self.model_repository for each in self.precision]


def run(measurement: Measurement[Found]) -> str:
    """Measure, write the result files, and give the section as Markdown.

    Raises:
        BenchError, ServeError, OcrError: it cannot be measured.
        UnmetError: it was measured, and something must not be so.
    """
    place = Workplace(measurement.out, measurement.name or measurement.command)
    place.out.mkdir(parents=True, exist_ok=True)
    found = measurement.measure(place)
    table = measurement.table(found)
    table.write_csv(place.file("csv"))
    parts = [measurement.heading, measurement.intro(found), table.markdown(), *measurement.notes(found)]
    figure = measurement.figure(found)
    if figure is not None:
        figure.savefig(place.file("png"), dpi=120)
        parts.append(f"![{place.name}]({place.name}.png)")
    section = write_section(place.out, place.name, parts, measurement.data(found), this_machine())
    if problems := measurement.problems(found):
        raise UnmetError("; ".join(problems), section)
    return section
