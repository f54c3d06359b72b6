"""The folder that a job writes to: whose it is, what stands in it, and what a run that was killed left behind.

job.json            what the job is
.ocr-jobs/lock      held by the command
.ocr-jobs/actors    held by its actors, together; by the command until they begin
.ocr-jobs/run       name of the last run: actors of an earlier one do not begin
.ocr-jobs/rewriting-<part>   rows are being taken out of this part
"""

from __future__ import annotations

import fcntl
import json
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ocr_documents.output import TEMPORARY, NewFile, writing
from ocr_jobs.errors import JobRefused, JobStopped
from ocr_jobs.parts import keep_rows, part_file
from ocr_jobs.schema import SCHEMA_VERSION, TABLES
from ocr_jobs.settings import Identity
from ocr_jobs.storage import first_line, is_uri, shown

if TYPE_CHECKING:
    from typing_extensions import Self

NOTES = ".ocr-jobs"
_JOB, _LOCK, _ACTORS, _RUN, _REWRITING = "job.json", "lock", "actors", "run", "rewriting-"
_ACTORS_END_S = 120.0  # that actors of a command that was killed may live on


@dataclass(frozen=True)
class Done:
    """An input that stands in the output.

    Attributes:
        size_bytes: as it was listed.
        modified_ns: likewise.
        failures: rows that it has in `failures`.
    """

    size_bytes: int
    modified_ns: int
    failures: int


class Output:
    """A job's folder, held by this process.

    Args:
        folder: made where there is none.
        identity: what the job is.

    Attributes:
        folder: its path.
        run: name of this run.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.folder = folder
        self.run = secrets.token_hex(4)
        self._identity = identity
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Take hold of the folder, and remove what a run that was killed left unfinished.

        Raises:
            JobRefused: it is another's, another job's, or another process works on it.
            CannotWrite: nothing can be written there.
            JobStopped: actors of an earlier run do not end.
        """
        self._check_content()
        with writing(self.folder):
            (self.folder / NOTES).mkdir(parents=True, exist_ok=True)
            lock = (self.folder / NOTES / _LOCK).open("ab")
        if not _try_to_lock(lock, fcntl.LOCK_EX):
            lock.close()
            raise JobRefused(f"another ocr-jobs works on {str(self.folder)!r}: let it end, or stop it")
        self._lock = lock
        try:
            self._claim()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def done(self) -> dict[str, Done]:
        """Return the inputs that stand in the output, by path.

        Raises:
            JobRefused: a table cannot be read, or has an input twice.
        """
        found: dict[str, Done] = {}
        for part in self._parts("inputs"):
            table = _read(part_file(self.folder, "inputs", part), ["path", "size", "modified", "failures"])
            for path, *rest in zip(*(column.to_pylist() for column in table.columns), strict=True):
                if path in found:
                    raise JobRefused(f"{str(self.folder)!r} has {path!r} twice: use another --output folder")
                found[path] = Done(*rest)
        return found

    def digests(self, paths: Collection[str]) -> dict[str, str | None]:
        """Return the hash of the content of some inputs, as it was when they were read."""
        found: dict[str, str | None] = {}
        for part in self._parts("inputs") if paths else ():
            table = _read(part_file(self.folder, "inputs", part), ["path", "sha256"])
            rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
            found.update({path: sha256 for path, sha256 in rows if path in paths})
        return found

    def take_out(self, paths: Collection[str]) -> None:
        """Remove all rows of some inputs; they are then as if they had not been read.

        Raises:
            CannotWrite: it cannot be done now; what has begun is finished by the next run.
        """
        for part in self._parts("inputs") if paths else ():
            file = part_file(self.folder, "inputs", part)
            here = set(_read(file, ["path"])["path"].to_pylist())
            if here.isdisjoint(paths):
                continue
            mark = self.folder / NOTES / f"{_REWRITING}{part}"
            with NewFile(mark):
                pass
            keep_rows(file, here.difference(paths))
            self._finish_rewriting(part)

    def write_report(self, report: dict[str, Any]) -> None:
        """Write report.json."""
        with NewFile(self.folder / "report.json") as file:
            file.write(json.dumps(report, indent=2).encode() + b"\n")

    def _check_content(self) -> None:
        """See that a folder is one of this machine, and new, empty, or a job's.

        Raises:
            JobRefused: it is not.
        """
        uri = str(self.folder).replace(":/", "://", 1)  # as it was before it was taken for a path
        if is_uri(uri):
            raise JobRefused(f"--output {shown(uri)!r} is a URI: it must be a folder, which all nodes share")
        try:
            names = sorted(path.name for path in self.folder.iterdir() if path.name != NOTES)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JobRefused(f"--output {str(self.folder)!r}: {error.strerror}") from error
        if any(not name.endswith(TEMPORARY) for name in names) and _JOB not in names:
            raise JobRefused(
                f"--output {str(self.folder)!r} holds something else than the results of ocr-jobs, {names[0]!r} for "
                "one: use an empty folder, or a new one"
            )

    def _claim(self) -> None:
        """Wait for actors of an earlier run, see that the job is the same, and tidy up."""
        actors = (self.folder / NOTES / _ACTORS).open("ab")
        with actors:
            give_up = time.monotonic() + _ACTORS_END_S
            while not _try_to_lock(actors, fcntl.LOCK_EX):
                if time.monotonic() > give_up:
                    raise JobStopped(
                        f"actors of an earlier run still work on {str(self.folder)!r}: end them, and try again"
                    )
                time.sleep(0.2)
            self._check_identity()
            self._tidy()
            with NewFile(self.folder / NOTES / _RUN) as run:
                run.write(self.run.encode())

    def _check_identity(self) -> None:
        path = self.folder / _JOB
        here = self._identity.to_dict()
        if not path.exists():
            self._write_identity(here)
            return
        try:
            there = json.loads(path.read_bytes())
            version = there.pop("schema_version")
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise JobRefused(f"{str(path)!r} cannot be read, or is no job's: use another --output folder") from error
        if version != SCHEMA_VERSION:
            raise JobRefused(
                f"{str(self.folder)!r} holds results of schema version {version}, and this program writes version "
                f"{SCHEMA_VERSION}: use another --output folder"
            )
        # Through JSON, so that both sides have its types.
        if differences := list(_differences(there, json.loads(json.dumps(here)))):
            if not any(self._parts("inputs")):  # nothing has been read yet
                self._write_identity(here)
                return
            raise JobRefused(
                f"the job in {str(self.folder)!r} has other settings: {'; '.join(differences)}. Use them, or another "
                "--output folder"
            )

    def _write_identity(self, identity: dict[str, Any]) -> None:
        with NewFile(self.folder / _JOB) as file:
            file.write(json.dumps({"schema_version": SCHEMA_VERSION, **identity}, indent=2).encode() + b"\n")

    def _tidy(self) -> None:
        """Finish what was begun, and remove what is of no whole part."""
        with writing(self.folder):
            for left_over in (*self.folder.glob(f".*{TEMPORARY}"), *self.folder.glob(f"*/.*{TEMPORARY}")):
                left_over.unlink(missing_ok=True)
            for trail in (self.folder / NOTES).glob("trail-*"):
                trail.unlink(missing_ok=True)
            for mark in (self.folder / NOTES).glob(f"{_REWRITING}*"):
                self._finish_rewriting(mark.name.removeprefix(_REWRITING))
            whole = set(self._parts("inputs"))
            for table in TABLES:
                for part in self._parts(table):
                    if part not in whole:
                        part_file(self.folder, table, part).unlink()

    def _finish_rewriting(self, part: str) -> None:
        """Let the other tables of a part have the rows of its inputs alone."""
        inputs = part_file(self.folder, "inputs", part)
        kept = set(_read(inputs, ["path"])["path"].to_pylist()) if inputs.exists() else set()
        for table in TABLES:
            if table != "inputs":
                keep_rows(part_file(self.folder, table, part), kept)
        with writing(self.folder):
            (self.folder / NOTES / f"{_REWRITING}{part}").unlink(missing_ok=True)

    def _parts(self, table: str) -> Iterator[str]:
        for path in sorted((self.folder / table).glob("part-*.parquet")):
            yield path.stem.removeprefix("part-")

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()  # which gives the lock back
            self._lock = None


