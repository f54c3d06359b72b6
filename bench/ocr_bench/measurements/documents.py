"""`ocr-bench documents`: a scanned document to searchable PDF, against OCRmyPDF; memory, and runs that are killed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.contenders.environments import CACHE, Cache
from ocr_bench.contenders.searchable import Broken, Work, beside, kill_and_resume, make_searchable, searchable_tools
from ocr_bench.drawn.document import DPI, KINDS, scan, write_pdf
from ocr_bench.machine import first_line
from ocr_bench.report import Cell, Table
from ocr_bench.runner import TargetMeasurement, Workplace
from ocr_bench.scoring.text_layer import LayerScore
from ocr_bench.server import running_server


@dataclass(frozen=True)
class Documents:
    """The whole document with ocr-client, the first pages with every tool, and why others are not among them."""

    whole: Work
    broken: Broken
    works: dict[str, Work]
    versions: list[str]
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class MeasureDocuments(TargetMeasurement[Documents]):
    """A drawn document of scanned pages to searchable PDF, beside OCRmyPDF; memory, and runs that are killed."""

    command: ClassVar[str] = "documents"
    title: ClassVar[str] = "Documents"

    pages: Annotated[int, Option(min=5, help="Pages of the document.")] = 100
    compared: Annotated[int, Option(min=1, help="Its first pages, which every tool reads.")] = 20
    chunk: Annotated[int, Option(min=1, help="Pages that each reads in turn.")] = 10
    cache: Cache = CACHE

    def measure(self, place: Workplace) -> Documents:
        """The tools take turns over the first pages; then the whole document, at one go and killed on the way."""
        scans = [scan(number) for number in range(self.pages)]
        compared = scans[: self.compared]
        with ExitStack() as stack:
            server = stack.enter_context(running_server(self.target, place.file("server.log")))
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="ocr-bench-")))
            log = stack.enter_context(place.file("log").open("wb"))
            tools, missing = searchable_tools(self.target, server, self.cache)
            works = {tool.name: Work() for tool in tools}
            done = stack.enter_context(place.progress(len(tools) * len(compared) + 2 * len(scans)))
            for start in range(0, len(compared), self.chunk):
                part = compared[start : start + self.chunk]
                write_pdf(part, folder / "part.pdf")
                for tool in tools:
                    make_searchable(tool, folder / "part.pdf", folder / "out.pdf", part, works[tool.name], log)
                    done(tool.name, len(part))
            source, ours, whole = folder / "whole.pdf", tools[0], Work()
            write_pdf(scans, source)
            make_searchable(ours, source, folder / "unbroken.pdf", scans, whole, log)
            done("the whole document", len(scans))
            broken = kill_and_resume(ours, source, folder / "unbroken.pdf", len(scans), log)
            done("killed and resumed", len(scans))
        versions = [first_line([str(beside("ocrmypdf")), "--version"]), first_line(["tesseract", "--version"])]
        names = ("OCRmyPDF", "")
        said = [f"{name} {version}".strip() for name, version in zip(names, versions, strict=True) if version]
        return Documents(whole, broken, works, said, missing)

    def intro(self, found: Documents) -> str:
        """How it was measured."""
        return (
            f"A drawn document, scanned at {DPI} dpi: {', '.join(KINDS)}, in turns. Its first {self.compared} pages "
            f"through every tool, {self.chunk} pages a tool in turn, from the start of the command to its end; the "
            "server's processor time counts for those who ask it, its memory does not. OCRmyPDF makes no PDF/A and "
            "leaves pictures as they are. Words are where pdftotext -bbox finds them, as upright rectangles; Chinese "
            "words are single characters, an even part of the run that pdftotext gives. Met: the intersection is half "
            "of the union or more; covered: half of the printed word or more; in order: the longest common "
            "subsequence of the printed words and the words found, over the printed ones, in the order of the file "
            "(-raw); by poppler: likewise, in the order that pdftotext gives them by their places. Words are drawn by "
            f"lot, so no language model helps. Ours with {self.target.model_set}."
        )

    def table(self, found: Documents) -> Table:
        """One row a tool."""
        header = ("", "pages/min", "CPU s/page", "peak PSS, MiB", "words", "met", "covered", "in order", "by poppler")
        rows: list[tuple[Cell, ...]] = []
        for name, work in found.works.items():
            speed = (work.pages_a_minute, work.cpu_s / work.pages, round(max(work.pss_mib)))
            rows.append((name, *speed, work.score.words, *work.score.shares))
        return Table(header, tuple(rows), digits=3)

    def notes(self, found: Documents) -> Sequence[str]:
        """Words by kind of page, the whole document, and who is missing."""
        by_kind = Table(
            ("met / in order", *KINDS),
            tuple((name, *(_shares(score) for score in work.scores.values())) for name, work in found.works.items()),
        )
        whole, broken, series = found.whole, found.broken, found.whole.pss_mib
        tenths = ", ".join(f"{series[round(tenth * (len(series) - 1) / 10)]:.0f}" for tenth in range(1, 11))
        paragraphs = (
            f"All {whole.pages} pages with ocr-client and the server: {whole.pages_a_minute:.1f} pages a minute. PSS "
            f"of ocr-client's processes at each tenth of the time: {tenths} MiB; the most was {max(series):.0f} MiB.",
            f"Killed (SIGKILL) when {' and '.join(map(str, broken.noted))} pages were read, and resumed: the result is "
            f"{'the same, byte for byte' if broken.equal else 'ANOTHER'}. "
            f"{'A' if broken.early else 'No'} file stood under the final name before the end; "
            f"{broken.orphans or 'no'} processes outlived a kill.",
        )
        return [by_kind.markdown(), *paragraphs, *found.missing, "; ".join(found.versions)]


def _shares(score: LayerScore) -> str:
    if not score.words:
        return "–"
    met, _, in_order, _ = score.shares
    return f"{met:.3f} / {in_order:.3f}"
