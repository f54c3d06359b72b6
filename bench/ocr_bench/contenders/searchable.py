"""Programs that make a PDF searchable, as users start them: what they take and make, and what killing them leaves."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from pathlib import Path
from typing import IO

import psutil

from ocr_bench.contenders.environments import Peer, make_environment
from ocr_bench.drawn.document import DPI, KINDS, Scan
from ocr_bench.errors import BenchError, PeerError
from ocr_bench.process_tree import cpu_s, pss_bytes, tree
from ocr_bench.runner import REQUEST_TIMEOUT_S
from ocr_bench.scoring.text_layer import LayerScore, placed_words
from ocr_bench.server import Server
from ocr_bench.target import Target

SAMPLE_S = 1.0  # between two looks at the memory
KILLED_AT = (1 / 3, 2 / 3)  # of the pages read: when a run is killed
NOTES = ".ocr-client"  # the folder beside an output that --resume keeps
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


def searchable_tools(target: Target, server: Server, cache: Path) -> tuple[list[Tool], list[str]]:
    """Find what makes a PDF searchable on this machine, ocr-client first, and say why others are left out."""
    client = (str(beside("ocr-client")), "--format", "pdf")
    asked = ("--url", server.http, "--timeout", f"{REQUEST_TIMEOUT_S:.0f}")
    models: tuple[str, ...] = ("--model-repository", str(target.path), "--device", target.device.value)
    models += ("--precision", target.precision.value)
    tools = [
        Tool("ocr-client, server", (*client, *asked), ("--output",), server),
        Tool("ocr-client --local", (*client, "--local", *models), ("--output",)),
    ]
    missing = []
    plain = ("--output-type", "pdf", "--optimize", "0", "--quiet")  # no PDF/A, pictures as they are: as ours
    if (ocrmypdf := beside("ocrmypdf")).is_file():
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
        program = make_environment(RAPIDOCR, cache) / "bin" / "ocrmypdf"
        words = (str(program), *plain, "--plugin", "ocrmypdf_rapidocr", "--language", "chi_sim")
        tools.append(Tool("OCRmyPDF, RapidOCR", words))
    except PeerError as error:
        missing.append(f"OCRmyPDF with RapidOCR is left out: {error}")
    return tools, missing


def beside(program: str) -> Path:
    """A program of the environment that this runs in."""
    return Path(sys.executable).parent / program


def _missing_languages() -> str | None:
    """Why Tesseract cannot read this document; None when it can."""
    if shutil.which("tesseract") is None:
        return "tesseract is not installed"
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout.split()
    missing = [language for language in LANGUAGES.split("+") if language not in listed]
    return f"it lacks the language data {', '.join(missing)}" if missing else None


def make_searchable(tool: Tool, source: Path, target: Path, scans: Sequence[Scan], work: Work, log: IO[bytes]) -> None:
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
    for page, found, in_order in zip(scans, placed_words(target, DPI), placed_words(target, DPI, "-raw"), strict=True):
        work.scores[page.kind].add(page.words, found, in_order)


def _processor_s(tool: Tool) -> float:
    """Processor seconds of ended children of this process, and of the tool's server."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + (cpu_s(tool.server.pid) if tool.server else 0.0)


def _check(tool: Tool, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    if process.returncode:
        raise BenchError(f"{tool.name} ended with code {process.returncode}; see {log.name}")


def kill_and_resume(tool: Tool, source: Path, unbroken: Path, pages: int, log: IO[bytes]) -> Broken:
    """Kill the tool's whole process group twice, each time when more pages have been read; then let it end.

    Raises:
        BenchError: the tool failed, or ended before it was killed.
    """
    target = unbroken.with_name("resumed") / "whole.pdf"
    target.parent.mkdir()
    parts = target.parent / NOTES / "parts"
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
