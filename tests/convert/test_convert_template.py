"""A new model repository is made of the models that come with the package."""

import os
import tempfile
from pathlib import Path

import pytest

from ocr_convert.errors import RepositoryError
from ocr_convert.template import complete, lacking, template
from ocr_pipeline.repository import ModelRepository

NOBODY = 65534


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


def said_to_one_without_rights(repository: Path) -> str:
    """What somebody else, who is not root either, is told of a repository before the work."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        if os.getuid() == 0:
            os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            lacking(repository)
            os.write(write, b"nothing")
        except RepositoryError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return os.read(read, 1000).decode()


def test_a_folder_without_rights_is_refused_before_the_work() -> None:
    no_right = "cannot be used: there is no right to write there"
    with tempfile.TemporaryDirectory() as place:  # pytest's own are closed to others
        Path(place).chmod(0o755)
        locked, closed = Path(place, "locked"), Path(place, "closed")
        locked.mkdir(mode=0o555)
        closed.mkdir(mode=0)
        assert said_to_one_without_rights(locked) == f"{locked} {no_right}"
        assert said_to_one_without_rights(locked / "a" / "new") == f"{locked} {no_right}"
        assert said_to_one_without_rights(closed) == f"{closed} {no_right}"
        assert "Permission denied" in said_to_one_without_rights(closed / "a" / "new")
