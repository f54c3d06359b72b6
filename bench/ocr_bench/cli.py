"""ocr-bench: the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ocr_bench import commands, peer_commands, report
from ocr_bench.errors import BenchError
from ocr_bench.subject import Subject
from ocr_client.errors import OcrClientError
from ocr_contract.errors import OcrError
from ocr_serve.errors import ServeError
from onnxruntime_backend.errors import BackendError
from onnxruntime_backend.settings import Precision

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure the OCR endpoint. Results go to --out as Markdown, CSV and JSON.",
)

PEER_SECTIONS = ("peers", "peers-first", "peers-bf16", "peers-v6", "peers-v6-bf16")  # as make bench names them
SECTIONS = ("accuracy", *PEER_SECTIONS, "stages", "floor", "load", "lines", "endurance")
Pictures = Annotated[list[Path], typer.Option("--data", help="Pictures, or folders of them; repeatable.")]
Labelled = Annotated[list[Path], typer.Option("--data", help="Folder with pictures and PaddleOCR labels; repeatable.")]
Repository = Annotated[Path, typer.Option(help="Model repository with converted weights.")]
Device = Annotated[str, typer.Option(help="cpu or gpu.")]
Arithmetic = Annotated[
    Precision | None, typer.Option("--precision", help="Arithmetic of the networks; by default what config.pbtxt says.")
]
Name = Annotated[str | None, typer.Option(help="Name of the result files; the command's own by default.")]
Out = Annotated[Path, typer.Option(help="Folder for the results.")]
Cache = Annotated[Path, typer.Option(help="Folder for the peers' environments.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Pictures of each folder; all by default.")]
Repeats = Annotated[int, typer.Option(min=1, help="Times every picture is measured.")]

MODELS = Path("model_repository")
RESULTS = Path("build/bench")
PEERS = Path("build/peers")


def attempt(work: Callable[[], str]) -> None:
    """Print what `work` gives; a known error is one message and exit code 2."""
    try:
        typer.echo(work())
    except (BenchError, ServeError, OcrClientError, OcrError, BackendError) as error:
        typer.echo(f"ocr-bench: {error}", err=True)
        raise typer.Exit(2) from error


@app.command()
def stages(
    data: Pictures,
    limit: Limit = None,
    model_repository: Repository = MODELS,
    device: Device = "cpu",
    precision: Arithmetic = None,
    repeats: Repeats = 3,
    name: Name = None,
    out: Out = RESULTS,
) -> None:
    """Paddle Serving's per-stage table: HTTP, gRPC, shared memory, in-process."""
    subject = Subject(model_repository, device, precision)
    attempt(lambda: commands.run_stages(data, limit, subject, repeats, name or "stages", out))


@app.command()
def load(
    data: Pictures,
    limit: Limit = None,
    model_repository: Repository = MODELS,
    device: Device = "cpu",
    precision: Arithmetic = None,
    concurrency: Annotated[list[int] | None, typer.Option(min=1, help="Requests in flight; repeatable.")] = None,
    protocol: Annotated[list[str] | None, typer.Option(help="http, grpc; repeatable.")] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="Requests a window; by default one a picture.")] = None,
    name: Name = None,
    out: Out = RESULTS,
) -> None:
    """perf_analyzer: throughput and latency by requests in flight."""
    protocols = protocol or ["http", "grpc"]
    if unknown := set(protocols) - {"http", "grpc"}:
        raise typer.BadParameter(f"expected http or grpc, got {', '.join(sorted(unknown))}")
    subject, flights = Subject(model_repository, device, precision), concurrency or [1, 2, 4, 8]
    attempt(lambda: commands.run_load(data, limit, subject, flights, protocols, requests, name or "load", out))


@app.command()
def accuracy(
    data: Labelled,
    model_repository: Annotated[list[Path] | None, typer.Option(help="Model repository; repeatable.")] = None,
    precision: Annotated[list[Precision] | None, typer.Option(help="Arithmetic of the networks; repeatable.")] = None,
    url: Annotated[str | None, typer.Option(help="host:port of a running server, instead of this process.")] = None,
    device: Device = "cpu",
    name: Name = None,
    out: Out = RESULTS,
) -> None:
    """Detection, exact lines, edit distance and token F1 on labelled sets."""
    precisions: list[Precision | None] = [*precision] if precision else [None]
    subjects = [Subject(repository, device, one) for repository in model_repository or [MODELS] for one in precisions]
    attempt(lambda: commands.run_accuracy(data, subjects, url, name or "accuracy", out))


