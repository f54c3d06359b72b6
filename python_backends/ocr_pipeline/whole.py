"""Is what is installed whole? Whoever loads it would stumble over what is not, late, or read nonsense."""

import hashlib
from collections.abc import Iterable

from ocr_contract.errors import INSTALL_HINT, InvalidModel
from ocr_pipeline.repository import (
    PARAMETERS,
    REC_SECOND,
    REQUIRED_MODELS,
    VERSION,
    WEIGHTS,
    ModelRepository,
    ModelSet,
)
from ocr_pipeline.stages.second_pass import OPTION as SECOND_PASS


def check_installed(repository: ModelRepository) -> ModelSet:
    """The model set that is installed, after a look at every file of it.

    Raises:
        InvalidModel: weights, parameters or the dictionary are missing, corrupt, or do not fit together.
    """
    installed = repository.installed()
    dictionaries, parameters = repository.dictionaries(), repository.parameters()
    required = REQUIRED_MODELS if parameters.rec_characters is None else (*REQUIRED_MODELS, REC_SECOND)
    for name in (f"{model}/{VERSION}/{WEIGHTS}" for model in required):
        if name not in installed.files:
            raise InvalidModel(f"the model set in {repository.path} has no {name}; {INSTALL_HINT}")
    for name, sha256 in installed.files.items():
        try:
            found = hashlib.sha256((repository.path / name).read_bytes()).hexdigest()
        except FileNotFoundError as error:
            raise InvalidModel(f"{repository.path / name} is missing; {INSTALL_HINT}") from error
        except OSError as error:
            raise InvalidModel(f"{repository.path / name} cannot be read ({error.strerror})") from error
        if name.endswith(WEIGHTS) and found != sha256:  # the others may be edited by hand
            raise InvalidModel(
                f"{repository.path / name} is corrupt or was replaced "
                f"(SHA-256 {found[:12]}..., expected {sha256[:12]}...); {INSTALL_HINT}"
            )
    characters = [len(dictionary) for dictionary in dictionaries]
    if [1 + count for count in characters] != list(installed.classes):
        raise InvalidModel(
            f"the dictionaries of {repository.path} have {_listed(characters)} characters, but the recognisers have "
            f"{_listed(installed.classes)} classes (one blank, then one for each character); {INSTALL_HINT}"
        )
    counted_on = None if len(characters) == 1 else characters[0]
    if parameters.rec_characters != counted_on:
        raise InvalidModel(
            f"{repository.file('rec_batcher', PARAMETERS)} says "
            f"{_said(parameters.rec_characters)}, but the model set has {_said(counted_on)}; {INSTALL_HINT}"
        )
    if parameters.rec_characters is None and parameters.options.get(SECOND_PASS, 0):
        raise InvalidModel(
            f"{repository.file('rec_batcher', PARAMETERS)} states {SECOND_PASS}, but the model set has one recogniser; "
            f"{INSTALL_HINT}"
        )
    return installed


def _said(characters: int | None) -> str:
    return "one recogniser" if characters is None else f"two recognisers, the first of {characters} characters"


def _listed(numbers: Iterable[int]) -> str:
    return " and ".join(map(str, numbers))
