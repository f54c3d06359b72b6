"""`ocr-jobs`: what the user says, and how it ends."""

from __future__ import annotations

import signal
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ocr_client.cli.flags import Dpi, ExistingText, ExistingTextFlag, MaxPages, Protocol, flag
from ocr_client.cli.option_flags import with_option_flags
from ocr_client.errors import UsageError
from ocr_client.retry import Patience
from ocr_contract.errors import OcrError
from ocr_contract.options import OCR, given_options
from ocr_documents.errors import CannotWrite
from ocr_documents.limits import Limits
from ocr_documents.page_ranges import PageRanges
from ocr_jobs.errors import INTERRUPTED, REFUSED, SOME_FAILED, STOPPED, JobStopped
from ocr_jobs.job import run_job
from ocr_jobs.readers import open_client
from ocr_jobs.settings import LocalModels, Reading, Servers, Work

TERMINATED = 128 + signal.SIGTERM
_DEFAULTS = Servers(())

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class Changed(str, Enum):
    """What becomes of inputs that have changed since they were read."""

    REFUSE = "refuse"
    READ = "read"
    KEEP = "keep"


@app.callback()
def _jobs() -> None:
    """Bulk jobs: many pictures and documents in, Parquet out."""


@app.command()
@with_option_flags({"ocr": OCR}, without=("page",))
def run(
    context: typer.Context,
    inputs: Annotated[
        list[str], flag("File, folder, pattern, or a URI of these; may be given several times.", "--input", "-i")
    ],
    output: Annotated[Path, flag("Folder of the results; an earlier run of the job goes on.", "--output", "-o")],
    url: Annotated[
        list[str] | None, flag("Server: host:port or a URL; may be given several times. Without: read in process.")
    ] = None,
    protocol: Annotated[Protocol, flag("With --url: how to talk to it.")] = Protocol.HTTP,
    timeout: Annotated[
        float, flag("With --url: seconds that one page may take, retries included.")
    ] = Patience.timeout_s,
    retries: Annotated[int, flag("With --url: how often a page is sent again.")] = Patience.retries,
    http_header: Annotated[
        list[str] | None, flag("With --url: 'NAME: VALUE' sent with every request.", "--header")
    ] = None,
    wait: Annotated[
        float, flag("With --url: seconds to wait for a server when none answers any more.", min=0)
    ] = _DEFAULTS.wait_s,
    model_set: Annotated[
        str | None, flag("With --url: name of the servers' model set, for the tables; they do not tell it.")
    ] = None,
    model_repository: Annotated[
        Path | None, flag("Without --url: folder with the models; by default model_repository.")
    ] = None,
    device: Annotated[str, flag("Without --url: where the models run.", metavar="<cpu|gpu>")] = "cpu",
    precision: Annotated[
        str,
        flag(
            "Without --url: arithmetic on a CPU; auto: BF16 where the processor has it, else float32.",
            metavar="<auto|f32|bf16>",
        ),
    ] = "auto",
    pages: Annotated[str | None, flag("Pages to read, such as 1-3,8-; by default all.", metavar="<ranges>")] = None,
    dpi: Dpi = Reading.dpi,
    existing_text: ExistingTextFlag = ExistingText.KEEP,
    max_pages: MaxPages = Limits.pages,
    retry_failed: Annotated[bool, flag("Read inputs that failed in an earlier run again.", "--retry-failed")] = False,
    changed: Annotated[
        Changed, flag("Inputs that have changed since they were read: read them again, or keep what was read.")
    ] = Changed.REFUSE,
    address: Annotated[
        str | None, flag("A Ray cluster: host:port, or auto. Without: a Ray of this job's own.", metavar="HOST:PORT")
    ] = None,
    actors: Annotated[int | None, flag("Processes that read; by default as many as suit the machine.", min=1)] = None,
    cpus_per_actor: Annotated[int | None, flag("Cores of each; 4 without --url, 1 with it.", min=1)] = None,
    concurrency: Annotated[
        int | None, flag("Pages under way in each; 2 without --url, 4 with it.", min=1, max=256)
    ] = None,
    inputs_per_part: Annotated[
        int, flag("Inputs that are read and written as one.", min=1, max=100_000)
    ] = Work.inputs_per_part,
    **options: Any,
) -> None:
    """Read many documents and write Parquet; the same command goes on where an earlier one was stopped.

    The exit code is 1 when inputs failed (they are in the table failures), 2 when the command is mistaken or the
    output is not for it, 3 when the job stopped before its end.
    """
    try:
        reader = _reader(
            context,
            Servers(
                urls=tuple(url or ()),
                protocol=protocol.value,
                timeout_s=timeout,
                retries=retries,
                headers=dict(_header(line) for line in http_header or []),
                wait_s=wait,
            ),
            LocalModels((model_repository or LocalModels.model_repository).resolve(), device, precision),
        )
        if pages is not None:
            PageRanges.parse(pages)
        report = run_job(
            inputs,
            output,
            reading=Reading(given_options(options), pages, dpi, existing_text.value, max_pages),
            reader=reader,
            work=Work(address, actors, cpus_per_actor, concurrency, inputs_per_part),
            model_set=model_set,
            retry_failed=retry_failed,
            changed=changed.value,
        )
    except (JobStopped, CannotWrite) as error:
        typer.echo(f"ocr-jobs: {error}", err=True)
        typer.echo("ocr-jobs: stopped before the end; the same command goes on", err=True)
        raise typer.Exit(STOPPED) from error
    except OcrError as error:
        typer.echo(f"ocr-jobs: {error}", err=True)
        raise typer.Exit(REFUSED) from error
    except KeyboardInterrupt as error:
        typer.echo("ocr-jobs: stopped; the same command goes on", err=True)
        raise typer.Exit(INTERRUPTED) from error
    if report.failed_in_output:
        raise typer.Exit(SOME_FAILED)


_OF_SERVERS = ("protocol", "timeout", "retries", "http_header", "wait", "model_set")
_OF_MODELS = ("model_repository", "device", "precision")


def _reader(context: typer.Context, servers: Servers, models: LocalModels) -> LocalModels | Servers:
    """Who reads, as the command line says.

    Raises:
        UsageError: it says something of the other one.
    """
    others = _OF_MODELS if servers.urls else _OF_SERVERS
    sources = {name: context.get_parameter_source(name) for name in others}
    if given := [name for name, source in sources.items() if source is not None and source.name != "DEFAULT"]:
        flags = ", ".join("--header" if name == "http_header" else f"--{name.replace('_', '-')}" for name in given)
        why = "servers have their own" if servers.urls else "there is no server without it"
        raise UsageError(f"{flags}: only {'without' if servers.urls else 'with'} --url; {why}")
    if not servers.urls:
        return models
    open_client(servers).close()  # which says what is wrong with them
    return servers


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(character in line for character in "\r\n"):
        raise UsageError(f"--header: expected 'NAME: VALUE', got {line!r}")
    return name.strip(), value.strip()


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # Ray is ended then, too
    app()


if __name__ == "__main__":
    main()
