"""What a folder holds: the network's files, and the settings in its inference.yml, dictionary.txt or ONNX metadata.

| file | what |
|---|---|
| `*.pdmodel` + `*.pdiparams` | a network of PaddleOCR 2 |
| `inference.json` + `inference.pdiparams` | a network of PaddleOCR 3 (PIR) |
| `*.onnx` | a network that was converted before |
| `inference.yml` | thresholds of det, dictionary of rec |
| `dictionary.txt` | dictionary of rec, one character a line |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import yaml

from ocr_convert.errors import ModelFolderError
from ocr_convert.fuse import DET_MEAN, DET_STD, LINE_HEIGHT_PX, Kind
from ocr_convert.model_sets import Form

DB_FIELDS = {"thresh": float, "box_thresh": float, "unclip_ratio": float, "max_candidates": int}
SPACE = " "
BLANKS = 1  # CTC's class 0


@dataclass(frozen=True)
class Settings:
    """What an inference.yml says; None where it says nothing."""

    name: str | None = None
    dictionary: tuple[str, ...] | None = None
    db: Mapping[str, Any] | None = None  # fields of DbParameters
    det_resize: Mapping[str, Any] | None = None  # fields of DetResize
    notes: tuple[str, ...] = ()  # what could not be taken over


@dataclass(frozen=True)
class ModelFolder:
    """A network as it lies in a folder."""

    kind: Kind
    form: Form
    network: Path  # .pdmodel, inference.json or .onnx
    weights: Path | None  # .pdiparams; an ONNX file holds its own
    settings: Settings


def read_model_folder(folder: Path, kind: Kind) -> ModelFolder:
    """Find the network and the settings in a folder.

    Raises:
        ModelFolderError: there is no network, or one that is prepared differently from what is served
    """
    if not folder.is_dir():
        raise ModelFolderError(f"{folder} is not a folder: expected one with a PaddleOCR {kind} model")
    settings = Settings()
    if (folder / "inference.yml").is_file():
        settings = read_inference_yml(folder / "inference.yml", kind)
    for pattern in ("*.pdmodel", "inference.json"):
        for network in sorted(folder.glob(pattern)):
            weights = network.with_suffix(".pdiparams")
            if not weights.is_file():
                raise ModelFolderError(f"{folder} has {network.name} but lacks {weights.name}")
            return ModelFolder(kind, "paddle", network, weights, settings)
    for network in sorted(folder.glob("*.onnx")):
        return ModelFolder(kind, "onnx", network, None, settings)
    raise ModelFolderError(
        f"{folder} has no {kind} model: expected .pdmodel and .pdiparams, or inference.json and inference.pdiparams, "
        "or .onnx"
    )


def read_inference_yml(path: Path, kind: Kind) -> Settings:
    """Read the settings that PaddleOCR writes beside an exported model.

    Raises:
        ModelFolderError: it is not YAML, or it states a preparation that the fused graphs do not do
    """
    # Every scalar stays the text that it is: in a dictionary, `1`, `no` and `~` are characters.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - makes only text
        if not isinstance(document, dict):
            raise ModelFolderError(f"{path} must hold a mapping with PreProcess and PostProcess")
        steps = _steps(document)
        after = document.get("PostProcess") or {}
        _check_preparation(path, kind, steps)
        resize, notes = _det_resize(steps) if kind == "det" else (None, ())
        characters = after.get("character_dict") if kind == "rec" else None
        return Settings(
            name=(document.get("Global") or {}).get("model_name"),
            dictionary=tuple(characters) if characters else None,
            db={name: DB_FIELDS[name](after[name]) for name in DB_FIELDS if name in after} if kind == "det" else None,
            det_resize=resize,
            notes=notes,
        )
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, OSError) as error:
        raise ModelFolderError(f"{path} cannot be read: {error}") from error


def _steps(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return PreProcess.transform_ops as one mapping; a step without settings is an empty mapping."""
    operations = (document.get("PreProcess") or {}).get("transform_ops") or []
    steps = {}
    for operation in operations:
        for name, settings in operation.items():
            steps[name] = settings if isinstance(settings, dict) else {}
    return steps


