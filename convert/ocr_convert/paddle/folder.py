"""What a folder holds: the network's files, and the settings in its inference.yml, dictionary.txt or ONNX metadata.

| file | what |
|---|---|
| `*.pdmodel` + `*.pdiparams` | a network of PaddleOCR 2 |
| `inference.json` + `inference.pdiparams` | a network of PaddleOCR 3 (PIR) |
| `*.onnx` | a network that was converted before |
| `inference.yml` | thresholds of det, dictionary of rec |
| `dictionary.txt` | dictionary of rec, one character a line |
"""

from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ocr_convert.errors import ModelFolderError, in_one_line
from ocr_convert.graphs.fuse import Kind
from ocr_convert.paddle.dictionary import read_dictionary, split_lines
from ocr_convert.paddle.inference_yml import Settings, read_inference_yml
from ocr_convert.sources.model_sets import Form


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


def load_network(path: Path) -> onnx.ModelProto:
    """Load an ONNX file.

    Raises:
        ModelFolderError: it is not one
    """
    try:
        model = onnx.load(path)
    except DecodeError as error:
        raise ModelFolderError(f"{path} is not an ONNX model: {in_one_line(error)}") from error
    except (OSError, ValueError, onnx.checker.ValidationError) as error:  # of weights that lie in a file beside it
        raise ModelFolderError(f"{path} cannot be read: {in_one_line(error)}") from error
    if not model.graph.node:
        raise ModelFolderError(f"{path} is not an ONNX model: it has no nodes")
    return model


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
        for entry in load_network(folder.network).metadata_props:
            if entry.key == "character":
                return split_lines(entry.value)
    raise ModelFolderError(
        f"{folder.network.parent} has no dictionary: expected character_dict in inference.yml, or give --dictionary"
    )
