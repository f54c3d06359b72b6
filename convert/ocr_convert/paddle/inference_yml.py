"""The inference.yml that PaddleOCR writes beside an exported model: thresholds, dictionary, and the input of cls."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ocr_contract.errors import InvalidOption
from ocr_contract.options import Value, parse_option
from ocr_convert.errors import ModelFolderError
from ocr_convert.graphs.fuse import IMAGENET, Kind, Normalisation
from ocr_convert.paddle.dictionary import without_mark
from ocr_pipeline.stages.crops import LINE_HEIGHT
from ocr_pipeline.stages.db_postprocess import PLAIN_DB, DbVariant
from ocr_pipeline.stages.orientation import PADDED, ClsInput

# What is served after each network, by PaddleOCR's names; a network that wants another decoding reads nonsense here.
DECODERS = {"det": "DBPostProcess", "rec": "CTCLabelDecode", "cls": "ClsPostProcess"}
CLS_LABELS = ("0_degree", "180_degree")  # of Topk
SIZE_OPTIONS = ("text_det_limit_side_len", "text_det_limit_type", "text_det_max_side_limit")  # of DetResizeForTest
THRESHOLDS = {  # of DBPostProcess
    "thresh": "text_det_thresh",
    "box_thresh": "text_det_box_thresh",
    "unclip_ratio": "text_det_unclip_ratio",
}
DET_OPTIONS = (*SIZE_OPTIONS, *THRESHOLDS.values())  # those whose defaults a model set may bring
VARIANTS = ("score_mode", "box_type", "use_dilation")  # fields of DbVariant, of DBPostProcess too
FLAGS = {"true": True, "false": False}
DEFAULT_LIMIT_TYPE = "min"  # DetResizeForTest's


@dataclass(frozen=True)
class Settings:
    """What an inference.yml says; None, or nothing, where it says nothing."""

    name: str | None = None
    dictionary: tuple[str, ...] | None = None
    options: Mapping[str, Value] = field(default_factory=dict)  # of requests, by their names in ocr_contract.options
    db: DbVariant = PLAIN_DB
    normalisation: Normalisation | None = None  # of det and cls
    cls: ClsInput = PADDED
    notes: tuple[str, ...] = ()  # what was taken over, or could not be


def read_inference_yml(path: Path, kind: Kind) -> Settings:
    """Read the settings that PaddleOCR writes beside an exported model.

    Raises:
        ModelFolderError: it is not YAML, or it states a preparation or a decoding that is not served
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
        _check_decoder(path, kind, after)
        name = (document.get("Global") or {}).get("model_name")
        if kind == "rec":
            return Settings(name, _dictionary(path, after))
        if kind == "cls":
            cls, normalisation = _cls(path, steps, after)
            return Settings(name, cls=cls, normalisation=normalisation)
        size, size_notes = _size(steps)
        variant, variant_notes = _variant(after)
        thresholds = {
            option: parse_option(option, after[stated]) for stated, option in THRESHOLDS.items() if stated in after
        }
        return Settings(
            name,
            options={**size, **thresholds},
            db=variant,
            normalisation=_normalisation(steps),
            notes=(*size_notes, *variant_notes),
        )
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, OSError, InvalidOption) as error:
        raise ModelFolderError(f"{path} cannot be read: {' '.join(str(error).split())}") from error


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
    if kind == "rec" and shape and int(shape[1]) != LINE_HEIGHT:
        raise ModelFolderError(f"{path} reads lines {shape[1]} pixels high, but lines are served {LINE_HEIGHT} high")


def _check_decoder(path: Path, kind: Kind, after: Mapping[str, Any]) -> None:
    """Refuse a model whose answers are decoded in another way than is served."""
    decoder = after.get("name", DECODERS[kind])
    if decoder != DECODERS[kind]:
        raise ModelFolderError(f"{path} is of a {kind} model for {decoder}, but only {DECODERS[kind]} is served")


def _cls(path: Path, steps: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ClsInput, Normalisation | None]:
    """Return the pixels that a line orientation model takes, and their normalisation where it is stated.

    PaddleOCR has two kinds of them: one pads lines (ClsResizeImg, which normalises too), one stretches them
    (ResizeImage) and is given RGB pixels by PaddleX.
    """
    labels = (after.get("Topk") or {}).get("label_list", list(CLS_LABELS))
    if tuple(labels) != CLS_LABELS:
        raise ModelFolderError(
            f"{path} is of a model that tells {', '.join(map(str, labels))} apart, but a cls model tells lines of "
            f"{' and '.join(CLS_LABELS)} apart, in this order"
        )
    if "ResizeImage" not in steps:
        shape = steps.get("ClsResizeImg", {}).get("image_shape")
        return ClsInput(int(shape[1]), int(shape[2])) if shape else PADDED, None
    size = steps["ResizeImage"].get("size")
    if not isinstance(size, list) or len(size) != 2 or "CropImage" in steps:
        raise ModelFolderError(f"{path} must resize lines to a size [width, height], and nothing more")
    return ClsInput(int(size[1]), int(size[0]), True), replace(_normalisation(steps) or IMAGENET, rgb=True)


def _dictionary(path: Path, after: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the entries of character_dict; None where there is none."""
    if "character_dict" not in after:
        return None
    stated = after["character_dict"]
    if not isinstance(stated, list) or not all(isinstance(entry, str) for entry in stated):
        raise ModelFolderError(f"character_dict in {path} must be a list of characters, one for each class")
    return without_mark(stated)


def _normalisation(steps: Mapping[str, Any]) -> Normalisation | None:
    """Return NormalizeImage, what it leaves out being ImageNet's; None where there is no such step."""
    if "NormalizeImage" not in steps:
        return None
    stated = {name: tuple(float(value) for value in steps["NormalizeImage"].get(name, ())) for name in ("mean", "std")}
    return Normalisation(stated["mean"] or IMAGENET.mean, stated["std"] or IMAGENET.std)


def _size(steps: Mapping[str, Any]) -> tuple[dict[str, Value], list[str]]:
    """Return DetResizeForTest as options, and notes on what was or could not be taken over."""
    stated = steps.get("DetResizeForTest") or {}
    if not stated:
        return {}, []
    if "limit_side_len" in stated:
        side, limit = stated["limit_side_len"], stated.get("limit_type", DEFAULT_LIMIT_TYPE)
    else:
        side, limit = stated.get("resize_long"), "max"
    try:
        size = {
            name: parse_option(name, value)
            for name, value in (("text_det_limit_side_len", side), ("text_det_limit_type", limit))
        }
    except InvalidOption:
        return {}, [f"DetResizeForTest {stated} is not one that is served: the default size of the detector is kept"]
    return size, [f"the size of the detector's input is that of its inference.yml: {side} {limit}"]


def _variant(after: Mapping[str, Any]) -> tuple[DbVariant, list[str]]:
    """Return the kind of DBPostProcess, and notes on what differs from the usual one and on what is not needed."""
    stated = {name: after[name] for name in VARIANTS if name in after}
    if "use_dilation" in stated:
        stated["use_dilation"] = FLAGS.get(str(stated["use_dilation"]).lower(), stated["use_dilation"])
    variant = DbVariant(**stated)
    notes = []
    unusual = [f"{name} {after[name]}" for name in stated if getattr(variant, name) != getattr(PLAIN_DB, name)]
    if unusual:
        notes.append(f"boxes are found as its inference.yml says: {', '.join(unusual)}")
    if "max_candidates" in after:
        notes.append(f"max_candidates {after['max_candidates']} is not needed: every line of a page is found")
    return variant, notes
