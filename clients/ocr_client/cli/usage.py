"""Parts of a command that do not go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer

from ocr_client.cli.destination import Destination
from ocr_client.cli.formats import PDF, OutputFormat
from ocr_client.cli.inputs import Source
from ocr_client.cli.tasks import Task
from ocr_client.errors import UsageError
from ocr_documents.opening import PDF_INSTALL, missing_module

# Parameters that have an effect on one of the two ways to read alone, and their flags.
FOR_A_SERVER = {
    **{name: f"--{name}" for name in ("url", "protocol", "timeout", "retries")},
    "http_header": "--header",
}
FOR_THIS_PROCESS = {"model_repository": "--model-repository", "device": "--device", "precision": "--precision"}
FOR_OCR = {"existing_text": "--existing-text"}  # those that have an effect on a task alone


def check_flags(context: typer.Context, task: Task, *, local: bool) -> None:
    """Refuse flags that have no effect: those of a server with --local, the other way round, and those of other tasks.

    Raises:
        UsageError: one is given.
    """
    given = _given(context, FOR_A_SERVER if local else FOR_THIS_PROCESS)
    if given and local:
        raise UsageError(f"--local asks no server: leave out {', '.join(given)}")
    if given:
        raise UsageError(f"{', '.join(given)}: only with --local; a server has its own")
    if task is not Task.OCR and (given := _given(context, FOR_OCR)):
        raise UsageError(f"--task {task.value} looks at the picture of every page: leave out {', '.join(given)}")


def check_output(
    form: OutputFormat, destination: Destination | None, sources: Sequence[Source], *, resume: bool
) -> None:
    """Refuse formats that cannot go where they should, and to resume what leaves nothing behind.

    Raises:
        UsageError: it cannot be done.
    """
    if destination is None and form is PDF:
        raise UsageError("--format pdf needs --output FILE, or a folder")
    if form is PDF and (missing := missing_module()):
        raise UsageError(f"--format pdf needs more packages (no module {missing}): {PDF_INSTALL}")
    if destination is None and not form.is_for_many and len(sources) > 1:
        raise UsageError(f"--format {form.value} holds one document a file: use --output FOLDER for {len(sources)}")
    if resume and (destination is None or not destination.keeps_files):
        raise UsageError("--resume needs --output: a file, or a folder")


def _given(context: typer.Context, flags: Mapping[str, str]) -> list[str]:
    """Those of some flags that stand on the command line, by their parameters."""
    sources = {flag: context.get_parameter_source(name) for name, flag in flags.items()}
    return [flag for flag, source in sources.items() if source is not None and source.name != "DEFAULT"]
