"""Installing is all or nothing, whenever it is interrupted."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocr_convert.errors import RepositoryError
from ocr_convert.install import check_repository, install

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
    """What a server would find: the content of every <model>/1/<file> that exists."""
    files = sorted(
        path for path in repository.glob("*/1/*") if path.is_file() and path.name[0] != "." and path.name != "model.py"
    )
    return {f"{path.parts[-3]}/{path.name}": path.read_bytes().decode() for path in files}


def summary_name(repository: Path) -> str:
    name: str = json.loads((repository / ".current" / "model_set.json").read_text())["name"]
    return name


def test_files_are_served_from_one_set(repository: Path) -> None:
    written = install(repository, OLD, {"name": "old", "classes": 5})
    assert served(repository) == OLD
    assert json.loads((repository / ".current" / "model_set.json").read_text(encoding="utf-8")) == written
    assert written["name"] == "old"
    assert set(written["files"]) == {
        "det/1/model.onnx", "rec/1/model.onnx", "cls/1/model.onnx", "ctc_decode/1/dictionary.txt",
    }  # fmt: skip
    assert (repository / "det" / "1" / "model.py").read_text() == "# untouched\n"


def test_a_new_set_replaces_the_old_one_and_leaves_nothing_of_it(repository: Path) -> None:
    install(repository, OLD, {"name": "old"})
    install(repository, NEW, {"name": "new"})
    assert served(repository) == NEW
    assert summary_name(repository) == "new"
    assert not (repository / "cls" / "1" / "model.onnx").is_symlink()
    assert len([path for path in (repository / ".installed").iterdir() if path.is_dir()]) == 1


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
        install(repository, before, {"name": "before"})
    seen, step = [], 0
    while True:
        copy = tmp_path / f"killed-at-{step}"
        shutil.copytree(repository, copy, symlinks=True)
        if not killed_at(step, lambda copy=copy: install(copy, after, {"name": "after"})):  # type: ignore[misc]
            break
        assert served(copy) in (before, after)
        seen.append(served(copy) == after)
        if served(copy) == after:
            assert summary_name(copy) == "after"
        # What it left behind does not stand in the way of the next one.
        install(copy, before or after, {"name": "again"})
        assert served(copy) == (before or after)
        assert len([path for path in (copy / ".installed").iterdir() if path.is_dir()]) == 1
        step += 1
    assert seen == sorted(seen), "once it is there, the new set does not go away again"
    assert step > 10
    assert served(copy) == after


@pytest.mark.parametrize("resolved", [False, True], ids=["links kept", "links resolved"])
def test_a_copy_of_the_repository_serves_the_same_and_can_be_installed_into(
    repository: Path, tmp_path: Path, resolved: bool
) -> None:
    install(repository, OLD, {"name": "old"})
    copy = tmp_path / "copy"
    shutil.copytree(repository, copy, symlinks=not resolved)
    shutil.rmtree(repository)
    assert served(copy) == OLD
    assert summary_name(copy) == "old"
    install(copy, NEW, {"name": "new"})
    assert served(copy) == NEW
    assert summary_name(copy) == "new"
    assert (copy / "det" / "1" / "model.onnx").is_symlink()


def test_killed_while_a_resolved_copy_is_taken_over_it_serves_the_old_set_or_the_new_one(
    repository: Path, tmp_path: Path
) -> None:
    install(repository, OLD, {"name": "old"})
    step = 0
    while True:
        copy = tmp_path / f"copy-{step}"
        shutil.copytree(repository, copy)
        if not killed_at(step, lambda copy=copy: install(copy, NEW, {"name": "new"})):  # type: ignore[misc]
            break
        assert served(copy) in (OLD, NEW)
        step += 1
    assert served(copy) == NEW


def test_two_installs_at_once_are_refused(repository: Path) -> None:
    install(repository, OLD, {"name": "old"})
    with (repository / ".installed" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RepositoryError, match="another ocr-convert is installing into"):
            install(repository, NEW, {"name": "new"})
    assert served(repository) == OLD


def test_a_disk_that_takes_no_more_leaves_the_old_set(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(repository, OLD, {"name": "old"})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RepositoryError, match=r"cannot be written: .*No space left on device"):
        install(repository, NEW, {"name": "new"})
    assert served(repository) == OLD


def test_a_folder_that_is_not_the_model_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match=r"lacks det/config\.pbtxt; give the folder with --model-repository"):
        check_repository(tmp_path, ["det", "rec"])
