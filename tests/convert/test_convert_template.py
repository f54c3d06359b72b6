"""A new model repository is made of the models that come with the package."""

from pathlib import Path

import pytest

from ocr_convert.errors import RepositoryError
from ocr_convert.template import complete, lacking, template
from ocr_pipeline.repository import ModelRepository


@pytest.mark.parametrize("there", [False, True], ids=["not there", "empty"])
def test_a_folder_that_is_not_there_or_empty_becomes_a_repository(tmp_path: Path, there: bool) -> None:
    repository = tmp_path / "a" / "model_repository"
    if there:
        repository.mkdir(parents=True)
    complete(repository, lacking(repository))
    assert list(ModelRepository(repository).models()) == list(template().models())
    for model in template().models():
        assert (repository / model / "1").is_dir(), "Triton looks for a version"
        config = ModelRepository(repository).config(model)
        assert (repository / model / "1" / "model.py").is_file() == (config.get("backend") == "python")
    assert lacking(repository) == []


def test_models_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    complete(tmp_path, ["det", "ocr"])
    (tmp_path / "det" / "config.pbtxt").write_text("# mine")
    (tmp_path / "notes.txt").touch()
    assert "det" not in lacking(tmp_path)
    complete(tmp_path, lacking(tmp_path))
    assert (tmp_path / "det" / "config.pbtxt").read_text() == "# mine"
    assert lacking(tmp_path) == []


def test_whoever_was_killed_while_making_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "cls" / "1").mkdir(parents=True)
    complete(tmp_path, lacking(tmp_path))
    assert lacking(tmp_path) == []


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    for path in (tmp_path, tmp_path / "letter.txt"):
        with pytest.raises(RepositoryError, match="is not a model repository and not an empty folder; give one with"):
            lacking(path)
