"""The options of a request: one table of names, types, ranges, defaults and meanings.

The table is the class `Options`. Everything else that deals with options is made from it: the checks of a request,
the keyword arguments of the clients, the flags of the command line, and the table of docs/options.md.
The names are PaddleX's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypedDict, cast, get_args, get_type_hints

from ocr_contract.errors import InvalidOption
from ocr_contract.shown import shown
from ocr_contract.tiff import MAX_PAGES

Value = bool | int | float | str
Endpoint = Literal["ocr", "text_detection", "text_recognition", "docling_ocr"]
OCR: Final = "ocr"
DETECTION: Final = "text_detection"
RECOGNITION: Final = "text_recognition"
DOCLING: Final = "docling_ocr"
READING_ORDERS: Final = ("auto", "rows", "columns")
ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)
TASKS: tuple[Endpoint, ...] = (OCR, DETECTION, RECOGNITION)  # of a Reader; the others are these in a foreign protocol
_FILE = frozenset({OCR, DETECTION})
_PICTURE = frozenset({*_FILE, DOCLING})
_TEXT = frozenset({OCR, RECOGNITION})
_READ = frozenset({*_TEXT, DOCLING})


@dataclass(frozen=True)
class Range:
    """What values an option may have.

    Attributes:
        kind: the type of its values.
        expected: the end of the sentence "<name> must be ...".
        parse: a request's value, which may be the text of a number, to a value of that type; ValueError,
            TypeError or OverflowError when it is none, or out of range.
        choices: the words that it may be; empty where it is not a word.
        bounds: the least and the greatest number that it may be; None where it is not a number.
    """

    kind: type[Value]
    expected: str
    parse: Callable[[Value], Value]
    choices: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Option:
    """One row of the table.

    Attributes:
        default: where neither the model set nor the request says otherwise.
        range: what values it may have.
        meaning: one sentence for help texts and documentation.
        endpoints: those that take it.
    """

    default: Value
    range: Range
    meaning: str
    endpoints: frozenset[str]


def _number(value: Value) -> float:
    """A number, or the text of one; Python's own underscores between digits are nobody else's."""
    return math.nan if isinstance(value, bool) or "_" in str(value) else float(value)


def whole(low: int, high: int) -> Range:
    """Whole numbers from `low` to `high`."""

    def parse(value: Value) -> int:
        number = _number(value)
        if not (low <= number <= high and number == int(number)):
            raise ValueError
        return int(number)

    return Range(int, f"a whole number from {low} to {high}", parse, bounds=(low, high))


def real(low: float, high: float) -> Range:
    """Numbers from `low` to `high`."""

    def parse(value: Value) -> float:
        number = _number(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return Range(float, f"a number from {low:g} to {high:g}", parse, bounds=(low, high))


def choice(*choices: str) -> Range:
    """One of several words."""

    def parse(value: Value) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Range(str, " or ".join(f'"{word}"' for word in choices), parse, choices)


def flag() -> Range:
    """Yes or no."""

    def parse(value: Value) -> bool:
        word = value.lower() if isinstance(value, str) else value
        if not isinstance(word, bool) and word not in ("true", "false"):
            raise ValueError
        return word in (True, "true")

    return Range(bool, "true or false", parse)


class Options(TypedDict, total=False):
    """Options of a request: those that it sets, or, where they have been resolved, every one."""

    page: Annotated[
        int,
        Option(
            0,
            whole(0, MAX_PAGES),
            "Which picture of a file that holds several, from 1 on; 0: the only one, or the first of an animation.",
            _FILE,
        ),
    ]
    text_det_limit_side_len: Annotated[
        int,
        Option(736, whole(32, 4000), "Least short side (min) or greatest long side (max) in pixels.", _PICTURE),
    ]
    text_det_limit_type: Annotated[
        str,
        Option(
            "min",
            choice("min", "max"),
            "min: a picture whose short side is below text_det_limit_side_len is enlarged; "
            "max: one whose long side is above it is reduced.",
            _PICTURE,
        ),
    ]
    text_det_max_side_limit: Annotated[
        int,
        Option(
            2000,
            whole(32, 20_000),
            "Greatest long side in pixels: a larger picture is reduced to it, if it is not a strip.",
            _PICTURE,
        ),
    ]
    text_det_thresh: Annotated[
        float,
        Option(0.3, real(0, 1), "A pixel is text if its probability is above this.", _PICTURE),
    ]
    text_det_box_thresh: Annotated[
        float,
        Option(0.6, real(0, 1), "A box is kept if the mean probability inside it is at least this.", _PICTURE),
    ]
    text_det_unclip_ratio: Annotated[
        float,
        Option(1.5, real(0, 10), "How far each side of a box is moved outwards: area x ratio / perimeter.", _PICTURE),
    ]
    text_rec_score_thresh: Annotated[
        float,
        Option(0.5, real(0, 1), "A line is kept if its score is at least this.", frozenset({OCR, DOCLING})),
    ]
    text_rec_second_pass_thresh: Annotated[
        float,
        Option(
            0.0,
            real(0, 1),
            "A line whose score is below this is read again by the set's second, larger recogniser; 0: none, 1: all.",
            _READ,
        ),
    ]
    text_reading_order: Annotated[
        str,
        Option(
            "auto",
            choice(*READING_ORDERS),
            "rows: across the whole page; columns: column by column; auto: by columns, but tables and forms by rows.",
            _PICTURE,
        ),
    ]
    return_word_box: Annotated[
        bool,
        Option(False, flag(), "Give the words of each line too, with their boxes and scores.", _TEXT),
    ]
    use_doc_orientation_classify: Annotated[
        bool,
        Option(
            False, flag(), "Find whether the page is turned by 90, 180 or 270 degrees, and read it upright.", _PICTURE
        ),
    ]
    use_textline_orientation: Annotated[
        bool,
        Option(
            False,
            flag(),
            "Find lines that are upside down, and turn them: they are read, and their boxes begin, the right way up.",
            _PICTURE | _TEXT,
        ),
    ]


def _table() -> dict[str, Option]:
    hints = get_type_hints(Options, include_extras=True)
    return {name: next(one for one in get_args(hint) if isinstance(one, Option)) for name, hint in hints.items()}


OPTIONS: Mapping[str, Option] = _table()
DEFAULTS: Mapping[str, Value] = {name: option.default for name, option in OPTIONS.items()}


def options_of(endpoint: str) -> tuple[str, ...]:
    """Names of the options that an endpoint takes."""
    return tuple(name for name, option in OPTIONS.items() if endpoint in option.endpoints)


def parse_option(name: str, value: Any) -> Value:
    """The value of one option, checked.

    Raises:
        InvalidOption: there is no such option, or the value is of the wrong type or out of range.
    """
    if name not in OPTIONS:
        raise InvalidOption(f'unknown option "{name[:60]}"; the options are {", ".join(OPTIONS)}')
    allowed = OPTIONS[name].range
    try:
        return allowed.parse(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidOption(f"{name} must be {allowed.expected}, not {shown(value)}") from error


def given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller sets: options that are None are left out."""
    return {name: value for name, value in options.items() if value is not None}


