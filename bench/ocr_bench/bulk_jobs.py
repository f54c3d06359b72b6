"""`python -m ocr_bench.bulk_jobs`: a bulk job over two servers, plain, beside ocr-client, and killed on the way.

Every step stands alone and takes some minutes: `draw`, `plain`, `client`, `killed`, and at last `compare`, which prints
what bench/RESULTS.md holds. What a step finds is kept in the folder that all of them are given.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import pyarrow.parquet as pq
import typer
from PIL import Image, ImageDraw

from ocr_bench.machine import this_machine
from ocr_bench.process_tree import cpu_s, pss_bytes, tree
from ocr_bench.server import answers, stop
from ocr_client.drawing.fonts import open_font

BIN = Path(sys.executable).parent
PICTURES, DOCUMENTS, PAGES_A_DOCUMENT = 1400, 120, 5  # 2,000 pages
SEED = 15
PAUSE_S = 2.0  # between two looks at a job
IN_FLIGHT = 8

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Folder = Annotated[Path, typer.Argument(help="Where everything is kept.")]
Models = Annotated[Path, typer.Option(help="Model repository of both servers.")]
Port = Annotated[int, typer.Option(help="First of the six ports of the servers.")]


@app.command()
def draw(folder: Folder) -> None:
    """Draw the pages: pictures, and PDF and TIFF files of five pages, all different."""
    pages = _pages(random.Random(SEED))  # noqa: S311 -- nothing to guess
    for kind in ("pictures", "documents"):
        (folder / "corpus" / kind).mkdir(parents=True, exist_ok=True)
    for number in range(PICTURES):
        suffix = "png" if number % 3 else "jpg"
        next(pages).save(folder / "corpus" / "pictures" / f"{number:04d}.{suffix}")
    for number in range(DOCUMENTS):
        suffix = "pdf" if number % 6 else "tif"
        first, *others = (next(pages) for _ in range(PAGES_A_DOCUMENT))
        path = folder / "corpus" / "documents" / f"{number:04d}.{suffix}"
        first.save(path, save_all=True, append_images=others, resolution=200)


@app.command()
def plain(folder: Folder, models: Models, port: Port = 43000) -> None:
    """The whole job at one go."""
    with _servers(folder, models, port, 2) as servers:
        job = _Job(folder, "plain", servers)
        job.watch()
        job.end(0)
        _keep(folder, "plain", job.found())


@app.command()
def client(folder: Folder, models: Models, port: Port = 43000) -> None:
    """The same inputs with ocr-client."""
    with _servers(folder, models, port, 2) as servers:
        command = [str(BIN / "ocr-client"), str(folder / "corpus"), "--format", "json"]
        command += ["--output", str(folder / "client"), "--concurrency", str(IN_FLIGHT), *_urls(servers)]
        began = time.monotonic()
        process = subprocess.Popen(command)
        used, pss = 0.0, []
        while process.poll() is None:
            used = max(used, cpu_s(process.pid))
            pss.append(pss_bytes(process.pid) >> 20)
            time.sleep(PAUSE_S)
        seconds = time.monotonic() - began
        _keep(folder, "client", {"code": process.returncode, "seconds": seconds, "cpu_s": used, "pss_mib": pss})


@app.command()
def killed(folder: Folder, models: Models, port: Port = 43000) -> None:
    """The job is killed at a third, and resumed; a server is killed at two thirds, and started anew a little later."""
    with _servers(folder, models, port, 2) as servers:
        job = _Job(folder, "killed", servers)
        job.watch(until=0.33)
        job.kill()
        at = [job.pages()]
        again = _Job(folder, "killed", servers)
        again.watch(until=0.66)
        for member in tree(servers[1].pid):
            member.kill()
        at.append(again.pages())
        again.watch(until=0.8)
        with _servers(folder, models, port + 3, 1):
            again.watch()
        again.end(0)
        _keep(folder, "killed", {**again.found(), "killed_at": at})


@app.command()
def compare(folder: Folder) -> None:
    """Hold the three against each other, and print the section of RESULTS.md."""
    found = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("plain", "client", "killed")}
    tables = {name: _table(folder / name) for name in ("plain", "killed")}
    by_client = {}
    for path in (folder / "client").rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            page = json.loads(line)
            lines = [_plain(*each) for each in zip(page["texts"], page["scores"], page["boxes"], strict=True)]
            by_client[page["image"], page["page"]] = lines
    corpus = sorted(str(path.resolve()) for path in (folder / "corpus").rglob("*") if path.is_file())
    for name in tables:
        inputs = sorted(pq.read_table(folder / name / "inputs", columns=["path"])["path"].to_pylist())
        typer.echo(f"{name}: every input once: {inputs == corpus}")
    for name, table in {**tables, "client": by_client}.items():
        same = sum(table.get(key) == lines for key, lines in tables["plain"].items())
        typer.echo(f"{name}: {len(table)} pages, {same} as in the plain run")
    for name, each in found.items():
        series = each["pss_mib"]
        pages = each["report"]["pages"] if "report" in each else len(by_client)
        tenths = ", ".join(str(series[round(tenth * (len(series) - 1) / 10)]) for tenth in range(1, 11))
        typer.echo(
            f"{name}: {each['seconds']:.1f} s, {pages / each['seconds']:.2f} pages/s, {each['cpu_s']:.0f} CPU s; PSS "
            f"at each tenth {tenths}, at most {max(series)} MiB; {each.get('report', '')} {each.get('killed_at', '')}"
        )
    typer.echo(this_machine().markdown())


class _Job:
    """A run of ocr-jobs, and what is seen."""

    def __init__(self, folder: Path, name: str, servers: Sequence[subprocess.Popen[bytes]]) -> None:
        self._output = folder / name
        command = [
            str(BIN / "ocr-jobs"),
            "run",
            "--input",
            str((folder / "corpus").resolve()),
            "--output",
            str(self._output),
        ]
        self._began = time.monotonic()
        self._process = subprocess.Popen([*command, *_urls(servers)])
        self._pss: list[int] = []
        self._cpu_s = 0.0

    def pages(self) -> int:
        """Pages of whole parts."""
        parts = (self._output / "inputs").glob("part-*.parquet")
        return sum(sum(pq.read_table(part, columns=["pages_read"])["pages_read"].to_pylist()) for part in parts)

    def watch(self, until: float = 2.0) -> None:
        """Look at it until it has read that share of the pages, or ends."""
        while self._process.poll() is None and self.pages() < until * (PICTURES + DOCUMENTS * PAGES_A_DOCUMENT):
            self._cpu_s = max(self._cpu_s, cpu_s(self._process.pid))
            self._pss.append(pss_bytes(self._process.pid) >> 20)
            time.sleep(PAUSE_S)

    def kill(self) -> None:
        """Kill it, and all its children."""
        members = tree(self._process.pid)
        for member in members:
            member.kill()
        psutil.wait_procs(members, 30)
        self._process.wait()

    def end(self, code: int) -> None:
        """See that it has ended well."""
        if self._process.wait() != code:
            raise RuntimeError(f"ocr-jobs ended with code {self._process.returncode}")

    def found(self) -> dict[str, Any]:
        """Return the figures."""
        report = json.loads((self._output / "report.json").read_text())
        seconds = time.monotonic() - self._began
        return {"seconds": seconds, "cpu_s": self._cpu_s, "pss_mib": self._pss, "report": report}


@contextmanager
def _servers(folder: Path, models: Path, port: int, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Servers that are ready; their HTTP ports are `port`, `port` + 3, ..."""
    with ExitStack() as stack:
        started = []
        for number in range(count):
            ports = (port + 3 * number + offset for offset in range(3))
            command = [str(BIN / "ocr-serve"), "--device", "cpu", "--model-repository", str(models)]
            for name, value in zip(("--http-port", "--grpc-port", "--metrics-port"), ports, strict=True):
                command += [name, str(value)]
            log = stack.enter_context((folder / f"server-{port + 3 * number}.log").open("wb"))
            started.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True))
            stack.callback(stop, started[-1])
        for number, server in enumerate(started):
            while not answers(f"127.0.0.1:{port + 3 * number}"):
                if server.poll() is not None:
                    raise RuntimeError(f"ocr-serve ended with code {server.returncode}")
                time.sleep(0.2)
        yield started


