"""The repository of `ocr_static`, the plain ensemble that is the baseline."""

from __future__ import annotations

import shutil
from pathlib import Path

from ocr_bench.errors import BenchError
from ocr_pipeline.repository import WEIGHTS, ModelRepository

MODELS = Path(__file__).resolve().parents[2] / "model_repository"


def check_one_recogniser(repository: ModelRepository) -> None:
    """See that the plain ensemble reads what the whole set reads.

    Raises:
        BenchError: the set has a second recogniser, which the plain ensemble has not.
    """
    if repository.has_weights("rec_second"):
        raise BenchError(
            f"{repository.path} has two recognisers, and ocr_static has one, so they read differently: leave it out "
            "with --no-static, or name a set of one recogniser first"
        )


def static_repository(repository: ModelRepository, folder: Path) -> Path:
    """Make a repository with `ocr_static` beside the models of another one; its recogniser has the weights of `rec`.

    Raises:
        BenchError: the baseline's models are not where a checkout has them.
    """
    if not MODELS.is_dir():
        raise BenchError(f"{MODELS} is missing: ocr_static is measured from a checkout; leave it out with --no-static")
    made = Path(shutil.copytree(MODELS, folder / "static"))
    for model in repository.models():
        (made / model).symlink_to((repository.path / model).resolve())
    ModelRepository(made).file("rec_static", WEIGHTS).symlink_to(repository.file("rec", WEIGHTS).resolve())
    return made
