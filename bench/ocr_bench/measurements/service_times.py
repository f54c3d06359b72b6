"""`ocr-bench service-times`: what one server takes for a page, and under load, as `ocr-bench scaling` reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.errors import LabelError
from ocr_bench.machine import processor
from ocr_bench.report import Table
from ocr_bench.runner import Done, Limit, Repeats, TargetMeasurement, Workplace
from ocr_bench.scaling.loading import load_closed, load_open, measure_kinds, read_pictures
from ocr_bench.scaling.quiet import undisturbed
from ocr_bench.scaling.record import Limits, Point, Record
from ocr_bench.scaling.simulation import again
from ocr_bench.scaling.tables import agreement_table, kinds_table
from ocr_bench.scaling.traffic import order, summary, times
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import Server, running_server
from ocr_pipeline.cores import cores
from ocr_pipeline.repository import ModelRepository

Folders = Annotated[list[Path], Option("--data", help="Folder with pictures of one kind; repeatable.")]


@dataclass(frozen=True, kw_only=True)
class ServiceTimes(TargetMeasurement[Record]):
    """What one server takes for a page, by kind of document, and under load: what `scaling` computes with."""

    command: ClassVar[str] = "service-times"
    title: ClassVar[str] = "Service times"

    folders: Folders
    limit: Limit = None
    repeats: Repeats = 2
    in_flight: Annotated[
        list[int], Option(min=1, help="Requests in flight, one load each; at most what the server takes; repeatable.")
    ] = field(default_factory=lambda: [1, 2, 4, 8, 16, 32, 64])
    load: Annotated[
        list[float],
        Option(
            min=0.01, help="Requests at random times, one load each, as a part of what it reads at most; repeatable."
        ),
    ] = field(default_factory=lambda: [0.3, 0.5, 0.7, 0.85])
    requests: Annotated[int, Option(min=20, help="Requests of a load, beside those in flight.")] = 80
    seed: Annotated[int, Option(help="Of the order and times of requests.")] = 1

    def measure(self, place: Workplace) -> Record:
        """Read pictures one by one, and then put loads on the server."""
        if twice := len(self.folders) - len({folder.resolve().name for folder in self.folders}):
            raise LabelError(f"a kind is named like its folder, and {twice} of the folders are named like others")
        of_kind = {
            folder.resolve().name: read_pictures(folder, find_pictures([folder], self.limit)) for folder in self.folders
        }
        contents = [[picture.content for picture in pictures] for pictures in of_kind.values()]
        with (
            running_server(self.target, place.file("server.log")) as server,
            place.progress(self.repeats + 1 + len(self.in_flight) + len(self.load)) as done,
        ):
            measure = partial(measure_kinds, server, of_kind, self.repeats, lambda: done("pages", 1))
            kinds, others = undisturbed(measure, server.pid)
            points = list(self._points(server, contents, done))
        return Record(
            model_set=self.target.model_set,
            precision=self.target.precision_name,
            processor=processor(),
            cores=cores(),
            limits=limits_of(self.target.repository),
            kinds=tuple(kinds),
            others=others,
            points=tuple(points),
        )

    def _points(self, server: Server, contents: Sequence[Sequence[bytes]], done: Done) -> Iterator[Point]:
        most = 0.0
        for seed, in_flight in enumerate(self.in_flight, start=self.seed):
            asked = order(contents, self.requests + 2 * in_flight, seed)
            answers, others = undisturbed(partial(load_closed, server, asked, in_flight), server.pid)
            came = summary(answers, in_flight)
            most = max(most, came.pages_per_s)
            yield Point("closed", in_flight, len(asked), seed, came.pages_per_s, came.p50_s, came.p95_s, others)
            done(f"{in_flight} in flight", 1)
        for seed, part in enumerate(self.load, start=self.seed + len(self.in_flight)):
            rate = round(part * most, 3)
            asked = order(contents, self.requests, seed)
            at_s = times(rate, len(asked), seed)
            answers, others = undisturbed(partial(load_open, server, asked, at_s), server.pid)
            came = summary(answers)
            yield Point("open", rate, len(asked), seed, came.pages_per_s, came.p50_s, came.p95_s, others)
            done(f"{rate:.2f} a second", 1)

    def intro(self, found: Record) -> str:
        """How it was measured."""
        return (
            f"Pages read one after the other over gRPC, {self.repeats} times each, and once before. CPU is "
            "the server's."
        )

    def table(self, found: Record) -> Table:
        """One row a kind of document."""
        return kinds_table(found)

    def notes(self, found: Record) -> Sequence[str]:
        """The loads, beside what the simulation says of them."""
        outcomes = [again(found, point) for point in found.points]
        return (
            "The same server under load, kinds mixed, and beside it what the simulation makes of the times above:",
            agreement_table(found, outcomes).markdown(),
        )

    def data(self, found: Record) -> object:
        """The record."""
        return asdict(found)


def limits_of(repository: ModelRepository) -> Limits:
    """What the steps of a model repository do at a time.

    Raises:
        InvalidModel: a configuration is missing or cannot be read.
    """
    configs = {model: repository.config(model) for model in repository.served_models()}
    steps = {model: config for model, config in configs.items() if config.get("backend") == "python"}
    stated = {key: value for config in steps.values() for key, value in config.get("parameters", {}).items()}
    keys = ("max_at_work", "max_in_flight", "rec_calls_in_flight")
    at_work, in_flight, calls = (int(stated[key]["string_value"]) for key in keys)
    instances = {step: sum(group.get("count", 1) for group in each["instance_group"]) for step, each in steps.items()}
    return Limits(instances, at_work, in_flight, calls)
