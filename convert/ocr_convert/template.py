"""The models without weights, of which a new model repository is made. They come with this package."""

import errno
import os
import shutil
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from ocr_convert.errors import RepositoryError, cannot_be_written
from ocr_pipeline.repository import CONFIG, HOME, INSTALLED, VERSION, ModelRepository

CHECKOUT = Path(__file__).parents[2]


def template() -> ModelRepository:
    """The package's models; where it runs from a checkout, those of the checkout."""
    packed = Path(str(resources.files("ocr_convert"))) / "model_repository"
    return ModelRepository(packed if packed.is_dir() else CHECKOUT / "model_repository")


def lacking(repository: Path) -> list[str]:
    """Names of the models that are to be put into a folder before weights can be.

    Raises:
        RepositoryError: it holds other things, and not one of them, or it cannot be read or written.
    """
    try:
        _require_rights(repository)
        return _lacking(repository)
    except OSError as error:
        raise RepositoryError(f"{error.filename} cannot be used: {error.strerror}") from error


def _require_rights(repository: Path) -> None:
    """See that a set can be installed, as far as that can be told before the work."""
    nearest = next(path for path in (repository.absolute(), *repository.absolute().parents) if path.exists())
    for folder in (nearest, repository / HOME, repository / INSTALLED):
        if folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "there is no right to write there", str(folder))


def _lacking(repository: Path) -> list[str]:
    wanted = set(template().models())
    there = wanted & set(ModelRepository(repository).models())
    if not there and repository.exists() and not (repository.is_dir() and _names(repository) <= wanted):
        raise RepositoryError(
            f"{repository} is not a model repository and not an empty folder; give one with --model-repository"
        )
    return sorted(wanted - there)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def complete(repository: Path, models: Iterable[str]) -> None:
    """Put models into a repository, without weights.

    Raises:
        RepositoryError: it cannot be written.
    """
    try:
        for model in models:
            source, target = template().path / model, repository / model
            (target / VERSION).mkdir(parents=True, exist_ok=True)
            for code in (source / VERSION).glob("*.py"):
                shutil.copyfile(code, target / VERSION / code.name)
            shutil.copyfile(source / CONFIG, target / CONFIG)  # last: it makes the folder a model
    except OSError as error:
        raise cannot_be_written(repository, error) from error
