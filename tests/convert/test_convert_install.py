"""Installing is all or nothing, whenever it is interrupted."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocr_convert.errors import RepositoryError
from ocr_convert.install import install
from ocr_pipeline.repository import CURRENT, INSTALLED, ModelRepository

OLD: dict[str, Path | str] = {
    "det/model.onnx": "old det",
    "rec/model.onnx": "old rec",
    "cls/model.onnx": "old cls",
    "ctc_decode/dictionary.txt": "甲\n\u3000\n\u2028\n ",
}
NEW: dict[str, Path | str] = {
    "det/model.onnx": "new det",
    "rec/model.onnx": "new rec",
    "rec/report.json": "new report",
    "ctc_decode/dictionary.txt": "乙\n ",
}
KILLED = 9


def served(repository: Path) -> dict[str, str]:
    """What a server would find: the content of every <model>/1/<file> that exists, but for code and summary."""
    files = sorted(
        path
        for path in repository.glob("*/1/*")
        if path.is_file() and path.name[0] != "." and path.name not in ("model.py", "model_set.json")
    )
    return {f"{path.parts[-3]}/{path.name}": path.read_bytes().decode() for path in files}


def summary_name(repository: Path) -> str:
    return ModelRepository(repository).installed().name


def sets(repository: Path) -> list[Path]:
    return [path for path in (repository / INSTALLED).iterdir() if path.is_dir()]


def of_old_layout(repository: Path) -> None:
    """OLD, as versions before 0.2 installed it."""
    home = repository / ".installed" / "0123456789ab"
    for name, content in OLD.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(str(content).encode())
        model, file = name.split("/")
        (repository / model / "1" / file).symlink_to(Path("../../.current") / name)
    (home / "model_set.json").write_text('{"name": "old", "classes": 5, "files": {}}')
    (repository / ".installed" / "lock").touch()
    (repository / ".current").symlink_to(".installed/0123456789ab")


def test_files_are_served_from_one_set(repository: Path) -> None:
    written = install(repository, OLD, {"name": "old", "classes": 5})
    assert served(repository) == OLD
    assert ModelRepository(repository).installed().document == written
    assert written["name"] == "old"
    assert set(written["files"]) == {
        "det/1/model.onnx", "rec/1/model.onnx", "cls/1/model.onnx", "ctc_decode/1/dictionary.txt",
    }  # fmt: skip
    assert (repository / "ctc_decode" / "1" / "model.py").is_file()
    assert {path.name for path in repository.iterdir()} == set(ModelRepository(repository).models()), "models alone"


def test_a_new_set_replaces_the_old_one_and_leaves_nothing_of_it(repository: Path) -> None:
    install(repository, OLD, {"name": "old", "classes": 5})
    install(repository, NEW, {"name": "new", "classes": 5})
    assert served(repository) == NEW
    assert summary_name(repository) == "new"
    assert not (repository / "cls" / "1" / "model.onnx").is_symlink()
    assert len(sets(repository)) == 1


def killed_at(step: int, work: Callable[[], Any]) -> bool:
    """Do `work` in a process that is killed before its `step`-th change of the file system; False: there were fewer."""
    child = os.fork()
    if child == 0:
        done = 0

        def counted(change: Callable[..., Any]) -> Callable[..., Any]:
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                nonlocal done
                done += 1
                if done > step:
                    os._exit(KILLED)
                return change(*args, **kwargs)

            return wrapper

        for owner, names in (
            (Path, ("mkdir", "symlink_to", "replace", "rename", "unlink", "write_bytes", "write_text")),
            (shutil, ("copyfile", "rmtree")),
        ):
            for name in names:
                setattr(owner, name, counted(getattr(owner, name)))
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, KILLED), "the child failed by itself"
    return status == KILLED


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (NEW, OLD), ({}, NEW)])
def test_killed_at_any_step_the_repository_serves_the_old_set_or_the_new_one(
    repository: Path, tmp_path: Path, before: dict[str, Path | str], after: dict[str, Path | str]
) -> None:
    if before:
        install(repository, before, {"name": "before", "classes": 5})
    seen, step = [], 0
    while True:
        copy = tmp_path / f"killed-at-{step}"
        shutil.copytree(repository, copy, symlinks=True)
        if not killed_at(step, lambda copy=copy: install(copy, after, {"name": "after", "classes": 5})):  # type: ignore[misc]
            break
        assert served(copy) in (before, after)
        seen.append(served(copy) == after)
        if served(copy) == after:
            assert summary_name(copy) == "after"
        # What it left behind does not stand in the way of the next one.
        install(copy, before or after, {"name": "again", "classes": 5})
        assert served(copy) == (before or after)
        assert len(sets(copy)) == 1
        step += 1
    assert seen == sorted(seen), "once it is there, the new set does not go away again"
    assert step > 10
    assert served(copy) == after


@pytest.mark.parametrize("resolved", [False, True], ids=["links kept", "links resolved"])
def test_a_copy_of_the_repository_serves_the_same_and_can_be_installed_into(
    repository: Path, tmp_path: Path, resolved: bool
) -> None:
    install(repository, OLD, {"name": "old", "classes": 5})
    copy = tmp_path / "copy"
    shutil.copytree(repository, copy, symlinks=not resolved)
    shutil.rmtree(repository)
    assert served(copy) == OLD
    assert summary_name(copy) == "old"
    install(copy, NEW, {"name": "new", "classes": 5})
    assert served(copy) == NEW
    assert summary_name(copy) == "new"
    assert (copy / "det" / "1" / "model.onnx").is_symlink()


def as_copied(repository: Path) -> None:
    """OLD, with what links pointed to in their place."""
    install(repository, OLD, {"name": "old", "classes": 5})
    copy = repository.with_name("resolved")
    shutil.copytree(repository, copy)
    shutil.rmtree(repository)
    copy.rename(repository)


def as_exported(repository: Path) -> None:
    """OLD, with neither links nor folders of sets."""
    as_copied(repository)
    shutil.rmtree(repository / CURRENT)
    shutil.rmtree(repository / INSTALLED)


@pytest.mark.parametrize("begin", [of_old_layout, as_copied, as_exported])
def test_killed_while_another_layout_is_taken_over_it_serves_the_old_set_or_the_new_one(
    repository: Path, tmp_path: Path, begin: Callable[[Path], None]
) -> None:
    begin(repository)
    assert served(repository) == OLD
    step = 0
    while True:
        copy = tmp_path / f"copy-{step}"
        shutil.copytree(repository, copy, symlinks=True)
        if not killed_at(step, lambda copy=copy: install(copy, NEW, {"name": "new", "classes": 3})):  # type: ignore[misc]
            break
        assert served(copy) in (OLD, NEW)
        install(copy, NEW, {"name": "new", "classes": 3})
        assert served(copy) == NEW
        step += 1
    assert served(copy) == NEW
    assert summary_name(copy) == "new"
    assert len(sets(copy)) == 1
    assert {path.name for path in copy.iterdir()} == set(ModelRepository(copy).models()), "models alone"


def test_two_installs_at_once_are_refused(repository: Path) -> None:
    install(repository, OLD, {"name": "old", "classes": 5})
    with (repository / INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RepositoryError, match="another ocr-convert is installing into"):
            install(repository, NEW, {"name": "new", "classes": 5})
    assert served(repository) == OLD


def test_a_disk_that_takes_no_more_leaves_the_old_set(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(repository, OLD, {"name": "old", "classes": 5})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RepositoryError, match=r"cannot be written: .*No space left on device"):
        install(repository, NEW, {"name": "new", "classes": 5})
    assert served(repository) == OLD