def _urls(servers: Sequence[subprocess.Popen[bytes]]) -> list[str]:
    words = [[str(word) for word in server.args] for server in servers]  # type: ignore[union-attr]
    ports = [each[each.index("--http-port") + 1] for each in words]
    return [word for port in ports for word in ("--url", f"127.0.0.1:{port}")]


def _pages(rng: random.Random) -> Iterator[Image.Image]:
    """Yield small pages of three to six lines, each with its number on it."""
    font_of_size = open_font()
    letters = "abcdefghijklmnoprstuvwy"
    number = 0
    while True:
        number += 1
        size = rng.choice((18, 22, 26))
        words = ["".join(rng.choices(letters, k=rng.randrange(3, 9))) for _ in range(10)]
        rows = zip(words[::2], words[1::2], strict=True)
        lines = [f"page {number}", *(f"{one} {other} {rng.randrange(1000)}" for one, other in rows)]
        lines = lines[: rng.randrange(3, 7)]
        page = Image.new("RGB", (400, 20 + len(lines) * (size + 14)), (rng.randrange(235, 256),) * 3)
        for row, line in enumerate(lines):
            ImageDraw.Draw(page).text((10, 6 + row * (size + 14)), line, font=font_of_size(size), fill="black")
        yield page


def _table(output: Path) -> dict[tuple[str, int], list[Any]]:
    rows = pq.read_table(output / "pages", columns=["path", "page", "lines"]).to_pylist()
    return {
        (row["path"], row["page"]): [_plain(line["text"], line["score"], line["box"]) for line in row["lines"]]
        for row in rows
    }


def _plain(text: str, score: float, box: Any) -> tuple[Any, ...]:
    """A line as a job and ocr-client both have it: its numbers as float32."""
    return text, np.float32(score), tuple(np.asarray(box, np.float32).reshape(-1))


def _keep(folder: Path, name: str, found: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    app()