def _check_preparation(path: Path, kind: Kind, steps: Mapping[str, Any]) -> None:
    """Refuse a model that wants other pixels than the fused graph gives it."""
    mode = steps.get("DecodeImage", {}).get("img_mode", "BGR")
    if mode != "BGR":
        raise ModelFolderError(f"{path} wants pixels in {mode} order, but only BGR is served")
    if kind == "det" and "NormalizeImage" in steps:
        for name, expected in (("mean", DET_MEAN), ("std", DET_STD)):
            stated = tuple(float(value) for value in steps["NormalizeImage"].get(name, expected))
            if stated != expected:
                raise ModelFolderError(f"{path} normalises with {name} {stated}, but only {expected} is served")
    shape = steps.get("RecResizeImg", {}).get("image_shape")
    if kind == "rec" and shape and int(shape[1]) != LINE_HEIGHT_PX:
        raise ModelFolderError(f"{path} reads lines {shape[1]} pixels high, but lines are served {LINE_HEIGHT_PX} high")
    if kind == "cls" and "ResizeImage" in steps:
        raise ModelFolderError(
            f"{path} is of a text line orientation model that stretches lines to {steps['ResizeImage'].get('size')}, "
            "but only models that take lines of 48 x 192 like ch_ppocr_mobile_v2.0_cls are served"
        )


def _det_resize(steps: Mapping[str, Any]) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return DetResizeForTest as fields of DetResize, and notes on what could not be taken over."""
    stated = steps.get("DetResizeForTest") or {}
    if "limit_side_len" in stated:
        return {"limit_side_len": int(stated["limit_side_len"]), "limit_type": stated.get("limit_type", "min")}, ()
    if "resize_long" in stated:
        return {"limit_side_len": int(stated["resize_long"]), "limit_type": "max"}, ()
    if stated:
        return None, (f"DetResizeForTest {stated} is not one that is served: the default size of the detector is kept",)
    return None, ()


def find_dictionary(folder: ModelFolder, given: Path | None = None) -> tuple[str, ...]:
    """Return the characters of a rec model, without blank and space.

    They are looked for in `given`, inference.yml, dictionary.txt and the ONNX metadata key `character`, in this order.

    Raises:
        ModelFolderError: there is no dictionary, or it cannot be read
    """
    beside = folder.network.parent / "dictionary.txt"
    if given is not None:
        return read_dictionary(given)
    if folder.settings.dictionary is not None:
        return folder.settings.dictionary
    if beside.is_file():
        return read_dictionary(beside)
    if folder.form == "onnx":
        for entry in onnx.load(folder.network).metadata_props:
            if entry.key == "character":
                return _lines(entry.value)
    raise ModelFolderError(
        f"{folder.network.parent} has no dictionary: expected character_dict in inference.yml, or give --dictionary"
    )


def read_dictionary(path: Path) -> tuple[str, ...]:
    r"""Read a dictionary file: one character a line, cut at "\n" alone and never stripped.

    Raises:
        ModelFolderError: it cannot be read as UTF-8 text
    """
    try:
        return _lines(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"the dictionary {path} cannot be read as UTF-8 text: {error}") from error


def _lines(text: str) -> tuple[str, ...]:
    # Not splitlines(): dictionaries hold U+2028 and other characters that it takes for ends of lines.
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return tuple(line.removesuffix("\r") for line in lines)


def dictionary_text(characters: tuple[str, ...], classes: int) -> str:
    r"""Return the text of dictionary.txt: the line i is class i + 1, the last one is the space.

    Args:
        characters: the dictionary without blank and space
        classes: the number of classes of the rec network

    Raises:
        ModelFolderError: the dictionary is not of this network
    """
    if BLANKS + len(characters) + 1 != classes:
        raise ModelFolderError(
            f"the dictionary does not fit the rec model: with blank and space {len(characters)} characters "
            f"make {BLANKS + len(characters) + 1} classes, but the model has {classes}"
        )
    if any("\n" in character for character in characters):
        raise ModelFolderError("the dictionary holds a line feed, which no line of text has: it is damaged")
    return "\n".join([*characters, SPACE])
