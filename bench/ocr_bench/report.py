"""Tables in Markdown and CSV, and the page that joins them: bench/RESULTS.md.

RESULTS.md holds a pair of markers per section; what stands between them is replaced, what a person wrote around them
stays.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ocr_bench.errors import BenchError
from ocr_bench.machine import Machine

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """Rows under a header. Numbers are written with `digits` decimals in Markdown and in full in CSV."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    digits: int = 2

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"{len(row)} cells under {len(self.header)} columns: {row}")

    def markdown(self) -> str:
        """Give the table as Markdown; numbers stand on the right, None is a dash."""
        numeric = [any(isinstance(row[at], int | float) for row in self.rows) for at in range(len(self.header))]
        rule = ["---:" if right else "---" for right in numeric]
        body = [[self._cell(cell) for cell in row] for row in self.rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in [self.header, rule, *body])

    def write_csv(self, path: Path) -> None:
        """Write the table as CSV; None is an empty field."""
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.header, *self.rows])

    def _cell(self, cell: Cell) -> str:
        if cell is None:
            return "–"
        if isinstance(cell, float):
            return f"{cell:.{self.digits}f}"
        return str(cell).replace("|", "\\|")


def write_section(out: Path, name: str, parts: Sequence[str], data: object, machine: Machine) -> str:
    """Write NAME.md (the parts, then the machine) and NAME.json (the data and the machine) into `out`.

    Returns:
        What NAME.md holds.
    """
    out.mkdir(parents=True, exist_ok=True)
    document = json.dumps({"machine": machine, "data": data}, indent=2, ensure_ascii=False, default=asdict)
    (out / f"{name}.json").write_text(f"{document}\n", encoding="utf-8")
    text = "\n\n".join([*filter(None, parts), machine.markdown()]) + "\n"
    (out / f"{name}.md").write_text(text, encoding="utf-8")
    return text


def marker(name: str, which: str) -> str:
    """Give the comment that begins or ends a section."""
    return f"<!-- {which} {name} -->"


def replace_section(page: str, name: str, text: str) -> str:
    """Put `text` between the markers of section `name`; a section that the page lacks goes to its end."""
    begin, end = marker(name, "begin"), marker(name, "end")
    block = f"{begin}\n{text.strip()}\n{end}"
    if begin not in page:
        return f"{page.rstrip()}\n\n{block}\n".lstrip()
    if page.find(end) < page.find(begin):
        raise BenchError(f'"{begin}" has no "{end}" after it; add that line')
    before, rest = page.split(begin, 1)
    return before + block + rest.split(end, 1)[1]


def join(out: Path, page: Path, names: Sequence[str]) -> list[str]:
    """Bring the sections that stand in `out` into the page, their pictures into pictures/ beside it.

    Returns:
        The names of the sections that were brought over.

    Raises:
        BenchError: none of them is there.
    """
    found = [name for name in names if (out / f"{name}.md").is_file()]
    if not found:
        raise BenchError(f"no result in {out}; expected one of {', '.join(f'{name}.md' for name in names)}")
    text = page.read_text(encoding="utf-8") if page.is_file() else "# Results\n"
    for name in found:
        section = (out / f"{name}.md").read_text(encoding="utf-8")
        for picture in re.findall(r"\]\(([\w.-]+\.png)\)", section):
            (page.parent / "pictures").mkdir(exist_ok=True)
            shutil.copyfile(out / picture, page.parent / "pictures" / picture)
            section = section.replace(f"]({picture})", f"](pictures/{picture})")
        text = replace_section(text, name, section)
    page.write_text(text, encoding="utf-8")
    return found
