"""The inference.yml that PaddleOCR writes beside an exported model: thresholds, dictionary, and the input of cls."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ocr_contract.errors import InvalidOption
from ocr_contract.options import Value, parse_option
from ocr_contract.shown import shown, worded
from ocr_convert.errors import ModelFolderError, in_one_line
from ocr_convert.graphs.fuse import IMAGENET, Kind, Normalisation
from ocr_convert.paddle import fields
from ocr_convert.paddle.dictionary import without_mark
from ocr_convert.paddle.small_file import read_text
from ocr_pipeline.stages.crops import LINE_HEIGHT
from ocr_pipeline.stages.db_postprocess import PLAIN_DB, DbVariant
from ocr_pipeline.stages.orientation import PADDED, ClsInput

# What is served after each network, by PaddleOCR's names; a network that wants another decoding reads nonsense here.
DECODERS = {"det": "DBPostProcess", "rec": "CTCLabelDecode", "cls": "ClsPostProcess"}
CLS_LABELS = ("0_degree", "180_degree")  # of Topk
THRESHOLDS = {  # of DBPostProcess
    "thresh": "text_det_thresh",
    "box_thresh": "text_det_box_thresh",
    "unclip_ratio": "text_det_unclip_ratio",
}
VARIANTS = ("score_mode", "box_type", "use_dilation")  # fields of DbVariant, of DBPostProcess too
Steps = Mapping[str, dict[str, Any]]  # their settings, by PaddleOCR's names
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
    text = read_text(path)
    try:
        document = yaml.load(text, Loader=loader)  # noqa: S506 - makes only text
        if not isinstance(document, dict):
            raise ModelFolderError(f"{path} must hold a mapping with PreProcess and PostProcess")
        return _settings(path, kind, document)
    except (yaml.YAMLError, ValueError, RecursionError, InvalidOption) as error:
        raise ModelFolderError(f"{path} cannot be read: {in_one_line(error)}") from error


def _settings(path: Path, kind: Kind, document: Mapping[str, Any]) -> Settings:
    steps = fields.steps(document)
    after = fields.mapping(document, "PostProcess")
    _check_preparation(path, kind, steps)
    _check_decoder(path, kind, after)
    name = fields.model_name(document)
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


def _check_preparation(path: Path, kind: Kind, steps: Steps) -> None:
    """Refuse a model that wants other pixels than the fused graph gives it."""
    mode = steps.get("DecodeImage", {}).get("img_mode", "BGR")
    if mode != "BGR":
        raise ModelFolderError(f"{path} wants pixels in {worded(mode)} order, but only BGR is served")
    sizes = fields.sizes(steps, "RecResizeImg")
    if kind == "rec" and sizes and sizes[0] != LINE_HEIGHT:
        raise ModelFolderError(f"{path} reads lines {sizes[0]} pixels high, but lines are served {LINE_HEIGHT} high")
    scale = steps.get("NormalizeImage", {}).get("scale")
    if scale is not None and kind != "rec" and not fields.is_of_bytes(scale):
        raise ModelFolderError(f"{path} scales pixels by {worded(scale)}, but only 1/255 is served")


def _check_decoder(path: Path, kind: Kind, after: Mapping[str, Any]) -> None:
    """Refuse a model whose answers are decoded in another way than is served."""
    decoder = after.get("name", DECODERS[kind])
    if decoder != DECODERS[kind]:
        raise ModelFolderError(
            f"{path} is of a {kind} model for {worded(decoder)}, but only {DECODERS[kind]} is served"
        )


def _cls(path: Path, steps: Steps, after: Mapping[str, Any]) -> tuple[ClsInput, Normalisation | None]:
    """Return the pixels that a line orientation model takes, and their normalisation where it is stated.

    PaddleOCR has two kinds of them: one pads lines (ClsResizeImg, which normalises too), one stretches them
    (ResizeImage) and is given RGB pixels by PaddleX.
    """
    labels = fields.mapping(after, "Topk").get("label_list", list(CLS_LABELS))
    if labels != list(CLS_LABELS):
        told = ", ".join(map(worded, labels[:8])) if isinstance(labels, list) else worded(labels)
        raise ModelFolderError(
            f"{path} is of a model that tells {told} apart, but a cls model tells lines of "
            f"{' and '.join(CLS_LABELS)} apart, in this order"
        )
    if "ResizeImage" not in steps:
        sizes = fields.sizes(steps, "ClsResizeImg")
        return ClsInput(*sizes) if sizes else PADDED, None
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


def _normalisation(steps: Steps) -> Normalisation | None:
    """Return NormalizeImage, what it leaves out being ImageNet's; None where there is no such step."""
    if "NormalizeImage" not in steps:
        return None
    stated = steps["NormalizeImage"]
    mean, std = (
        fields.numbers(name, stated[name]) if name in stated else usual
        for name, usual in (("mean", IMAGENET.mean), ("std", IMAGENET.std))
    )
    return Normalisation(mean, std)


def _size(steps: Steps) -> tuple[dict[str, Value], list[str]]:
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
        return {}, [
            f"DetResizeForTest {shown(stated)} is not one that is served: the default size of the detector is kept"
        ]
    return size, [f"the size of the detector's input is that of its inference.yml: {side} {limit}"]


def _variant(after: Mapping[str, Any]) -> tuple[DbVariant, list[str]]:
    """Return the kind of DBPostProcess, and notes on what differs from the usual one and on what is not needed."""
    stated = {name: after[name] for name in VARIANTS if name in after}
    if "use_dilation" in stated:
        stated["use_dilation"] = FLAGS.get(str(stated["use_dilation"]).lower(), stated["use_dilation"])
    variant = DbVariant(**stated)
    notes = []
    unusual = [f"{name} {worded(after[name])}" for name in stated if getattr(variant, name) != getattr(PLAIN_DB, name)]
    if unusual:
        notes.append(f"boxes are found as its inference.yml says: {', '.join(unusual)}")
    if "max_candidates" in after:
        notes.append(f"max_candidates {worded(after['max_candidates'])} is not needed: every line of a page is found")
    return variant, notes
