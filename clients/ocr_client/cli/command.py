"""The command itself: what it takes, and the way of a picture through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ocr_client.cli.batch import Outcome, read_all
from ocr_client.cli.formats import Format
from ocr_client.cli.inputs import Source, expand
from ocr_client.cli.local import open_local
from ocr_client.cli.option_flags import with_option_flags
from ocr_client.cli.pages import pages_of
from ocr_client.cli.report import Report
from ocr_client.client import OcrClient
from ocr_client.drawing.fonts import FontOfSize, open_font
from ocr_client.drawing.overlay import draw_overlay, save_overlay
from ocr_client.errors import OcrClientError, UsageError
from ocr_client.retry import Patience
from ocr_contract.errors import OcrError
from ocr_contract.options import OCR, given_options
from ocr_contract.result import OcrResult

SOME_FAILED, USAGE = 1, 2  # exit codes
# Parameters that have an effect on one of the two ways to read alone, and their flags.
FOR_A_SERVER = {
    **{name: f"--{name}" for name in ("url", "protocol", "timeout", "retries")},
    "http_header": "--header",
}
FOR_THIS_PROCESS = {"model_repository": "--model-repository", "device": "--device", "precision": "--precision"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Protocol(str, Enum):
    """How to talk to the server."""

    HTTP = "http"
    GRPC = "grpc"


def _flag(help_text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_text, **more)


@app.command()
@with_option_flags(OCR)
def run(
    context: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Files, folders, patterns; - is stdin.")],
    url: Annotated[
        str | None, _flag("Server: host:port or a URL; by default port 8000 (http) or 8001 (grpc) of this machine.")
    ] = None,
    protocol: Annotated[Protocol, _flag("How to talk to it.")] = Protocol.HTTP,
    timeout: Annotated[float, _flag("Seconds that one picture may take, retries included.")] = Patience.timeout_s,
    retries: Annotated[
        int, _flag("How often a picture is sent again when the server is too busy or nobody answers.")
    ] = Patience.retries,
    concurrency: Annotated[int, _flag("Pictures under way at a time.", min=1, max=256)] = 4,
    http_header: Annotated[list[str] | None, _flag("'NAME: VALUE' sent with every request.", "--header")] = None,
    local: Annotated[bool, _flag("Read in this process, without a server.", "--local")] = False,
    model_repository: Annotated[
        Path | None, _flag("With --local: folder with the models; by default model_repository.")
    ] = None,
    device: Annotated[str, _flag("With --local: where the models run.", metavar="<cpu|gpu>")] = "cpu",
    precision: Annotated[
        str | None,
        _flag(
            "With --local: arithmetic on a CPU; by default what the models' config.pbtxt says.", metavar="<f32|bf16>"
        ),
    ] = None,
    form: Annotated[Format, _flag(f"{'; '.join(f'{each.value}: {each.meaning}' for each in Format)}.", "--format")] = (
        Format.TEXT
    ),
    overlay: Annotated[Path | None, _flag("Folder for pictures with boxes and texts drawn.", file_okay=False)] = None,
    font: Annotated[Path | None, _flag("Font file for --overlay; by default Noto Sans CJK.")] = None,
    **options: Any,
) -> None:
    """Read the text of pictures through a running server (`make serve`), or in this process (--local).

    Of a TIFF file every page is read, or the one that --page names. Reading options that are left out are the model
    set's. The exit code is 1 when a picture failed (the list is on standard error) and 2 when the command itself is
    mistaken.
    """
    try:
        sources = expand(images)
        lettering = None if overlay is None else open_font(font)
        headers = dict(_header(line) for line in http_header or [])
        _refuse_flags_of_the_other_way(context, local)
        reader: AbstractContextManager[Any] = (
            open_local(model_repository, device, precision)
            if local
            else OcrClient(url, protocol.value, timeout_s=timeout, headers=headers, retries=retries)
        )
    except OcrError as error:
        typer.echo(f"ocr-client: {error}", err=True)
        raise typer.Exit(USAGE) from error
    report = Report(form, len(sources))
    given = given_options(options)
    page = given.pop("page", 0)

    def read(image: bytes, page: int) -> OcrResult:
        result: OcrResult = opened.ocr(image, **given, **({"page": page} if page else {}))
        return result

    try:
        with reader as opened, report:
            for outcome in read_all(_pages(sources, page, report), read, concurrency):
                _finish(outcome, report, overlay, lettering)
    except OcrClientError as error:  # the whole run is lost, not one picture
        report.print_failures()
        typer.echo(f"ocr-client: {error}", err=True)
        raise typer.Exit(SOME_FAILED) from error
    except BrokenPipeError:  # the reader has seen enough (`| head`); typer ends the run quietly
        raise
    except OSError as error:
        typer.echo(f"ocr-client: cannot write the results: {error.strerror}", err=True)
        raise typer.Exit(SOME_FAILED) from error
    report.print_failures()
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _refuse_flags_of_the_other_way(context: typer.Context, local: bool) -> None:
    """Where a picture is read by a server, flags of this process have no effect, and the other way round."""
    others = FOR_A_SERVER if local else FOR_THIS_PROCESS
    sources = {flag: context.get_parameter_source(name) for name, flag in others.items()}
    given = [flag for flag, source in sources.items() if source is not None and source.name != "DEFAULT"]
    if given and local:
        raise UsageError(f"--local asks no server: leave out {', '.join(given)}")
    if given:
        raise UsageError(f"{', '.join(given)}: only with --local; a server has its own")


def _pages(sources: Sequence[Source], page: int, report: Report) -> Iterator[Source]:
    """Yield what is to be read of each source; the report learns how much that is."""
    taken = {source.output for source in sources}
    for source in sources:
        pages = pages_of(source, page, taken)
        report.expect(len(pages) - 1)
        yield from pages


def _finish(outcome: Outcome, report: Report, overlay: Path | None, font: FontOfSize | None) -> None:
    """Print one picture's result and draw its overlay, or note its failure."""
    source, result = outcome.source, outcome.result
    if result is not None:
        report.result(source, result)
        if overlay is not None and font is not None:
            try:
                drawn = draw_overlay(
                    *(outcome.image, result.boxes, result.texts, font),
                    word_boxes=result.word_boxes,
                    word_lines=result.word_lines,
                    page=source.page,
                )
                save_overlay(overlay / source.output.with_name(f"{source.output.name}.jpg"), drawn)
            except OcrClientError as error:
                report.failure(source.title, error)
    if outcome.error is not None:
        report.failure(source.title, outcome.error)
    report.advance(source.title)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(character in line for character in "\r\n"):
        raise UsageError(f"--header: expected 'NAME: VALUE', got {line!r}")
    return name.strip(), value.strip()


def main() -> None:
    """Run the command line."""
    app()