@app.command()
def floor(
    data: Pictures,
    limit: Limit = None,
    model_repository: Repository = MODELS,
    device: Device = "cpu",
    precision: Arithmetic = None,
    repeats: Repeats = 3,
    name: Name = None,
    out: Out = RESULTS,
) -> None:
    """A request beside the least time its models need."""
    subject = Subject(model_repository, device, precision)
    attempt(lambda: commands.run_floor(data, limit, subject, repeats, name or "floor", out))


@app.command()
def endurance(
    data: Pictures,
    model_repository: Repository = MODELS,
    device: Device = "cpu",
    precision: Arithmetic = None,
    requests: Annotated[int, typer.Option(min=20, help="Requests of the long run.")] = 1000,
    in_flight: Annotated[int, typer.Option(min=1, help="Requests at a time.")] = 2,
    name: Name = None,
    out: Out = RESULTS,
) -> None:
    """Start-up, the first request, and memory over many requests of mixed sizes."""
    subject = Subject(model_repository, device, precision)
    attempt(lambda: commands.run_endurance(data, subject, requests, in_flight, name or "endurance", out))


@app.command()
def lines(
    count: Annotated[list[int] | None, typer.Option(min=1, max=1000, help="Lines of a page; repeatable.")] = None,
    model_repository: Repository = MODELS,
    device: Device = "cpu",
    precision: Arithmetic = None,
    repeats: Repeats = 3,
    name: Name = None,
    out: Out = RESULTS,
) -> None:
    """Time per line, from pages of few lines to pages of many."""
    subject, counts = Subject(model_repository, device, precision), sorted(count or [10, 30, 100, 300, 1000])
    attempt(lambda: commands.run_lines(counts, subject, repeats, name or "lines", out))


@app.command()
def peers(
    data: Labelled,
    model_repository: Repository = MODELS,
    device: Device = "cpu",
    precision: Arithmetic = None,
    peer: Annotated[list[str] | None, typer.Option(help="Peers to run; repeatable. All by default.")] = None,
    static: Annotated[bool, typer.Option(help="Also the plain ensemble, ocr_static.")] = True,
    limit: Limit = None,
    chunk: Annotated[int, typer.Option(min=1, help="Pictures a side reads in turn.")] = 12,
    warm: Annotated[int, typer.Option(min=1, help="Largest pictures read before the clock starts.")] = 4,
    cache: Cache = PEERS,
    name: Name = None,
    out: Out = RESULTS,
) -> None:
    """Ours and other OCR packages over the same pictures, in turns."""
    subject, section = Subject(model_repository, device, precision), name or "peers"

    def work() -> str:
        chosen = peer_commands.choose_peers(peer or [])
        return peer_commands.run_peers(data, subject, chosen, static, limit, chunk, warm, cache, section, out)

    attempt(work)


@app.command()
def setup(
    peer: Annotated[list[str] | None, typer.Option(help="Peers to prepare; repeatable. All by default.")] = None,
    cache: Cache = PEERS,
) -> None:
    """Make the peers' environments and try perf_analyzer; exit code 1 when something cannot be had."""
    fine = True

    def work() -> str:
        nonlocal fine
        said, fine = peer_commands.run_setup(peer_commands.choose_peers(peer or []), cache)
        return said

    attempt(work)
    if not fine:
        raise typer.Exit(1)


@app.command("report")
def join_report(
    out: Out = RESULTS,
    page: Annotated[Path, typer.Option(help="The page that the results are brought into.")] = Path("bench/RESULTS.md"),
    section: Annotated[list[str] | None, typer.Option(help="Names of results; repeatable.")] = None,
) -> None:
    """Bring results into bench/RESULTS.md; text between the sections' markers is replaced, the rest stays."""
    attempt(lambda: f"{page}: {', '.join(report.join(out, page, section or SECTIONS))}")


def main() -> None:
    """Entry point of the command."""
    app()
