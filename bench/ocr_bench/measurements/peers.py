"""`ocr-bench peers`: ours and other OCR packages over the same pictures, interleaved in one run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.contenders import peer_child
from ocr_bench.contenders.contender import ChildContender, Contender, HttpContender
from ocr_bench.contenders.environments import CACHE, PEERS, Cache, Peers, prepare
from ocr_bench.contenders.race import Picture, Summary, compare
from ocr_bench.contenders.static import check_one_recogniser, static_repository
from ocr_bench.errors import PeerError
from ocr_bench.measurements.comparisons import INTERVAL, mean_table
from ocr_bench.report import Cell, Table
from ocr_bench.runner import Labelled, Limit, TargetsMeasurement, Workplace
from ocr_bench.scoring.comparison import Comparison
from ocr_bench.scoring.comparison import compare as compare_accuracy
from ocr_bench.scoring.labels import read_datasets
from ocr_bench.scoring.score import Accuracy
from ocr_bench.server import running_server
from ocr_bench.target import told_apart

IN_FLIGHT = (1, 4)  # of ours, over HTTP


@dataclass(frozen=True)
class Race:
    """All contenders over so many pictures of these sets; `missing` says why others are not among them."""

    pictures: int
    sets: list[str]
    summaries: list[Summary]
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class MeasurePeers(TargetsMeasurement[Race]):
    """Ours and other OCR packages over the same pictures, in turns."""

    command: ClassVar[str] = "peers"
    title: ClassVar[str] = "Peers"

    folders: Labelled
    limit: Limit = None
    peer: Peers = field(default_factory=lambda: [*PEERS])
    static: Annotated[bool, Option(help="Also the plain ensemble, ocr_static, of the first model repository.")] = True
    chunk: Annotated[int, Option(min=1, help="Pictures that each reads in turn.")] = 12
    warm: Annotated[int, Option(min=1, help="Largest pictures read before the clock starts.")] = 4
    cache: Cache = CACHE

    @property
    def heading(self) -> str:
        """The heading of the section, with what was measured."""
        return f"### {self.title}: {'; '.join(target.label for target in self.targets)}"

    def measure(self, place: Workplace) -> Race:
        """Start everything, then let all take turns.

        Raises:
            BenchError: the plain ensemble does not read what the first model repository reads.
        """
        if self.static:
            check_one_recogniser(self.targets[0].repository)
        datasets = read_datasets(self.folders)
        pictures = [Picture(page, dataset) for dataset in datasets for page in dataset.pages[: self.limit]]
        contenders: list[Contender] = []
        missing = []
        with ExitStack() as stack:

            def enter(contender: Contender) -> None:
                contenders.append(stack.enter_context(closing(contender)))

            for number, (model_set, target) in enumerate(zip(told_apart(self.targets), self.targets, strict=True)):
                name = f"ours ({model_set}, {target.precision_name})"
                server = stack.enter_context(running_server(target, place.file(f"{number}.server.log")))
                for flights in IN_FLIGHT:
                    enter(HttpContender(f"{name}, HTTP, {flights} in flight", server, in_flight=flights, ours=True))
                command = peer_child.command(sys.executable, "local", target.reader_options())
                enter(ChildContender(f"{name}, in-process", command, place.file(f"{number}.log"), ours=True))
            if self.static:
                # A server of its own, so that its memory is its own too.
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="ocr-bench-")))
                first = self.targets[0]
                plain = replace(first, path=static_repository(first.repository, folder))
                server = stack.enter_context(running_server(plain, place.file("static.log")))
                enter(HttpContender("ocr_static, HTTP, 1 in flight", server, "ocr_static"))
            for peer in self.peer:
                try:
                    command = prepare(peer, self.cache)
                    enter(ChildContender(f"{peer.name} ({peer.model_set})", command, place.file(f"{peer.name}.log")))
                except PeerError as error:
                    missing.append(f"{peer.name} is left out: {error}")
            steps = len(contenders) * (len(pictures) + min(self.warm, len(pictures)))
            with place.progress(steps) as done:
                summaries = compare(contenders, pictures, self.chunk, self.warm, done)
        return Race(len(pictures), [dataset.name for dataset in datasets], summaries, missing)

    def intro(self, found: Race) -> str:
        """How it was measured."""
        return (
            f"{found.pictures} pictures of {', '.join(found.sets)}; {self.chunk} pictures a side in turn. Line "
            "orientation is off on every side. Processor time is of all processes and threads of a side, the client's "
            "included. Accuracy is the mean over the sets."
        )

    def table(self, found: Race) -> Table:
        """One row a contender: time, throughput, processor, memory, and accuracy as the mean over the sets."""
        header = ("", "in flight", "ms/image", "images/s", "CPU s/image", "peak PSS, MiB", "token F1", "exact lines")
        rows: list[tuple[Cell, ...]] = []
        for each in found.summaries:
            sets = each.accuracy.values()
            rows.append(
                (
                    *(each.name, each.in_flight, each.ms_per_image, each.images_per_s, each.cpu_s_per_image),
                    round(each.peak_pss_bytes / 2**20),
                    mean_of([accuracy.token_f1 for accuracy in sets]),
                    mean_of([accuracy.exact_lines for accuracy in sets]),
                )
            )
        return Table(header, tuple(rows), digits=3)

    def notes(self, found: Race) -> Sequence[str]:
        """Ratios, accuracy by set and against each other, what the contenders are made of, and who is missing."""
        versions = [
            f"{each.name}: {', '.join(f'{package} {version}' for package, version in each.versions.items())}."
            for each in found.summaries
            if each.versions
        ]
        tables = (
            ratio_table(found.summaries, "images/s", lambda each: each.images_per_s),
            ratio_table(found.summaries, "CPU s/image", lambda each: each.cpu_s_per_image),
            accuracy_table(found.summaries),
        )
        against = (
            "Ours against the others, over the same pictures: the mean over the sets, in brackets the "
            f"{INTERVAL} bootstrap interval of the difference; no difference: it holds 0."
        )
        compared = mean_table(accuracy_comparisons(found.summaries))
        return [*(table.markdown() for table in tables), against, compared.markdown(), *versions, *found.missing]

    def data(self, found: Race) -> object:
        """The figures of every contender; without the draws of the bootstrap, which anyone can make again."""
        return [asdict(replace(each, estimates={})) for each in found.summaries]


def mean_of(values: Sequence[float | None]) -> float | None:
    """Give the mean of what is there; None for nothing."""
    present = [value for value in values if value is not None]
    return fmean(present) if present else None


def opponents(summaries: Sequence[Summary]) -> list[Summary]:
    """Whom ours are held against: all others; if several of ours were measured, these too, at most in flight."""
    busiest = [each for each in summaries if each.ours and each.in_flight == max(IN_FLIGHT)]
    return [each for each in summaries if not each.ours or (len(busiest) > 1 and each in busiest)]


def ratio_table(summaries: Sequence[Summary], title: str, figure: Callable[[Summary], float]) -> Table:
    """A figure of each of ours over that of each other contender."""
    others = opponents(summaries)
    rows: list[tuple[Cell, ...]] = [
        (each.name, *(figure(each) / figure(other) for other in others)) for each in summaries if each.ours
    ]
    return Table((f"{title} of ... over", *(other.name for other in others)), tuple(rows))


def accuracy_comparisons(summaries: Sequence[Summary]) -> list[Comparison]:
    """Each of ours, however it is asked, once against each other contender."""
    return [
        compare_accuracy(each.name, each.estimates, other.name, other.estimates)
        for each in summaries
        if each.ours and each.in_flight == max(IN_FLIGHT)
        for other in opponents(summaries)
        if other is not each
    ]


def accuracy_table(summaries: Sequence[Summary]) -> Table:
    """Token F1 / exact lines, one row a contender, one column a set."""
    names = list(summaries[0].accuracy)
    rows = ((each.name, *(written(each.accuracy[name]) for name in names)) for each in summaries)
    return Table(("token F1 / exact lines", *names), tuple(rows))


def written(accuracy: Accuracy) -> str:
    """Token F1, and exact lines where the labels have lines."""
    first = f"{accuracy.token_f1:.3f}"
    return first if accuracy.exact_lines is None else f"{first} / {accuracy.exact_lines:.3f}"
