"""parameters.json: what a model set brings for a step beside weights. Whoever reads one checks it here."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ocr_contract.errors import INSTALL_HINT, InvalidModel, InvalidOption
from ocr_contract.options import OPTIONS, Value, parse_option
from ocr_contract.shown import shown
from ocr_pipeline.stages.db_postprocess import PLAIN_DB, DbVariant
from ocr_pipeline.stages.orientation import PADDED, ClsInput
from ocr_pipeline.stages.second_pass import OPTION as SECOND_PASS

SIZE_OPTIONS = ("text_det_limit_side_len", "text_det_limit_type", "text_det_max_side_limit")
THRESHOLDS = ("text_det_thresh", "text_det_box_thresh", "text_det_unclip_ratio")
DET_OPTIONS = (*SIZE_OPTIONS, *THRESHOLDS)
MODEL_SET_OPTIONS = (*DET_OPTIONS, SECOND_PASS)  # those whose defaults a model set may bring
CLS_PREFIX = "cls_"  # of ClsInput's fields in the file
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Parameters:
    """What a model set brings for a step beside weights.

    Attributes:
        options: values of some of MODEL_SET_OPTIONS.
        db: the kind of DB post-processing.
        right_to_left: whether the recogniser is for a script that is written so, as Arabic is.
        cls: the pixels that the line orientation classifier takes.
        rec_characters: of the first recogniser, where there is a second; None where there is one.
    """

    options: Mapping[str, Value] = field(default_factory=dict)
    db: DbVariant = PLAIN_DB
    right_to_left: bool = False
    cls: ClsInput = PADDED
    rec_characters: int | None = None

    @property
    def stated(self) -> frozenset[str]:
        """The options, and "rec_characters" where there are two recognisers."""
        return frozenset(self.options) | ({"rec_characters"} if self.rec_characters is not None else set())

    def to_json(self) -> str:
        """The text of a parameters.json that `read_parameters` reads back; beside options only what is not usual."""
        variant = {name: value for name, value in asdict(self.db).items() if value != getattr(PLAIN_DB, name)}
        direction = {"right_to_left": True} if self.right_to_left else {}
        cls = {} if self.cls == PADDED else {CLS_PREFIX + name: value for name, value in asdict(self.cls).items()}
        two = {} if self.rec_characters is None else {"rec_characters": self.rec_characters}
        return json.dumps({**self.options, **variant, **direction, **cls, **two}, indent=2) + "\n"


def read_parameters(path: Path) -> Parameters:
    """What ocr-convert wrote into a parameters.json.

    Raises:
        InvalidModel: the file is missing, is not JSON, or holds what a model set does not bring, or of a wrong type or
            out of its range.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        return _parameters(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InvalidModel(f"{path} is missing; {INSTALL_HINT}") from error
    except OSError as error:
        raise InvalidModel(f"{path} cannot be read ({error.strerror})") from error
    except RecursionError as error:
        raise InvalidModel(f"{path} is not as it should be (it is nested too deep); {INSTALL_HINT}") from error
    except (ValueError, InvalidOption) as error:
        raise InvalidModel(f"{path} is not as it should be ({error}); {INSTALL_HINT}") from error


def _parameters(document: Any) -> Parameters:
    if not isinstance(document, dict):
        raise ValueError(f"expected names with their values in braces, not {shown(document)}")
    values = dict(document)
    db = {one.name: values.pop(one.name) for one in fields(DbVariant) if one.name in values}
    right_to_left = values.pop("right_to_left", False)
    if not isinstance(right_to_left, bool):
        raise ValueError(f"right_to_left must be true or false, not {shown(right_to_left)}")
    cls = {one.name: values.pop(CLS_PREFIX + one.name, one.default) for one in fields(ClsInput)}
    rec_characters = values.pop("rec_characters", None)
    if rec_characters is not None and (type(rec_characters) is not int or rec_characters < 1):
        raise ValueError(f"rec_characters must be a whole number of at least 1, not {shown(rec_characters)}")
    options = {name: _option(name, value) for name, value in values.items()}
    return Parameters(options, DbVariant(**db), right_to_left, ClsInput(**cls), rec_characters)


def _option(name: str, value: Any) -> Value:
    if name not in MODEL_SET_OPTIONS:
        raise ValueError(f"a model set brings no {shown(name)}, only {', '.join(MODEL_SET_OPTIONS)}")
    parsed = parse_option(name, value)
    if isinstance(value, str) is not (OPTIONS[name].range.kind is str):  # requests may send the text of a number
        raise ValueError(f"{name} must be {OPTIONS[name].range.expected}, not the text {shown(value)}")
    return parsed
