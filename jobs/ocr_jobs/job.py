"""A run of a job, from the list of its inputs to its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from ocr_jobs.engine import running_ray
from ocr_jobs.errors import JobStopped
from ocr_jobs.listing import list_inputs
from ocr_jobs.output import Output
from ocr_jobs.plan import Changed, Plan, cut, plan
from ocr_jobs.readers import check_servers, identify
from ocr_jobs.report import Report, Watch
from ocr_jobs.settings import LocalModels, Reading, Servers, Work, WorkerSettings


def run_job(
    arguments: Sequence[str],
    folder: Path,
    *,
    reading: Reading,
    reader: LocalModels | Servers,
    work: Work,
    model_set: str | None = None,
    retry_failed: bool = False,
    changed: Changed = "refuse",
) -> Report:
    """Read all inputs that are not in the output yet; write report.json and return it.

    Args:
        arguments: what `--input` says.
        folder: of the output.
        reading: how documents are read.
        reader: who reads them.
        work: how the work is cut.
        model_set: what servers have, as the user says.
        retry_failed: whether inputs with failures are read again.
        changed: what becomes of inputs with other content than before.

    Raises:
        JobRefused: the command, the inputs or the output do not do; nothing was read.
        JobStopped: the run ended before its inputs did; what was read is written.
        CannotWrite: likewise.
        OcrError: the models cannot be used; nothing was read.
    """
    identity = identify(reader, reading, model_set)
    inputs = list_inputs(arguments, folder)
    with Output(folder, identity) as output:
        todo = plan(inputs, output, retry_failed=retry_failed, changed=changed)
        del inputs
        typer.echo(_opening(todo), err=True)
        if todo.to_read and isinstance(reader, Servers) and work.address is None:
            check_servers(reader)  # a cluster's nodes may reach servers that this machine does not
        output.take_out(todo.again)
        with Watch(len(todo.to_read)) as watch:
            end = _read(
                todo, output, watch, WorkerSettings(folder.resolve(), output.run, identity, reading, reader), work
            )
        failed = sum(done.failures > 0 for done in output.done().values())
        report = Report(todo.listed, todo.before, watch.sums, failed, watch.seconds, end or "done")
        output.write_report(report.to_dict())
    typer.echo(report.text())
    if end:
        raise JobStopped(end)
    return report


def _read(todo: Plan, output: Output, watch: Watch, settings: WorkerSettings, work: Work) -> str:
    """Read and write everything; return why that ended before it was done, "" where it was."""
    if not todo.to_read:
        return ""
    try:
        with running_ray(work, settings.reader) as engine:
            parts = cut(todo.to_read, output.run, work.inputs_per_part)
            for part in engine.read(parts, settings):
                if part["stopped"]:
                    return str(part["stopped"])
                watch.add(part)
    except JobStopped as error:
        return str(error)
    return ""


def _opening(todo: Plan) -> str:
    left, before = len(todo.to_read), todo.before
    return f"ocr-jobs: {todo.listed:,} inputs, {before:,} read before, {left:,} to read"
