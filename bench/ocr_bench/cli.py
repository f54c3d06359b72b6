"""ocr-bench: the command line. A measurement's command has the fields of its class as options."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, get_type_hints

import typer
from typer import Option

from ocr_bench import report
from ocr_bench.contenders.environments import CACHE, PEERS, Cache, Peers, prepare
from ocr_bench.errors import BenchError, PeerError, UnavailableError, UnmetError
from ocr_bench.measurements import perf_analyzer
from ocr_bench.measurements.accuracy import MeasureAccuracy
from ocr_bench.measurements.documents import MeasureDocuments
from ocr_bench.measurements.endurance import Endurance
from ocr_bench.measurements.gateway import MeasureGateway
from ocr_bench.measurements.hostile import Hostile
from ocr_bench.measurements.lines import Lines
from ocr_bench.measurements.load import Load
from ocr_bench.measurements.load_metric import LoadMetric
from ocr_bench.measurements.lower_bound import LowerBound
from ocr_bench.measurements.order import Order
from ocr_bench.measurements.peers import MeasurePeers
from ocr_bench.measurements.perf_input import Endpoint, Form, arguments, write_input
from ocr_bench.measurements.recognition import Recognition
from ocr_bench.measurements.scaling import Scaling
from ocr_bench.measurements.service_times import ServiceTimes
from ocr_bench.measurements.soak import Soak
from ocr_bench.measurements.stages import Stages
from ocr_bench.measurements.words import Words
from ocr_bench.runner import RESULTS, Limit, Measurement, run
from ocr_bench.scoring.labels import find_pictures
from ocr_contract.errors import OcrError
from ocr_serve.errors import ServeError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure the OCR endpoint. Results go to --out as Markdown, CSV and JSON.",
)

MEASUREMENTS: tuple[type[Measurement[Any]], ...] = (
    *(MeasureAccuracy, Recognition, MeasurePeers, Stages, LowerBound, Load, Lines, Endurance, Order, Words),
    *(MeasureDocuments, MeasureGateway, Soak, Hostile, LoadMetric, ServiceTimes, Scaling),
)
# As make bench names them.
PEER_SECTIONS = ("peers", "peers-first", "peers-bf16", "peers-v6", "peers-v6-bf16", "peers-two")
SECTIONS = (
    *("accuracy", "recognition", *PEER_SECTIONS),
    *("stages", "floor", "load", "lines", "endurance", "order", "words", "documents", "gateway", "gateway-tiny"),
    *("hostile", "soak", "soak-faults"),
)
PAGE = Path("bench/RESULTS.md")


def attempt(work: Callable[[], str]) -> None:
    """Print what `work` gives; a known error is one message and exit code 2, an unmet demand exit code 1."""
    try:
        typer.echo(work())
    except UnmetError as error:
        typer.echo(error.section)
        typer.echo(f"ocr-bench: {error}", err=True)
        raise typer.Exit(1) from error
    except (BenchError, ServeError, OcrError) as error:
        typer.echo(f"ocr-bench: {error}", err=True)
        raise typer.Exit(2) from error


def default(field: Field[Any]) -> Any:
    """What a field is when it is not given."""
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


def add_command(kind: type[Measurement[Any]]) -> None:
    """Make the command of a measurement."""

    def command(**options: Any) -> None:
        attempt(lambda: run(kind(**options)))

    hints = get_type_hints(kind, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=default(field), annotation=hints[field.name]
        )
        for field in fields(kind)
    ]
    # What typer reads of a function.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(kind.command, help=kind.__doc__)(command)


for each in MEASUREMENTS:
    add_command(each)


@app.command()
def setup(peer: Peers = [*PEERS], cache: Cache = CACHE) -> None:  # noqa: B006 - typer reads it and hands over a new one
    """Make the peers' environments and try perf_analyzer; exit code 1 when something cannot be had."""
    fine = True

    def work() -> str:
        nonlocal fine
        said = []
        for chosen in peer:
            try:
                prepare(chosen, cache)
                said.append(f"{chosen.name}: ready in {cache / chosen.package}")
            except PeerError as error:
                said.append(f"{chosen.name}: {error}")
                fine = False
        try:
            with TemporaryDirectory(prefix="ocr-bench-") as folder:
                perf_analyzer.find(Path(folder))
            said.append("perf_analyzer: it starts")
        except UnavailableError as error:
            said.append(str(error))
            fine = False
        return "\n".join(said)

    attempt(work)
    if not fine:
        raise typer.Exit(1)


@app.command("perf-input")
def write_perf_input(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.")],
    out: Annotated[Path, Option(help="The file that is written.")],
    endpoint: Annotated[Endpoint, Option(help="What is asked.")] = Endpoint.OCR,
    form: Annotated[
        Form, Option(help="tensor: bytes, for infer over HTTP or gRPC; generate: base64 text, for generate over HTTP.")
    ] = Form.TENSOR,
    lines: Annotated[int, Option(min=1, help="Pictures a request of text_recognition.")] = 1,
    limit: Limit = None,
) -> None:
    """Write perf_analyzer's --input-data from pictures, and say how to give it."""

    def work() -> str:
        requests = write_input(find_pictures(pictures, limit), out, endpoint, form, lines)
        return f"{out}: requests: {requests}\nperf_analyzer {shlex.join(arguments(out, endpoint, form))}"

    attempt(work)


@app.command("perf-libraries")
def link_perf_libraries(
    folder: Annotated[Path, typer.Argument(help="Folder for links, and then for LD_LIBRARY_PATH.")],
) -> None:
    """Link the libraries that the environment's perf_analyzer needs, and print the folder."""

    def work() -> str:
        perf_analyzer.link_libraries(folder)
        return str(folder.resolve())

    attempt(work)


@app.command("report")
def join_report(
    out: Annotated[Path, Option(help="Folder with the results.")] = RESULTS,
    page: Annotated[Path, Option(help="The page that the results are brought into.")] = PAGE,
    section: Annotated[list[str] | None, Option(help="Names of results; repeatable.")] = None,
) -> None:
    """Bring results into bench/RESULTS.md; text between the sections' markers is replaced, the rest stays."""
    attempt(lambda: f"{page}: {', '.join(report.join(out, page, section or SECTIONS))}")


def main() -> None:
    """Entry point of the command."""
    app()
