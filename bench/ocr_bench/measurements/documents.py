"""`ocr-bench documents`: a scanned document to searchable PDF, against OCRmyPDF; memory, and runs that are killed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Annotated, ClassVar

import psutil
from typer import Option

from ocr_bench.contenders.environments import CACHE, Cache, Peer, make_environment
from ocr_bench.drawn.document import DPI, KINDS, Scan, scan, write_pdf
from ocr_bench.errors import BenchError, PeerError
from ocr_bench.machine import first_line
from ocr_bench.process_tree import cpu_s, pss_bytes, tree
from ocr_bench.report import Cell, Table
from ocr_bench.runner import REQUEST_TIMEOUT_S, TargetMeasurement, Workplace
from ocr_bench.scoring.text_layer import LayerScore, placed_words
from ocr_bench.server import Server, running_server
from ocr_documents.parts import STATE

SAMPLE_S = 1.0  # between two looks at the memory
KILLED_AT = (1 / 3, 2 / 3)  # of the pages read: when a run is killed
POLL_S = 0.02
ORPHANS_TIMEOUT_S = 10.0
LANGUAGES = "eng+chi_sim"
RAPIDOCR = Peer(
    "ocrmypdf-rapidocr",
    "pp-ocrv6-small",
    ("ocrmypdf==17.13.0", "ocrmypdf-rapidocr==1.0.1", "rapidocr==3.10.0", "onnxruntime"),
)


@dataclass(frozen=True)
class Tool:
    """A program that makes a PDF searchable: its name, its words before the source and before the target."""

    name: str
    head: tuple[str, ...]
    before_target: tuple[str, ...] = ()
    server: Server | None = None

    def command(self, source: Path, target: Path) -> list[str]:
        """The command line."""
        return [*self.head, str(source), *self.before_target, str(target)]


@dataclass
class Work:
    """What a tool has done: pages, wall and processor seconds (its server's too), and its memory.

    Attributes:
        pss_mib: of the command's process tree, a sample a second; the server's is not in it.
        scores: by kind of page.
    """

    pages: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    pss_mib: list[float] = field(default_factory=list)
    scores: dict[str, LayerScore] = field(default_factory=lambda: {kind: LayerScore() for kind in KINDS})

    @property
    def pages_a_minute(self) -> float:
        """Throughput, the start of the program included."""
        return 60 * self.pages / self.wall_s

    @property
    def score(self) -> LayerScore:
        """All kinds of page together."""
        return reduce(add, self.scores.values())


@dataclass(frozen=True)
class Broken:
    """A run that was killed and resumed.

    Attributes:
        noted: pages that had been read at each kill.
        orphans: processes that outlived a kill.
        early: whether a file stood under the final name after a kill.
        equal: whether the result is the unbroken run's, byte for byte.
    """

    noted: list[int]
    orphans: int
    early: bool
    equal: bool


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
            tools, missing = self._tools(server)
            works = {tool.name: Work() for tool in tools}
            done = stack.enter_context(place.progress(len(tools) * len(compared) + 2 * len(scans)))
            for start in range(0, len(compared), self.chunk):
                part = compared[start : start + self.chunk]
                write_pdf(part, folder / "part.pdf")
                for tool in tools:
                    _work(tool, folder / "part.pdf", folder / "out.pdf", part, works[tool.name], log)
                    done(tool.name, len(part))
            source, ours, whole = folder / "whole.pdf", tools[0], Work()
            write_pdf(scans, source)
            _work(ours, source, folder / "unbroken.pdf", scans, whole, log)
            done("the whole document", len(scans))
            broken = _killed_and_resumed(ours, source, folder / "unbroken.pdf", len(scans), log)
            done("killed and resumed", len(scans))
        versions = [first_line([str(_beside("ocrmypdf")), "--version"]), first_line(["tesseract", "--version"])]
        names = ("OCRmyPDF", "")
        said = [f"{name} {version}".strip() for name, version in zip(names, versions, strict=True) if version]
        return Documents(whole, broken, works, said, missing)

    def _tools(self, server: Server) -> tuple[list[Tool], list[str]]:
        client = (str(_beside("ocr-client")), "--format", "pdf")
        asked = ("--url", server.http, "--timeout", f"{REQUEST_TIMEOUT_S:.0f}")
        models = str(self.model_repository)
        tools = [
            Tool("ocr-client, server", (*client, *asked), ("--output",), server),
            Tool("ocr-client --local", (*client, "--local", "--model-repository", models), ("--output",)),
        ]
        missing = []
        plain = ("--output-type", "pdf", "--optimize", "0", "--quiet")  # no PDF/A, pictures as they are: as ours
        if (ocrmypdf := _beside("ocrmypdf")).is_file():
            own = (str(ocrmypdf), *plain, "--ocr-engine", "triton-paddleocr", "--triton-paddleocr-url", server.http)
            tools.append(Tool("OCRmyPDF, our engine", own, server=server))
            if missed := _missing_languages():
                missing.append(f"OCRmyPDF with Tesseract is left out: {missed}")
            else:
                words = (str(ocrmypdf), *plain, "--ocr-engine", "tesseract", "--language", LANGUAGES)
                tools.append(Tool("OCRmyPDF, Tesseract", words))
        else:
            missing.append("OCRmyPDF is left out: it is not installed beside this Python")
        try:
            program = make_environment(RAPIDOCR, self.cache) / "bin" / "ocrmypdf"
            words = (str(program), *plain, "--plugin", "ocrmypdf_rapidocr", "--language", "chi_sim")
            tools.append(Tool("OCRmyPDF, RapidOCR", words))
        except PeerError as error:
            missing.append(f"OCRmyPDF with RapidOCR is left out: {error}")
        return tools, missing

    def intro(self, found: Documents) -> str:
        """How it was measured."""
        return (
            f"A drawn document, scanned at {DPI} dpi: {', '.join(KINDS)}, in turns. Its first {self.compared} pages "
            f"through every tool, {self.chunk} pages a tool in turn, from the start of the command to its end; the "
            "server's processor time counts for those who ask it, its memory does not. OCRmyPDF makes no PDF/A and "
            "leaves pictures as they are. Words are where pdftotext -bbox finds them, as upright rectangles; Chinese "
            "words are single characters, an even part of the run that pdftotext gives. Met: the intersection is half "
            "of the union or more; covered: half of the printed word or more; in order: the longest common "
            "subsequence of the printed words and the words found, over the printed ones. The words are drawn by lot, "
            f"so no language model helps. Ours with {self.target.model_set}."
        )

    def table(self, found: Documents) -> Table:
        """One row a tool."""
        header = ("", "pages/min", "CPU s/page", "peak PSS, MiB", "words", "met", "covered", "in order")
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


def _beside(program: str) -> Path:
    return Path(sys.executable).parent / program


def _missing_languages() -> str | None:
    """Why Tesseract cannot read this document; None when it can."""
    if shutil.which("tesseract") is None:
        return "tesseract is not installed"
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout.split()
    missing = [language for language in LANGUAGES.split("+") if language not in listed]
    return f"it lacks the language data {', '.join(missing)}" if missing else None


def _shares(score: LayerScore) -> str:
    if not score.words:
        return "–"
    met, _, in_order = score.shares
    return f"{met:.3f} / {in_order:.3f}"


def _work(tool: Tool, source: Path, target: Path, scans: Sequence[Scan], work: Work, log: IO[bytes]) -> None:
    """Let a tool make a PDF searchable, and add what that took and what came of it.

    Raises:
        BenchError: the tool failed.
    """
    before, started = _processor_s(tool), time.perf_counter()
    process = subprocess.Popen(tool.command(source, target), stdout=log, stderr=log)
    while process.poll() is None:
        work.pss_mib.append(pss_bytes(process.pid) / 2**20)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SAMPLE_S)
    work.wall_s += time.perf_counter() - started
    work.cpu_s += _processor_s(tool) - before
    work.pages += len(scans)
    _check(tool, process, log)
    for page, found in zip(scans, placed_words(target, DPI), strict=True):
        work.scores[page.kind].add(page.words, found)


def _processor_s(tool: Tool) -> float:
    """Processor seconds of ended children of this process, and of the tool's server."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + (cpu_s(tool.server.pid) if tool.server else 0.0)


def _check(tool: Tool, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    if process.returncode:
        raise BenchError(f"{tool.name} ended with code {process.returncode}; see {log.name}")


def _killed_and_resumed(tool: Tool, source: Path, unbroken: Path, pages: int, log: IO[bytes]) -> Broken:
    """Kill the tool's whole process group twice, each time when more pages have been read; then let it end.

    Raises:
        BenchError: the tool failed, or ended before it was killed.
    """
    target = unbroken.with_name("resumed") / "whole.pdf"
    target.parent.mkdir()
    parts = target.parent / STATE / "parts"
    command = [*tool.command(source, target), "--resume"]
    noted, orphans, early = [], 0, False
    for share in KILLED_AT:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        while len(list(parts.glob("*.json"))) < share * pages:
            if process.poll() is not None:
                raise BenchError(
                    f"{tool.name} ended with code {process.returncode} and was to be killed; see {log.name}"
                )
            time.sleep(POLL_S)
        members = tree(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        orphans += len(psutil.wait_procs(members, ORPHANS_TIMEOUT_S)[1])
        early |= target.exists()
        noted.append(len(list(parts.glob("*.json"))))
    process = subprocess.Popen(command, stdout=log, stderr=log)
    process.wait()
    _check(tool, process, log)
    return Broken(noted, orphans, early, target.read_bytes() == unbroken.read_bytes())
