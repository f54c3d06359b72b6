"""The inference.yml that PaddleOCR writes beside an exported model: thresholds of det, dictionary of rec."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ocr_contract.options import LIMIT_TYPES
from ocr_convert.errors import ModelFolderError
from ocr_convert.graphs.fuse import IMAGENET, LINE_HEIGHT_PX, Kind, Normalisation

DB_FIELDS = {"thresh": float, "box_thresh": float, "unclip_ratio": float, "max_candidates": int}


@dataclass(frozen=True)
class Settings:
    """What an inference.yml says; None where it says nothing."""

    name: str | None = None
    dictionary: tuple[str, ...] | None = None
    db: Mapping[str, Any] | None = None  # fields of DbParameters
    det_resize: Mapping[str, Any] | None = None  # fields of DetResize
    normalisation: Normalisation | None = None  # of det
    notes: tuple[str, ...] = ()  # what could not be taken over


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
            normalisation=_normalisation(steps) if kind == "det" else None,
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
    shape = steps.get("RecResizeImg", {}).get("image_shape")
    if kind == "rec" and shape and int(shape[1]) != LINE_HEIGHT_PX:
        raise ModelFolderError(f"{path} reads lines {shape[1]} pixels high, but lines are served {LINE_HEIGHT_PX} high")
    if kind == "cls" and "ResizeImage" in steps:
        raise ModelFolderError(
            f"{path} is of a text line orientation model that stretches lines to {steps['ResizeImage'].get('size')}, "
            "but only models that take lines of 48 x 192 like ch_ppocr_mobile_v2.0_cls are served"
        )


def _normalisation(steps: Mapping[str, Any]) -> Normalisation | None:
    """Return NormalizeImage, what it leaves out being ImageNet's; None where there is no such step."""
    if "NormalizeImage" not in steps:
        return None
    stated = {name: tuple(float(value) for value in steps["NormalizeImage"].get(name, ())) for name in ("mean", "std")}
    return Normalisation(stated["mean"] or IMAGENET.mean, stated["std"] or IMAGENET.std)


def _det_resize(steps: Mapping[str, Any]) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return DetResizeForTest as fields of DetResize, and notes on what could not be taken over."""
    stated = steps.get("DetResizeForTest") or {}
    if "limit_side_len" in stated:
        side, limit = int(stated["limit_side_len"]), stated.get("limit_type", "min")
    else:
        side, limit = int(stated.get("resize_long", 0)), "max"
    if side > 0 and limit in LIMIT_TYPES:
        note = f"the size of the detector's input is that of its inference.yml: {side} {limit}"
        return {"limit_side_len": side, "limit_type": limit}, (note,)
    if stated:
        return None, (f"DetResizeForTest {stated} is not one that is served: the default size of the detector is kept",)
    return None, ()
