"""Contenders over the same pictures, in turns, and what each of them did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from ocr_bench.contenders.contender import Contender, Lap
from ocr_bench.process_tree import PeakMemory
from ocr_bench.runner import Done
from ocr_bench.scoring.comparison import Estimates
from ocr_bench.scoring.labels import Dataset, Page
from ocr_bench.scoring.score import Accuracy, Tally


@dataclass(frozen=True)
class Picture:
    """A picture of a data set."""

    page: Page
    dataset: Dataset

    @property
    def path(self) -> Path:
        """Its file."""
        return self.page.path


@dataclass(frozen=True)
class Summary:
    """What one contender did over the whole run; accuracy, and the metrics with their bootstrap, by data set."""

    name: str
    ours: bool
    in_flight: int
    pictures: int
    ms_per_image: float
    images_per_s: float
    cpu_s_per_image: float
    peak_pss_bytes: int
    accuracy: dict[str, Accuracy]
    estimates: dict[str, Estimates]
    versions: dict[str, str]


@dataclass
class Entry:
    """A contender, and what it has done so far."""

    contender: Contender
    laps: list[Lap] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory = PeakMemory(self.contender.pid)

    def warm_up(self, paths: Sequence[Path]) -> None:
        """Read pictures that do not count, and watch memory meanwhile."""
        with self.memory.watched():
            self.contender.read(paths)

    def read(self, pictures: Sequence[Picture]) -> None:
        """Read pictures, and score the answers."""
        lap = self.contender.read([picture.path for picture in pictures])
        self.laps.append(lap)
        for picture, answer in zip(pictures, lap.answers, strict=True):
            dataset = picture.dataset
            self.tallies.setdefault(dataset.name, Tally(dataset.kind)).add(picture.page, answer)
        self.memory.sample()

    def summary(self) -> Summary:
        """The figures."""
        each_s = [seconds for lap in self.laps for seconds in lap.each_s]
        return Summary(
            name=self.contender.name,
            ours=self.contender.ours,
            in_flight=self.contender.in_flight,
            pictures=len(each_s),
            ms_per_image=1000 * fmean(each_s),
            images_per_s=len(each_s) / sum(lap.wall_s for lap in self.laps),
            cpu_s_per_image=sum(lap.cpu_s for lap in self.laps) / len(each_s),
            peak_pss_bytes=self.memory.bytes,
            accuracy={name: tally.accuracy for name, tally in self.tallies.items()},
            estimates={name: tally.estimates(name) for name, tally in self.tallies.items()},
            versions=self.contender.versions,
        )


def compare(
    contenders: Sequence[Contender], pictures: Sequence[Picture], chunk: int, warm: int, done: Done
) -> list[Summary]:
    """Read all pictures with all contenders, `chunk` pictures each in turn.

    Args:
        contenders: the rows.
        pictures: what to read.
        chunk: pictures that a contender reads before the next one has its turn; several, so that those with requests
            in flight can overlap them.
        warm: how many of the largest files every contender reads before the clock starts.
        done: told after every turn what was done and how many pictures that was.
    """
    entries = [Entry(contender) for contender in contenders]
    largest = sorted((picture.path for picture in pictures), key=lambda path: path.stat().st_size, reverse=True)[:warm]
    for entry in entries:
        entry.warm_up(largest)
        done(f"{entry.contender.name}: warm", len(largest))
    for number, start in enumerate(range(0, len(pictures), chunk)):
        turn = pictures[start : start + chunk]
        first = number % len(entries)  # another one begins each time: none always runs in the wake of the same other
        for entry in (*entries[first:], *entries[:first]):
            entry.read(turn)
            done(entry.contender.name, len(turn))
    return [entry.summary() for entry in entries]
