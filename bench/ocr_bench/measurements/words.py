"""`ocr-bench words`: whether word boxes lie on the words, beside those of another package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, ClassVar

import cv2
import numpy as np
from typer import Option

from ocr_bench.contenders import peer_child
from ocr_bench.contenders.contender import ChildContender
from ocr_bench.contenders.environments import CACHE, Cache, peer_named, prepare
from ocr_bench.drawn.sheet import Drawn
from ocr_bench.drawn.word_pages import word_pages
from ocr_bench.errors import PeerError
from ocr_bench.report import Cell, Table
from ocr_bench.runner import TargetMeasurement, Workplace
from ocr_bench.scoring.words import word_overlaps
from ocr_contract.result import OcrResult

GOOD_IOU = 0.5
RAPIDOCR = peer_named("rapidocr")


@dataclass
class WordTally:
    """The words of one kind of page, as one side boxes them.

    Attributes:
        kind: of page.
        side: who has read it.
        given: words that the side gives.
        area: IoU of each known word with the box that overlaps it most.
        along: the same along the line alone, whatever the height.
    """

    kind: str
    side: str
    given: int = 0
    area: list[float] = field(default_factory=list)
    along: list[float] = field(default_factory=list)

    def add(self, page: Drawn, answer: OcrResult) -> None:
        """Count one page."""
        area, along = word_overlaps([word.polygon for word in page.words], answer.word_boxes)
        self.given += len(answer.words)
        self.area += area.tolist()
        self.along += along.tolist()

    def row(self) -> tuple[Cell, ...]:
        """Its row of the table."""
        area, along = np.array(self.area), np.array(self.along)
        share = float((area >= GOOD_IOU).mean())
        return (self.kind, self.side, len(area), self.given, float(area.mean()), share, float(along.mean()))


@dataclass(frozen=True)
class WordBoxes:
    """What every side gave, by kind of page; `missing` says why another side is not among them."""

    tallies: list[WordTally]
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class Words(TargetMeasurement[WordBoxes]):
    """Boxes of words on drawn pages, against the places where the words were drawn."""

    command: ClassVar[str] = "words"
    title: ClassVar[str] = "Word boxes"

    rapidocr: Annotated[bool, Option(help="RapidOCR too.")] = True
    pages: Annotated[int, Option(min=1, help="Drawn pages of each font, size and tilt.")] = 1
    cache: Cache = CACHE

    def measure(self, place: Workplace) -> WordBoxes:
        """Let every side read every page."""
        pages = [page for number in range(self.pages) for page in word_pages(number)]
        missing = []
        with ExitStack() as stack:
            local = {**self.target.reader_options(), "return_word_box": True}
            commands = {"ours": peer_child.command(sys.executable, "local", local)}
            if self.rapidocr:
                asked = replace(RAPIDOCR, options={**RAPIDOCR.options, "return_word_box": True})
                try:
                    commands[f"{asked.name} ({asked.model_set})"] = prepare(asked, self.cache)
                except PeerError as error:
                    missing.append(f"{asked.name} is left out: {error}")
            sides = [
                stack.enter_context(closing(ChildContender(name, command, place.file(f"{name.split()[0]}.log"))))
                for name, command in commands.items()
            ]
            done = stack.enter_context(place.progress(len(pages) * len(sides)))
            file = Path(stack.enter_context(TemporaryDirectory(prefix="ocr-bench-")), "page.png")
            tallies: dict[tuple[str, str], WordTally] = {}
            for page in pages:
                cv2.imwrite(str(file), page.pixels)
                for side in sides:
                    tally = tallies.setdefault((page.kind, side.name), WordTally(page.kind, side.name))
                    tally.add(page, side.read([file]).answers[0])
                    done(side.name, 1)
        return WordBoxes(list(tallies.values()), missing)

    def intro(self, found: WordBoxes) -> str:
        """What the figures are."""
        return (
            "Drawn pages in letters of 16, 24 and 36 pixels, level and tilted by -8 and 3 degrees. A "
            "known word is as wide as its ink and as high as its line; Chinese words are single characters. Each is "
            "held against the box that overlaps it most; a word without one counts 0. The last column looks at the "
            "line's direction only: the height of a word's box is that of the line's, which the detector grows beyond "
            f"the letters. Ours with {self.target.model_set}."
        )

    def table(self, found: WordBoxes) -> Table:
        """One row a kind of page and side."""
        header = ("page", "read by", "words", "given", "mean IoU", f"IoU >= {GOOD_IOU}", "mean IoU along the line")
        return Table(header, tuple(tally.row() for tally in found.tallies), digits=3)

    def notes(self, found: WordBoxes) -> Sequence[str]:
        """All pages together, and who is missing."""
        sums: dict[str, WordTally] = {}
        for tally in found.tallies:
            total = sums.setdefault(tally.side, WordTally("all", tally.side))
            total.given += tally.given
            total.area += tally.area
            total.along += tally.along
        rows = tuple(total.row() for total in sums.values())
        return [Table(self.table(found).header, rows, digits=3).markdown(), *found.missing]

    def data(self, found: WordBoxes) -> object:
        """The tables' figures."""
        return [dict(zip(self.table(found).header, tally.row(), strict=True)) for tally in found.tallies]
