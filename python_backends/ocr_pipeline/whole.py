"""Is what is installed whole? Whoever loads it would stumble over what is not, late, or read nonsense."""

import hashlib

from ocr_contract.errors import INSTALL_HINT, InvalidModel
from ocr_pipeline.repository import REQUIRED_MODELS, VERSION, WEIGHTS, ModelRepository, ModelSet


def check_installed(repository: ModelRepository) -> ModelSet:
    """The model set that is installed, after a look at every file of it.

    Raises:
        InvalidModel: weights, parameters or the dictionary are missing, corrupt, or do not fit together.
    """
    installed = repository.installed()
    for name in (f"{model}/{VERSION}/{WEIGHTS}" for model in REQUIRED_MODELS):
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
    characters = len(repository.dictionary())
    if characters + 1 != installed.classes:
        raise InvalidModel(
            f"the dictionary of {repository.path} has {characters} characters, but the recogniser has "
            f"{installed.classes} classes (one blank, then one for each character); {INSTALL_HINT}"
        )
    repository.parameters()
    return installed
