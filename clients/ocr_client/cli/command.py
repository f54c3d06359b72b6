"""The command itself: what it takes, and what is wrong with that."""

from __future__ import annotations

import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer

from ocr_client.cli.destination import choose
from ocr_client.cli.flags import Dpi, ExistingText, ExistingTextFlag, MaxPages, Protocol, flag
from ocr_client.cli.formats import OutputFormat
from ocr_client.cli.inputs import expand
from ocr_client.cli.job import Job, Stopped
from ocr_client.cli.option_flags import with_option_flags
from ocr_client.cli.overlays import Overlays
from ocr_client.cli.tasks import Task
from ocr_client.cli.usage import check_flags, check_output
from ocr_client.client import OcrClient
from ocr_client.drawing.fonts import open_font
from ocr_client.errors import UsageError
from ocr_client.local import open_local
from ocr_client.retry import Patience
from ocr_contract.errors import OcrError
from ocr_contract.options import given_options
from ocr_documents.limits import Limits
from ocr_documents.page_ranges import PageRanges

SOME_FAILED, USAGE, INTERRUPTED = 1, 2, 130  # exit codes
TERMINATED = 128 + signal.SIGTERM

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
@with_option_flags({task.value: task.endpoint for task in Task}, without=("page",))
def run(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Pictures, TIFF, PDF and ZIP files, folders, patterns; - is stdin."),
    ],
    task: Annotated[Task, flag(f"{'; '.join(f'{each.value}: {each.meaning}' for each in Task)}.")] = Task.OCR,
    form: Annotated[
        OutputFormat | None,
        flag(
            f"{'; '.join(f'{each.value}: {each.meaning}' for each in OutputFormat)}. By default text; json for detect.",
            "--format",
        ),
    ] = None,
    output: Annotated[
        str | None,
        flag("File for one document, folder for several; by default standard output.", "--output", "-o"),
    ] = None,
    pages: Annotated[
        str | None, flag("Pages to read, such as 1-3,8-; by default all.", "--pages", "--page", metavar="<ranges>")
    ] = None,
    dpi: Dpi = 200,
    existing_text: ExistingTextFlag = ExistingText.KEEP,
    max_pages: MaxPages = Limits.pages,
    resume: Annotated[
        bool, flag("Go on where an earlier run stopped; notes are kept beside the output.", "--resume")
    ] = False,
    concurrency: Annotated[int, flag("Pages under way at a time.", min=1, max=256)] = 4,
    url: Annotated[
        list[str] | None,
        flag(
            "Server: host:port or a URL; by default port 8000 (http) or 8001 (grpc) of this machine. "
            "Several servers of one model set: once for each."
        ),
    ] = None,
    protocol: Annotated[Protocol, flag("How to talk to it.")] = Protocol.HTTP,
    timeout: Annotated[float, flag("Seconds that one page may take, retries included.")] = Patience.timeout_s,
    retries: Annotated[
        int, flag("How often a page is sent again when the server is too busy or nobody answers.")
    ] = Patience.retries,
    http_header: Annotated[list[str] | None, flag("'NAME: VALUE' sent with every request.", "--header")] = None,
    local: Annotated[bool, flag("Read in this process, without a server.", "--local")] = False,
    model_repository: Annotated[
        Path | None, flag("With --local: folder with the models; by default model_repository.")
    ] = None,
    device: Annotated[str, flag("With --local: where the models run.", metavar="<cpu|gpu>")] = "cpu",
    precision: Annotated[
        str,
        flag(
            "With --local: arithmetic on a CPU; auto: BF16 where the processor has it, else float32.",
            metavar="<auto|f32|bf16>",
        ),
    ] = "auto",
    overlay: Annotated[Path | None, flag("Folder for pictures with boxes and texts drawn.", file_okay=False)] = None,
    font: Annotated[Path | None, flag("Font file for --overlay; by default Noto Sans CJK.")] = None,
    **options: Any,
) -> None:
    """Read the text of documents through a running server (`make serve`), or in this process (--local).

    Reading options that are left out are the model set's. The exit code is 1 when something failed (the list is on
    standard error) and 2 when the command itself is mistaken.
    """
    try:
        check_flags(context, task, local=local)
        form = task.form(form)
        task.check_options(given_options(options))
        folders = [Path(folder) for folder in (output, overlay) if folder is not None]
        sources = expand(inputs, without=folders)
        destination = choose(output, sources, form.suffix)
        check_output(form, destination, sources, resume=resume)
        job = Job(
            sources=sources,
            task=task,
            form=form,
            destination=destination,
            options=form.options(given_options(options)),
            pages=None if pages is None else PageRanges.parse(pages),
            dpi=dpi,
            existing_text=existing_text.value if task is Task.OCR else "read",
            limits=Limits(pages=max_pages),
            resume=resume,
            concurrency=concurrency,
            overlays=None if overlay is None else Overlays(overlay, open_font(font), {each.output for each in sources}),
        )
        headers = dict(_header(line) for line in http_header or [])
        reader: AbstractContextManager[Any] = (
            open_local(model_repository, device, precision, flag="--local")
            if local
            else OcrClient(url or None, protocol.value, timeout_s=timeout, headers=headers, retries=retries)
        )
    except OcrError as error:
        typer.echo(f"ocr-client: {error}", err=True)
        raise typer.Exit(USAGE) from error
    try:
        failed = job.run(reader)
    except Stopped as error:
        typer.echo(f"ocr-client: {error}", err=True)
        raise typer.Exit(SOME_FAILED) from error
    except KeyboardInterrupt as error:
        typer.echo("ocr-client: stopped", err=True)
        raise typer.Exit(INTERRUPTED) from error
    if failed:
        raise typer.Exit(SOME_FAILED)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(character in line for character in "\r\n"):
        raise UsageError(f"--header: expected 'NAME: VALUE', got {line!r}")
    return name.strip(), value.strip()


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # what is half-written is removed then too
    app()