def resolve(given: Mapping[str, Any], endpoint: str, model_set: Mapping[str, Value] = DEFAULTS) -> Options:
    """The value of every option for one request.

    Args:
        given: what the request sets; numbers may come as text, as some clients send them.
        endpoint: whose options may be set.
        model_set: values where the request sets none; where it has none either, the table's default.

    Raises:
        InvalidOption: a name that the endpoint does not take, or a value of the wrong type or out of range.
    """
    allowed = options_of(endpoint)
    for name in given:
        if name not in allowed:
            what = f'"{name}" is not an option of this endpoint' if name in OPTIONS else f'unknown option "{name[:60]}"'
            raise InvalidOption(f"{what}; it takes {', '.join(sorted(allowed))}")
    set_by_request = {name: parse_option(name, value) for name, value in given.items()}
    return cast(Options, {**DEFAULTS, **model_set, **set_by_request})


def resolve_shared(
    given: Mapping[str, Any], endpoints: Iterable[str], model_set: Mapping[str, Value] = DEFAULTS
) -> Options:
    """`resolve` for a step of several endpoints that cannot tell whose request it serves.

    It reads options that all of them take. Every other name, an unknown one too, is left to a step that can tell: only
    that one can say what the endpoint takes.

    Raises:
        InvalidOption: a value of the wrong type or out of range.
    """
    shared = [name for name, option in OPTIONS.items() if option.endpoints.issuperset(endpoints)]
    set_by_request = {name: parse_option(name, given[name]) for name in shared if name in given}
    return cast(Options, {**DEFAULTS, **model_set, **set_by_request})
