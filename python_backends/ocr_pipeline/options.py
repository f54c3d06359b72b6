"""Options of the pipeline: what a model set brings, what a request may change, and the range of each.

The names of the request parameters are PaddleX's. A server reads a model set's values from the
`parameters.json` that convert/ puts beside a model; a request overrides them one by one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ocr_pipeline.errors import InvalidModel, InvalidOption

LIMIT_TYPES = ("min", "max")
Value = bool | int | float | str
T = TypeVar("T")


@dataclass(frozen=True)
class DetResize:
    """Size of the detector's input (PaddleOCR's `DetResizeForTest`)."""

    limit_side_len: int = 736  # pixels
    limit_type: str = "min"  # "min": the short side is at least limit_side_len; "max": the long side at most
    max_side_limit: int = 2000  # pixels; the long side never exceeds it


@dataclass(frozen=True)
class DbParameters:
    """Post-processing of Differentiable Binarization (Liao et al. 2020; PaddleOCR's `DBPostProcess`)."""

    thresh: float = 0.3  # probability above which a pixel is text
    box_thresh: float = 0.6  # mean probability inside a box below which the box is dropped
    unclip_ratio: float = 1.5  # how far a shrunk text kernel is grown: area * ratio / perimeter
    max_candidates: int = 1000  # contours looked at


@dataclass(frozen=True)
class RecOptions:
    """Options of recognition."""

    score_thresh: float = 0.5  # lines read with less confidence are dropped
    use_textline_orientation: bool = False  # ask `cls` whether a line stands on its head


@dataclass(frozen=True)
class OcrOptions:
    """All options of one request."""

    det_resize: DetResize = DetResize()
    db: DbParameters = DbParameters()
    rec: RecOptions = RecOptions()


@dataclass(frozen=True)
class _Parameter:
    """A request parameter: where its value goes and what it may be."""

    group: str  # field of OcrOptions
    field: str  # field of that group
    parse: Callable[[Value], Value]
    expected: str  # the end of the sentence "<name> must be ..."


def _whole(low: int, high: int) -> tuple[Callable[[Value], int], str]:
    def parse(value: Value) -> int:
        number = float("nan") if isinstance(value, bool) else float(value)
        if not (low <= number <= high and number == int(number)):
            raise ValueError
        return int(number)

    return parse, f"a whole number from {low} to {high}"


def _real(low: float, high: float) -> tuple[Callable[[Value], float], str]:
    def parse(value: Value) -> float:
        number = float("nan") if isinstance(value, bool) else float(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return parse, f"a number from {low:g} to {high:g}"


def _choice(*choices: str) -> tuple[Callable[[Value], str], str]:
    def parse(value: Value) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return parse, " or ".join(f'"{choice}"' for choice in choices)


def _flag() -> tuple[Callable[[Value], bool], str]:
    def parse(value: Value) -> bool:
        word = value.lower() if isinstance(value, str) else value
        if not isinstance(word, bool) and word not in ("true", "false"):
            raise ValueError
        return word in (True, "true")

    return parse, "true or false"


PARAMETERS: Mapping[str, _Parameter] = {
    "text_det_limit_side_len": _Parameter("det_resize", "limit_side_len", *_whole(32, 4000)),
    "text_det_limit_type": _Parameter("det_resize", "limit_type", *_choice(*LIMIT_TYPES)),
    "text_det_max_side_limit": _Parameter("det_resize", "max_side_limit", *_whole(32, 4000)),
    "text_det_thresh": _Parameter("db", "thresh", *_real(0, 1)),
    "text_det_box_thresh": _Parameter("db", "box_thresh", *_real(0, 1)),
    "text_det_unclip_ratio": _Parameter("db", "unclip_ratio", *_real(0, 10)),
    "text_rec_score_thresh": _Parameter("rec", "score_thresh", *_real(0, 1)),
    "use_textline_orientation": _Parameter("rec", "use_textline_orientation", *_flag()),
}
DETECTION_PARAMETERS = frozenset(name for name in PARAMETERS if name.startswith("text_det_"))
ALL_PARAMETERS = frozenset(PARAMETERS)


def with_parameters(
    defaults: OcrOptions, parameters: Mapping[str, Any], allowed: frozenset[str] = ALL_PARAMETERS
) -> OcrOptions:
    """`defaults` with a request's parameters laid over them.

    Args:
        defaults: the values of the model set.
        parameters: names of `PARAMETERS` to values; numbers may come as text, as some clients send them.
        allowed: the names that this endpoint takes.

    Raises:
        InvalidOption: a name is not in `allowed`, or a value is of the wrong type or out of range.
    """
    options = defaults
    for name, value in parameters.items():
        if name not in allowed:
            raise InvalidOption(f'unknown option "{name}"; this endpoint takes {", ".join(sorted(allowed))}')
        parameter = PARAMETERS[name]
        try:
            parsed = parameter.parse(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidOption(f"{name} must be {parameter.expected}, not {value!r}") from error
        group = replace(getattr(options, parameter.group), **{parameter.field: parsed})
        options = replace(options, **{parameter.group: group})
    return options


def to_json(options: Any) -> str:
    """The text of a `parameters.json` that `read_json` reads back."""
    return json.dumps(asdict(options), indent=2) + "\n"


def read_json(path: Path, kind: type[T]) -> T:
    """Options of dataclass `kind` from the `parameters.json` that convert/ wrote.

    Raises:
        InvalidModel: the file is missing, is not JSON, or its keys are not the fields of `kind`.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidModel(f"{path} is missing; run ocr-convert to install a model set") from error
    except ValueError as error:
        raise InvalidModel(f"{path} is not JSON ({error}); run ocr-convert to install a model set again") from error
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, dict) or set(values) != names:
        raise InvalidModel(f"{path} must hold {', '.join(sorted(names))}; run ocr-convert to install a model set again")
    return kind(**values)
