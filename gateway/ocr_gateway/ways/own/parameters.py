"""What the parameters of `POST /read` ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from ocr_client.cli.formats import OutputFormat
from ocr_client.cli.tasks import Task
from ocr_contract.options import OPTIONS, Endpoint, options_of, parse_option
from ocr_documents.page_ranges import PageRanges
from ocr_gateway.reading import ReadRequest
from ocr_gateway.refusals import NotUnderstood

EVENTS = "events"
TASKS: Mapping[str, Task] = {task.value: task for task in Task}
FORMATS: Mapping[str, OutputFormat] = {form.value: form for form in OutputFormat}
DPI = (36, 1200)  # pixels an inch, at which pages of a PDF are drawn
_TRUE, _FALSE = "true", "false"


@dataclass(frozen=True)
class ReadParameters:
    """What the parameters of a request say.

    Attributes:
        form: what is answered; None for events.
        request: what is read.
        name: of the document in results.
        pictures: whether events hold pictures of the pages.
    """

    form: OutputFormat | None
    request: ReadRequest
    name: str
    pictures: bool

    @classmethod
    def of(cls, parameters: Iterable[tuple[str, str]]) -> ReadParameters:
        """Read the parameters of a URL.

        Raises:
            InvalidOption: an option is out of its range.
            NotUnderstood: another parameter is not what it should be, does not exist, or comes twice.
        """
        given = unique(parameters)
        word = choice(given, "format", "json", (*FORMATS, EVENTS))
        task = TASKS[choice(given, "task", "ocr", TASKS)]
        endpoint = task.endpoint
        pages, name = given.pop("pages", None), given.pop("name", "document")
        pictures = choice(given, "pictures", _FALSE, (_TRUE, _FALSE)) == _TRUE
        existing_text = cast(Literal["keep", "read"], choice(given, "existing_text", "keep", ("keep", "read")))
        dpi = _dpi(given.pop("dpi", "200"))
        options = {name: parse_option(name, value) for name, value in given.items() if name in _options(endpoint)}
        form = FORMATS.get(word)
        for unknown in given.keys() - options.keys():
            raise NotUnderstood(_unknown(unknown, endpoint))
        if form is not None and form not in task.formats:
            others = ", ".join([*(each.value for each in task.formats), EVENTS])
            raise NotUnderstood(f"format={word} cannot be made of task={task.value}: there are {others}")
        if form is not None and form.needs_words:
            if options.get("return_word_box") is False:
                raise NotUnderstood(f"format={word} needs words: leave out return_word_box")
            options["return_word_box"] = True
        request = ReadRequest(endpoint, options, None if pages is None else PageRanges.parse(pages), dpi, existing_text)
        return cls(form, request, name, pictures)


def unique(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters of a URL by name.

    Raises:
        NotUnderstood: one comes twice.
    """
    given: dict[str, str] = {}
    for name, value in parameters:
        if name in given:
            raise NotUnderstood(f'the parameter "{name[:60]}" comes twice')
        given[name] = value
    return given


def choice(given: dict[str, str], name: str, default: str, choices: Iterable[str]) -> str:
    """Take a parameter that is one of several words.

    Raises:
        NotUnderstood: it is another one.
    """
    value = given.pop(name, default)
    if value not in choices:
        raise NotUnderstood(f"{name} must be one of {', '.join(choices)}, not {value[:60]!r}")
    return value


def _dpi(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and DPI[0] <= int(text) <= DPI[1]):
        raise NotUnderstood(f"dpi must be a whole number from {DPI[0]} to {DPI[1]}, not {text[:60]!r}")
    return int(text)


def _options(endpoint: Endpoint) -> list[str]:
    """Names of the options that a task takes; which pages of a file are read is said by `pages`."""
    return [name for name in options_of(endpoint) if name != "page"]


def _unknown(name: str, endpoint: Endpoint) -> str:
    which = f'"{name}" is not an option of this task' if name in OPTIONS else f'unknown parameter "{name[:60]}"'
    return f"{which}; the options are {', '.join(_options(endpoint))}"
