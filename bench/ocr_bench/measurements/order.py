"""`ocr-bench order`: whether lines come in the order in which a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from statistics import fmean
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.contenders.order_rules import RULES, Boxes
from ocr_bench.drawn.layouts import LAYOUTS, draw
from ocr_bench.report import Cell, Table
from ocr_bench.runner import Labelled, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import Dataset, Line, read_dataset
from ocr_bench.scoring.matching import match_boxes
from ocr_bench.scoring.order import order_distance
from ocr_contract.reader import Picture

TURNS = (-10.0, -6.0, -3.0, -1.5, 0.0, 1.5, 3.0, 6.0, 10.0)  # degrees


@dataclass(frozen=True)
class Known:
    """A picture whose lines are known in reading order; `degrees` is None where nobody has drawn it."""

    kind: str
    degrees: float | None
    picture: Picture
    lines: Sequence[Line]


@dataclass(frozen=True)
class OrderedPage:
    """One page: how many lines it has, how many were found, and how far each rule's order of these is off."""

    kind: str
    degrees: float | None
    lines: int
    found: int
    distance: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Order(TargetMeasurement[list[OrderedPage]]):
    """Order of lines: on drawn pages, and on labelled ones (--data) whose labels stand in reading order."""

    command: ClassVar[str] = "order"
    title: ClassVar[str] = "Reading order"

    folders: Labelled = field(default_factory=list)
    degrees: Annotated[list[float], Option(help="Clockwise turn of the drawn pages; repeatable.")] = field(
        default_factory=lambda: [*TURNS]
    )
    pages: Annotated[int, Option(min=1, help="Drawn pages of each kind and turn.")] = 1

    def measure(self, place: Workplace) -> list[OrderedPage]:
        """Find the lines of every page, and order them by every rule."""
        datasets = [read_dataset(folder) for folder in self.folders]
        total = len(LAYOUTS) * len(self.degrees) * self.pages + sum(len(dataset.pages) for dataset in datasets)
        found = []
        with self.target.open() as reader, place.progress(total) as done:
            for known in chain(self._drawn(), _labelled(datasets)):
                found.append(judge(known, reader.detect(known.picture).boxes))
                done(known.kind, 1)
        return found

    def intro(self, found: list[OrderedPage]) -> str:
        """What the figures are."""
        return (
            "Normalised edit distance of the order of the lines that the detector found, against the known order: 0 "
            "is that order; mean over the pages. Every rule orders the same boxes. auto, rows and columns are the "
            "values of text_reading_order; before is the rule by upright hulls; PaddleX is its SortQuadBoxes, RapidOCR "
            "its sorted_boxes. rows and columns are for callers who know their pages: rows reads across columns, and "
            "columns reads a table down. Columns are read one after the other; forms, tables and receipts row by row."
        )

    def table(self, found: list[OrderedPage]) -> Table:
        """One row a kind of page."""
        return summary(found, "page", lambda page: page.kind)

    def notes(self, found: list[OrderedPage]) -> Sequence[str]:
        """The drawn pages once more, one row a turn."""
        drawn = sorted((page for page in found if page.degrees is not None), key=lambda page: page.degrees or 0)
        return [summary(drawn, "drawn pages, turned by", lambda page: f"{page.degrees:+g}°").markdown()]

    def _drawn(self) -> Iterator[Known]:
        for kind, (turn, degrees), number in product(LAYOUTS, enumerate(self.degrees), range(self.pages)):
            page = draw(kind, degrees, turn * self.pages + number)
            yield Known(kind, degrees, page.pixels, page.lines)


def _labelled(datasets: Sequence[Dataset]) -> Iterator[Known]:
    for dataset in datasets:
        for page in dataset.pages:
            yield Known(dataset.name, None, page.path, page.lines)


def judge(known: Known, boxes: Boxes) -> OrderedPage:
    """Order found boxes (N, 4, 2) by every rule; those that are none of the known lines take part, and do not count."""
    matching = match_boxes(list(boxes), known.lines)
    line_of = {box: line for line, box in matching.pairs}
    distance = {
        name: order_distance([line_of[box] for box in rule(boxes).tolist() if box in line_of])
        for name, rule in RULES.items()
    }
    return OrderedPage(known.kind, known.degrees, len(matching.labelled), len(matching.pairs), distance)


def summary(found: Sequence[OrderedPage], title: str, group_of: Callable[[OrderedPage], str]) -> Table:
    """Mean distance of every rule, one row a group of pages, in the order in which the groups come."""
    groups: dict[str, list[OrderedPage]] = {}
    for page in found:
        groups.setdefault(group_of(page), []).append(page)
    rows: list[tuple[Cell, ...]] = [
        (
            *(name, len(pages), sum(page.lines for page in pages), sum(page.found for page in pages)),
            *(fmean(page.distance[rule] for page in pages) for rule in RULES),
        )
        for name, pages in groups.items()
    ]
    return Table((title, "pages", "lines", "found", *RULES), tuple(rows), digits=3)