def enter_as_actor(folder: Path, run: str) -> IO[bytes]:
    """Hold a job's folder as one of the actors of a run, until the file that is returned is closed.

    Raises:
        JobStopped: the folder is not there, or is not of this run.
    """
    try:
        held = (folder / NOTES / _ACTORS).open("ab")
        fcntl.flock(held, fcntl.LOCK_SH)
        last = (folder / NOTES / _RUN).read_text("ascii")
    except OSError as error:
        raise JobStopped(
            f"an actor does not find the output folder {str(folder)!r} ({error.strerror}): all nodes must share it"
        ) from error
    if last != run:
        held.close()
        raise JobStopped(f"another run works on {str(folder)!r}")
    return held


def _try_to_lock(file: IO[bytes], kind: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, kind | fcntl.LOCK_NB)
        return True
    return False


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise JobRefused(
            f"{str(path)!r} cannot be read ({first_line(error)}): remove it, and its inputs are read again"
        ) from error


def _differences(there: dict[str, Any], here: dict[str, Any], within: str = "") -> Iterator[str]:
    for name in sorted({*there, *here}):
        one, other = there.get(name), here.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, f"{within}{name}.")
        elif one != other and name == "model_files":
            yield "the model set has other files"
        elif one != other:
            yield f"{within}{name} is {_said(one)} there and {_said(other)} here"


def _said(value: Any) -> str:
    return "not set" if value is None else json.dumps(value)
