"""The layout of a model repository. Whoever wants to know what lies where asks here.

    model_repository/
        ocr/config.pbtxt ...                  Triton's models, one folder each
        ocr/current -> installed/<id>         the model set that is served; installing it is one rename of this link
        ocr/installed/<id>/model_set.json     what it is, with the SHA-256 of every file
        ocr/installed/<id>/det/model.onnx ... its files
        ocr/1/model_set.json -> ../current/model_set.json
        det/1/model.onnx -> ../../ocr/current/det/model.onnx

Triton takes every folder of a repository for a model, and looks into no folder of a model but its versions: that is
why installed sets lie inside one. In a repository without links (a copy, an export) the files themselves stand where
the links do, and there is neither `current` nor `installed`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ocr_contract.errors import INSTALL_HINT, InvalidModel
from ocr_contract.options import OCR
from ocr_contract.shown import shown
from ocr_pipeline.parameters import DET_OPTIONS, Parameters, read_parameters
from ocr_pipeline.stages.ctc import read_dictionary
from ocr_pipeline.stages.second_pass import OPTION as SECOND_PASS

VERSION = "1"
CONFIG = "config.pbtxt"
WEIGHTS = "model.onnx"
DICTIONARY = "dictionary.txt"
SECOND_DICTIONARY = "dictionary_second.txt"  # of rec_second, where the set has one
PARAMETERS = "parameters.json"
SUMMARY = "model_set.json"
OPTIONS_OF_STEP = {"det_batcher": frozenset(DET_OPTIONS), "rec_batcher": frozenset((SECOND_PASS, "rec_characters"))}
STEPS_WITH_PARAMETERS = ("det_batcher", "ctc_decode", "rec_preprocess", "rec_batcher")
HOME = OCR  # the model inside whose folder installed sets lie
CURRENT = f"{HOME}/current"
INSTALLED = f"{HOME}/installed"
REC_SECOND = "rec_second"  # the recogniser that reads again what rec is not sure of
READING_MODELS = ("det", "rec", REC_SECOND)
REQUIRED_MODELS = ("det", "rec")  # without whose weights nothing is read
OPTIONAL_MODELS = ("cls", REC_SECOND)  # a set may lack their weights; then they cannot be loaded
_MOST_DIGITS = 18  # of a number in a configuration: Python reads none of thousands
CLASSES = ("classes", "second_classes")  # of model_set.json, for each recogniser
BUDGET = "max_seconds"  # parameter of a model that gives up a request that takes it longer


@dataclass(frozen=True)
class ModelSet:
    """What is installed.

    Attributes:
        name: of the model set.
        classes: of each recogniser, the blank included: of rec, and of rec_second where there is one.
        files: "<model>/1/<file>" to its SHA-256.
        document: all that model_set.json says.
    """

    name: str
    classes: tuple[int, ...]
    files: Mapping[str, str]
    document: Mapping[str, Any]


@dataclass(frozen=True)
class ModelRepository:
    """A model repository, by its folder."""

    path: Path

    def models(self) -> Iterator[str]:
        """Names of the models, those without weights too."""
        return (config.parent.name for config in sorted(self.path.glob(f"*/{CONFIG}")))

    def file(self, model: str, name: str) -> Path:
        """Where a file of a model is, or would be."""
        return self.path / model / VERSION / name

    def has_weights(self, model: str) -> bool:
        """Whether the ONNX file of a model is there."""
        return self.file(model, WEIGHTS).is_file()

    def served_models(self) -> Iterator[str]:
        """Names of the models that can be loaded: all but optional ones without weights."""
        return (model for model in self.models() if model not in OPTIONAL_MODELS or self.has_weights(model))

    def has_set(self) -> bool:
        """Whether there is what installing a model set would replace: a summary, or weights without one."""
        return self.file(HOME, SUMMARY).exists() or any(self.has_weights(model) for model in self.models())

    def config(self, model: str) -> dict[str, Any]:
        """A model's config.pbtxt as the JSON that Triton hands to a backend.

        Raises:
            InvalidModel: it is missing, or is not one.
        """
        # Not at the top: Triton hands its steps their configuration, so they need none of this.
        from google.protobuf import json_format, text_format  # noqa: PLC0415
        from tritonclient.grpc import model_config_pb2  # noqa: PLC0415

        path = self.path / model / CONFIG
        try:
            message = text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
        except OSError as error:
            raise InvalidModel(f"{self.path} is not the model repository: it has no {model}/{CONFIG}") from error
        except (UnicodeDecodeError, text_format.ParseError) as error:
            raise InvalidModel(f"{path} is not a model configuration: {error}") from error
        config: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
        return config

    def reading_networks(self) -> dict[str, dict[str, Any]]:
        """The configurations of the networks that find and read text, by their names; see `config`."""
        present = [model for model in READING_MODELS if model in REQUIRED_MODELS or self.has_weights(model)]
        return {model: self.config(model) for model in present}

    def installed(self) -> ModelSet:
        """The model set that is installed.

        Raises:
            InvalidModel: there is none, or its summary cannot be read.
        """
        path = self.file(HOME, SUMMARY)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            files = dict(document["files"])
            if not all(isinstance(word, str) for pair in files.items() for word in pair):
                raise ValueError("files must be names with their SHA-256")
            classes = tuple(int(document[key]) for key in CLASSES if key in document)
            if not classes:
                raise KeyError(CLASSES[0])
            return ModelSet(str(document["name"]), classes, files, document)
        except FileNotFoundError as error:
            what = "no weights" if not self.has_set() else f"weights, but no {HOME}/{VERSION}/{SUMMARY} that lists them"
            raise InvalidModel(f"{self.path} has {what}; {INSTALL_HINT}") from error
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidModel(f"{path} cannot be read ({shown(error)}); {INSTALL_HINT}") from error

    def dictionaries(self) -> tuple[tuple[str, ...], ...]:
        """The characters of each recogniser; see `dictionaries`."""
        return dictionaries(self.file("ctc_decode", DICTIONARY).parent)

    def parameters(self) -> Parameters:
        """What the installed model set brings for all steps.

        Raises:
            InvalidModel: a file is missing or is not as it should be, or two of them disagree.
        """
        of_step = {step: read_parameters(self.file(step, PARAMETERS)) for step in STEPS_WITH_PARAMETERS}
        for step, found in of_step.items():
            if others := sorted(found.stated - OPTIONS_OF_STEP.get(step, frozenset())):
                what = ", ".join(others)
                raise InvalidModel(
                    f"{self.file(step, PARAMETERS)} states {what}, which is another step's; {INSTALL_HINT}"
                )
        det, ctc, lines, rec = of_step.values()
        if det.cls != lines.cls:
            raise InvalidModel(
                f"{self.file('det_batcher', PARAMETERS)} and that of rec_preprocess state different inputs of cls; "
                f"{INSTALL_HINT}"
            )
        return Parameters(
            {**det.options, **rec.options}, det.db, ctc.right_to_left, det.cls, rec_characters=rec.rec_characters
        )


def dictionaries(folder: Path) -> tuple[tuple[str, ...], ...]:
    """The characters of rec, and, where the set has it, of rec_second, from the files in a folder.

    Raises:
        InvalidModel: a file is missing or not UTF-8.
    """
    files = [folder / DICTIONARY]
    if (folder / SECOND_DICTIONARY).exists():
        files.append(folder / SECOND_DICTIONARY)
    return tuple(read_dictionary(file) for file in files)


def characters(of_each: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """The characters of one recogniser, or of two as if they were one: see ocr_pipeline.stages.second_pass."""
    return tuple(chain(*of_each))


def number(config: Mapping[str, Any], key: str, most: int | None = None) -> int:
    """A whole number from 1 to `most` from the `parameters` of a model's configuration.

    Raises:
        InvalidModel: it is missing or something else.
    """
    text = config.get("parameters", {}).get(key, {}).get("string_value", "")
    is_number = text.isdecimal() and len(text) < _MOST_DIGITS
    if not is_number or int(text) < 1 or (most is not None and int(text) > most):
        where = f"{key} in {CONFIG} of {config.get('name')}"
        range_ = "of at least 1" if most is None else f"from 1 to {most}"
        raise InvalidModel(f"{where} must be a whole number {range_}, not {text[:_MOST_DIGITS]!r}")
    return int(text)
