"""`ocr-client`: pictures in, text out."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ocr_client.batch import Outcome, read_all
from ocr_client.client import OcrClient
from ocr_client.endpoint import DEFAULT_TIMEOUT_S
from ocr_client.errors import FontError, OcrClientError, UsageError
from ocr_client.fonts import FontOfSize, open_font
from ocr_client.formats import Format
from ocr_client.inputs import expand
from ocr_client.overlay import draw_overlay, save_overlay
from ocr_client.report import Report
from ocr_contract.options import given_options

SOME_FAILED, USAGE = 1, 2  # exit codes

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Protocol(str, Enum):
    """How to talk to the server."""

    HTTP = "http"
    GRPC = "grpc"


class LimitType(str, Enum):
    """Which side `text_det_limit_side_len` means."""

    MIN = "min"
    MAX = "max"


def _flag(help_text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_text, **more)


@app.command()
def run(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Files, folders, patterns; - is stdin.")],
    url: Annotated[
        str | None, _flag("Server: host:port or a URL; by default port 8000 (http) or 8001 (grpc) of this machine.")
    ] = None,
    protocol: Annotated[Protocol, _flag("How to talk to it.")] = Protocol.HTTP,
    timeout: Annotated[float, _flag("Seconds that one picture may take.")] = DEFAULT_TIMEOUT_S,
    concurrency: Annotated[int, _flag("Pictures under way at a time.", min=1, max=256)] = 4,
    http_header: Annotated[list[str] | None, _flag("'NAME: VALUE' sent with every request.", "--header")] = None,
    form: Annotated[
        Format, _flag("text: lines only; json: one document a picture; tsv: one row a line.", "--format")
    ] = Format.TEXT,
    overlay: Annotated[Path | None, _flag("Folder for pictures with boxes and texts drawn.", file_okay=False)] = None,
    font: Annotated[Path | None, _flag("Font file for --overlay; by default Noto Sans CJK.")] = None,
    text_det_limit_side_len: Annotated[int | None, _flag("Pixels the picture is scaled to for detection.")] = None,
    text_det_limit_type: Annotated[
        LimitType | None, _flag("min: the short side is scaled up to that; max: the long one down.")
    ] = None,
    text_det_max_side_limit: Annotated[int | None, _flag("Pixels the long side may have in detection.")] = None,
    text_det_thresh: Annotated[float | None, _flag("0..1, from which a pixel is text.")] = None,
    text_det_box_thresh: Annotated[float | None, _flag("0..1, from which a box is kept.")] = None,
    text_det_unclip_ratio: Annotated[float | None, _flag("How far boxes grow around the text.")] = None,
    text_rec_score_thresh: Annotated[float | None, _flag("0..1, from which a text is kept.")] = None,
    use_textline_orientation: Annotated[bool | None, _flag("Turn lines that stand on their head.")] = None,
) -> None:
    """Read the text of pictures through a running server (`make serve`).

    Reading options that are left out are the server's defaults. The exit code is 1 when a picture failed (the list
    is on standard error) and 2 when the command itself is mistaken.
    """
    options = given_options(
        {
            "text_det_limit_side_len": text_det_limit_side_len,
            "text_det_limit_type": None if text_det_limit_type is None else text_det_limit_type.value,
            "text_det_max_side_limit": text_det_max_side_limit,
            "text_det_thresh": text_det_thresh,
            "text_det_box_thresh": text_det_box_thresh,
            "text_det_unclip_ratio": text_det_unclip_ratio,
            "text_rec_score_thresh": text_rec_score_thresh,
            "use_textline_orientation": use_textline_orientation,
        }
    )
    try:
        sources = expand(images)
        lettering = None if overlay is None else open_font(font)
        headers = dict(_header(line) for line in http_header or [])
        client = OcrClient(url, protocol.value, timeout_s=timeout, headers=headers)
    except (UsageError, FontError) as error:
        typer.echo(f"ocr-client: {error}", err=True)
        raise typer.Exit(USAGE) from error
    report = Report(form, len(sources))
    try:
        with client, report:
            for outcome in read_all(sources, lambda image: client.ocr(image, **options), concurrency):
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


def _finish(outcome: Outcome, report: Report, overlay: Path | None, font: FontOfSize | None) -> None:
    """Print one picture's result and draw its overlay, or note its failure."""
    source, result = outcome.source, outcome.result
    if result is not None:
        report.result(source.name, result)
        if overlay is not None and font is not None:
            try:
                drawn = draw_overlay(outcome.image, result.boxes, result.texts, font)
                save_overlay(overlay / source.output.with_name(f"{source.output.name}.jpg"), drawn)
            except OcrClientError as error:
                report.failure(source.name, error)
    if outcome.error is not None:
        report.failure(source.name, outcome.error)
    report.advance(source.name)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(character in line for character in "\r\n"):
        raise UsageError(f"--header: expected 'NAME: VALUE', got {line!r}")
    return name.strip(), value.strip()


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
