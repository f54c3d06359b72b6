"""`ocr-bench peers`: ours and other OCR packages over the same pictures, interleaved in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from statistics import fmean

from ocr_bench.labels import Dataset, Page
from ocr_bench.process_tree import PeakMemory
from ocr_bench.report import Cell, Table
from ocr_bench.score import Accuracy, Answer, Tally
from ocr_bench.sides import Round, Side

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Picture:
    """A picture of a data set."""

    path: Path
    dataset: Dataset
    page: Page


@dataclass
class Totals:
    """What one side did over the whole run."""

    name: str
    ours: bool
    in_flight: int
    pictures: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    each_s: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)

    def add(self, outcome: Round) -> None:
        """Count one round."""
        self.pictures += len(outcome.answers)
        self.wall_s += outcome.wall_s
        self.cpu_s += outcome.cpu_s
        self.each_s += outcome.each_s

    def judge(self, picture: Picture, answer: Answer) -> None:
        """Score one answer."""
        name = picture.dataset.name
        self.tallies.setdefault(name, Tally()).add(picture.dataset.kind, picture.page, answer)

    @property
    def images_per_s(self) -> float:
        """Pictures over wall time."""
        return self.pictures / self.wall_s

    def accuracy(self, kinds: Mapping[str, str]) -> dict[str, Accuracy]:
        """Give the metrics by set."""
        return {name: tally.accuracy(kinds[name]) for name, tally in self.tallies.items()}


def pictures_of(datasets: Sequence[Dataset], limit: int | None = None) -> list[Picture]:
    """List the pictures of the sets, at most `limit` of each."""
    return [Picture(page.path, dataset, page) for dataset in datasets for page in islice(dataset.pages, limit)]


def chunks(pictures: Sequence[Picture], size: int) -> Iterator[Sequence[Picture]]:
    """Cut into runs of `size`, the last one shorter."""
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def rotated(sides: Sequence[Side], by: int) -> list[Side]:
    """Let another side begin in every round, so that none always runs in the wake of the same other."""
    by %= len(sides)
    return [*sides[by:], *sides[:by]]


def warm_up(sides: Sequence[Side], totals: Sequence[Totals], pictures: Sequence[Picture], progress: Progress) -> None:
    """Let every side read the largest pictures untimed, and watch its memory meanwhile."""
    paths = [picture.path for picture in pictures]
    for side, total in zip(sides, totals, strict=True):
        peak = PeakMemory(side.pid)
        with peak.watched():
            side.read(paths)
        total.peak_bytes = peak.bytes
        progress(f"{side.name}: warm", len(paths))


def compare(
    sides: Sequence[Side], ours: Sequence[bool], pictures: Sequence[Picture], chunk: int, warm: int, progress: Progress
) -> list[Totals]:
    """Read all pictures with all sides, `chunk` pictures a side in turn.

    Args:
        sides: the rows.
        ours: for each side, whether it is this project's.
        pictures: what to read.
        chunk: pictures a side reads before the next side has its turn; several, so that those with requests in
            flight can overlap them.
        warm: how many of the largest files every side reads before the clock starts.
        progress: told after every turn what was done and how many pictures that was.
    """
    totals = [Totals(side.name, own, side.in_flight) for side, own in zip(sides, ours, strict=True)]
    largest = sorted(pictures, key=lambda picture: picture.path.stat().st_size, reverse=True)
    warm_up(sides, totals, largest[:warm], progress)
    by_name = {total.name: total for total in totals}
    for number, turn in enumerate(chunks(pictures, chunk)):
        for side in rotated(sides, number):
            outcome = side.read([picture.path for picture in turn])
            total = by_name[side.name]
            total.add(outcome)
            for picture, answer in zip(turn, outcome.answers, strict=True):
                total.judge(picture, answer)
            peak = PeakMemory(side.pid)
            peak.sample()
            total.peak_bytes = max(total.peak_bytes, peak.bytes)
            progress(side.name, len(turn))
    return totals


def mean_of(values: Sequence[float | None]) -> float | None:
    """Give the mean of what is there; None for nothing."""
    present = [value for value in values if value is not None]
    return fmean(present) if present else None


def speed_table(totals: Sequence[Totals], kinds: Mapping[str, str]) -> Table:
    """One row a side: time, throughput, processor, memory, and accuracy as the mean over the sets."""
    header = ("", "in flight", "ms/image", "images/s", "CPU s/image", "peak PSS, MiB", "token F1", "exact lines")
    rows = []
    for total in totals:
        sets = total.accuracy(kinds).values()
        rows.append(
            (
                total.name,
                total.in_flight,
                1000 * fmean(total.each_s),
                total.images_per_s,
                total.cpu_s / total.pictures,
                round(total.peak_bytes / 2**20),
                mean_of([accuracy.token_f1 for accuracy in sets]),
                mean_of([accuracy.exact_lines for accuracy in sets]),
            )
        )
    return Table(header, tuple(rows), digits=3)


def ratio_table(totals: Sequence[Totals]) -> Table:
    """Images per second of each of ours over each other side."""
    others = [total for total in totals if not total.ours]
    header = ("images/s of ... over", *(total.name for total in others))
    rows: list[tuple[Cell, ...]] = [
        (own.name, *(own.images_per_s / other.images_per_s for other in others)) for own in totals if own.ours
    ]
    return Table(header, tuple(rows))


def accuracy_table(totals: Sequence[Totals], kinds: Mapping[str, str]) -> Table:
    """Token F1 / exact lines, one row a side, one column a set."""
    names = list(kinds)
    rows: list[tuple[Cell, ...]] = []
    for total in totals:
        found = total.accuracy(kinds)
        rows.append((total.name, *(pair(found[name]) for name in names)))
    return Table(("token F1 / exact lines", *names), tuple(rows))


def pair(accuracy: Accuracy) -> str:
    """Write token F1, and exact lines where the labels have lines."""
    first = f"{accuracy.token_f1:.3f}"
    return first if accuracy.exact_lines is None else f"{first} / {accuracy.exact_lines:.3f}"


def as_data(totals: Sequence[Totals], kinds: Mapping[str, str], versions: dict[str, dict[str, str]]) -> object:
    """Give everything measured, for JSON."""
    return [
        {
            "name": total.name,
            "ours": total.ours,
            "in_flight": total.in_flight,
            "pictures": total.pictures,
            "ms_per_image": 1000 * fmean(total.each_s),
            "images_per_s": total.images_per_s,
            "cpu_s_per_image": total.cpu_s / total.pictures,
            "peak_pss_bytes": total.peak_bytes,
            "accuracy": {name: asdict(accuracy) for name, accuracy in total.accuracy(kinds).items()},
            "versions": versions.get(total.name, {}),
        }
        for total in totals
    ]
