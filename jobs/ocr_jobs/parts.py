"""A part of a job's output: the same name in each table, whole or not at all.

The file of `inputs` appears last. So whoever finds an input there finds all of its pages and failures.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ocr_documents.output import NewFile, writing
from ocr_jobs.errors import JobRefused
from ocr_jobs.schema import TABLES, file_schema
from ocr_jobs.storage import first_line

if TYPE_CHECKING:
    from typing_extensions import Self

_ROWS_AT_ONCE = 64  # that are held before they are written


def part_file(output: Path, table: str, part: str) -> Path:
    """Return the path of a part's file of a table."""
    return output / table / f"part-{part}.parquet"


@dataclass
class PartSums:
    """What a part holds.

    Attributes:
        inputs: rows in `inputs`.
        failed: of these, inputs with failures.
        pages: rows in `pages`.
        lines: on these pages.
        failures: rows in `failures`.
    """

    inputs: int = 0
    failed: int = 0
    pages: int = 0
    lines: int = 0
    failures: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of `inputs`."""
        self.inputs += 1
        self.failed += row["failures"] > 0
        self.pages += row["pages_read"]
        self.lines += row["lines"]
        self.failures += row["failures"]

    @classmethod
    def of_file(cls, path: Path) -> PartSums:
        """Count what a file of `inputs` says."""
        sums = cls()
        for row in pq.read_table(path, columns=["failures", "pages_read", "lines"]).to_pylist():
            sums.add(row)
        return sums


class PartWriter:
    """Writes a part, and gives its files their names when it is whole.

    Args:
        output: folder of the job.
        part: name of the part.
        job: what the job is, for the files' metadata.

    Attributes:
        sums: what has been written.

    Raises:
        CannotWrite: as do all methods.
    """

    def __init__(self, output: Path, part: str, job: Mapping[str, Any]) -> None:
        self._tables = {name: _Table(part_file(output, name, part), file_schema(name, job)) for name in TABLES}
        self.sums = PartSums()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()

    def page(self, row: Mapping[str, Any]) -> None:
        """Write a row of `pages`."""
        self._tables["pages"].add(row)

    def failure(self, row: Mapping[str, Any]) -> None:
        """Write a row of `failures`."""
        self._tables["failures"].add(row)

    def input(self, row: Mapping[str, Any]) -> None:
        """Write a row of `inputs`."""
        self._tables["inputs"].add(row)
        self.sums.add(row)

    def commit(self) -> None:
        """Let the part appear."""
        try:
            for name in ("pages", "failures", "inputs"):
                self._tables[name].commit()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written and has no name yet."""
        for table in self._tables.values():
            table.discard()


class _Table:
    """One file of a part; there is none where there are no rows."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._rows: list[Mapping[str, Any]] = []
        self._file: NewFile | None = None
        self._writer: pq.ParquetWriter | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._flush()

    def commit(self) -> None:
        self._flush()
        if self._file is None or self._writer is None:
            with writing(self._path):  # of a process that died at the same part
                self._path.unlink(missing_ok=True)
            return
        with writing(self._path):
            self._writer.close()
        self._file.commit()
        self._file = self._writer = None

    def discard(self) -> None:
        self._rows.clear()
        if self._writer is not None:
            with suppress(OSError, ValueError):  # its end may not find room; it is not wanted
                self._writer.close()
        if self._file is not None:
            self._file.discard()
        self._file = self._writer = None

    def _flush(self) -> None:
        if not self._rows:
            return
        table = pa.Table.from_pylist(self._rows, schema=self._schema)
        self._rows.clear()
        with writing(self._path):
            if self._writer is None:
                self._file = NewFile(self._path)
                self._writer = pq.ParquetWriter(self._file.file, self._schema, compression="zstd")
            self._writer.write_table(table)
            if self._file is not None:
                self._file.file.flush()  # a full disk is noticed now, and not after the next hour


def keep_rows(path: Path, paths: frozenset[str] | set[str]) -> None:
    """Write a file of a table anew, with the rows of some inputs alone; one without rows is removed.

    Raises:
        CannotWrite: it cannot be written.
        JobRefused: it is no such file any more.
    """
    if not path.exists():
        return
    if not paths:
        with writing(path):
            path.unlink()
        return
    try:
        rows = _rewrite(path, paths)
    except pa.ArrowException as error:
        inputs = path.parent.parent / "inputs" / path.name
        raise JobRefused(
            f"{str(path)!r} cannot be read ({first_line(error)}): remove {str(inputs)!r}, and its inputs are read again"
        ) from error
    if not rows:
        with writing(path):
            path.unlink()


def _rewrite(path: Path, paths: frozenset[str] | set[str]) -> int:
    """Write a file of a table anew, and return how many rows it has."""
    wanted = pa.array(sorted(paths), pa.string())
    with writing(path), pq.ParquetFile(path) as old:
        rows = 0
        with NewFile(path) as new, pq.ParquetWriter(new.file, old.schema_arrow, compression="zstd") as writer:
            for batch in old.iter_batches(_ROWS_AT_ONCE):
                table = pa.Table.from_batches([batch])
                kept = table.filter(pc.is_in(table["path"], value_set=wanted))
                rows += kept.num_rows
                if kept.num_rows:
                    writer.write_table(kept)
    return rows
