"""Is the model repository whole? Triton would stumble over what is not, late and in many lines."""

import hashlib

from ocr_contract.errors import INSTALL_HINT, InvalidModel
from ocr_contract.options import ENDPOINTS
from ocr_pipeline.repository import (
    BUDGET,
    CONFIG,
    PARAMETERS,
    WEIGHTS,
    ModelRepository,
    ModelSet,
    number,
    read_parameters,
)

_SLACK_S = 30.0


def longest_step_s(repository: ModelRepository) -> float:
    """Seconds after which a step that has not got on with a request hangs: one that works has given it up by then.

    Raises:
        InvalidModel: a configuration is missing, or says no such number.
    """
    configs = [repository.config(model) for model in repository.served_models()]
    stated = [number(config, BUDGET) for config in configs if BUDGET in config.get("parameters", {})]
    return _SLACK_S + max(stated, default=0)


def check_repository(repository: ModelRepository) -> ModelSet:
    """What is installed, after a look at every file of it.

    Raises:
        InvalidModel: models, weights, the dictionary or parameters are missing, corrupt, or do not fit together.
    """
    for model in sorted(set(ENDPOINTS) - set(repository.models())):
        raise InvalidModel(f"{repository.path} is not the model repository: it has no {model}/{CONFIG}")
    installed = repository.installed()
    for name, sha256 in installed.files.items():
        try:
            found = hashlib.sha256((repository.path / name).read_bytes()).hexdigest()
        except OSError as error:
            raise InvalidModel(f"{repository.path / name} is missing ({error.strerror}); {INSTALL_HINT}") from error
        if name.endswith(WEIGHTS) and found != sha256:  # the others may be edited by hand
            raise InvalidModel(
                f"{repository.path / name} is corrupt or was replaced "
                f"(SHA-256 {found[:12]}..., expected {sha256[:12]}...); {INSTALL_HINT}"
            )
        if name.endswith(PARAMETERS):
            read_parameters(repository.path / name)
    characters = len(repository.dictionary())
    if characters + 1 != installed.classes:
        raise InvalidModel(
            f"the dictionary of {repository.path} has {characters} characters, but the recogniser has "
            f"{installed.classes} classes (one blank, then one for each character); {INSTALL_HINT}"
        )
    return installed
