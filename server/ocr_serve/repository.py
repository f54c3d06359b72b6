"""The model repository: is it whole, and what is to be loaded."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ocr_serve.errors import RepositoryProblem

PUBLIC_MODELS = ("ocr", "text_detection", "text_recognition")
CALLED_MODELS = ("rec",)  # called by rec_batcher, so Triton does not see that ocr needs it
OPTIONAL_MODELS = ("cls",)
INSTALLED = Path(".current")  # what convert/ installed
AGAIN = "run ocr-convert to install a model set"


@dataclass(frozen=True)
class Repository:
    """A checked model repository.

    Attributes:
        path: the folder.
        model_set: name of the installed model set.
        models: names for --load-model.
    """

    path: Path
    model_set: str
    models: tuple[str, ...]


def check_repository(path: Path) -> Repository:
    """Look for everything that Triton would stumble over later.

    Raises:
        RepositoryProblem: models, weights or the dictionary are missing, corrupt, or do not fit together.
    """
    for model in PUBLIC_MODELS:
        if not (path / model / "config.pbtxt").is_file():
            raise RepositoryProblem(f"{path} is not the model repository: it has no {model}/config.pbtxt")
    summary = path / INSTALLED / "model_set.json"
    if not summary.is_file():
        raise RepositoryProblem(f"{path} has no weights; {AGAIN}, for example ocr-convert --model-set pp-ocrv4-mobile")
    try:
        installed = json.loads(summary.read_text(encoding="utf-8"))
        name, files, classes = str(installed["name"]), dict(installed["files"]), int(installed["classes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RepositoryProblem(f"{summary} cannot be read ({error!r}); {AGAIN} again") from error
    for file, expected in files.items():
        _check_file(path / file, expected if file.endswith(".onnx") else None)
    _check_dictionary(path / "ctc_decode" / "1" / "dictionary.txt", classes)
    optional = tuple(model for model in OPTIONAL_MODELS if (path / model / "1" / "model.onnx").is_file())
    return Repository(path, name, PUBLIC_MODELS + CALLED_MODELS + optional)


def _check_file(path: Path, sha256: str | None) -> None:
    if not path.is_file():
        raise RepositoryProblem(f"{path} is missing; {AGAIN} again")
    if sha256 is None:  # a file that may be edited by hand
        return
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise RepositoryProblem(
            f"{path} is corrupt or was replaced (SHA-256 {found[:12]}..., expected {sha256[:12]}...); {AGAIN} again"
        )


def _check_dictionary(path: Path, classes: int) -> None:
    characters = len(path.read_bytes().decode("utf-8").split("\n"))
    if characters + 1 != classes:
        raise RepositoryProblem(
            f"{path} has {characters} characters, but the recogniser has {classes} classes "
            f"(one blank, then one for each character); {AGAIN} again"
        )
