"""Put a converted model set into a model repository, all of it or nothing.

The layout is that of `ocr_pipeline.repository`: `ocr/current` is switched by one rename, and that is the moment of
installation. The links of a new set are made before the switch, links and files of the old one removed after it.
Whoever is killed in between leaves a repository that serves what it served before; what it left behind goes away with
the next install. All links are relative and stay inside the repository, so it can be copied with them or with what
they point to.
"""

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ocr_contract.errors import InvalidModel
from ocr_convert.errors import RepositoryError, cannot_be_written
from ocr_pipeline.repository import CURRENT, HOME, INSTALLED, SUMMARY, VERSION, ModelRepository

NEW_LINK = ".new"  # ends the name of a link until it is renamed
# Until 0.2 sets lay beside the models, where Triton takes them for models.
OLD_CURRENT, OLD_INSTALLED = ".current", ".installed"


def install(repository: Path, files: Mapping[str, Path | str], summary: Mapping[str, object]) -> dict[str, Any]:
    """Install files, and take away those of the set that was installed before.

    Args:
        repository: the model repository
        files: "<model>/<name>" to the file, or the text of the file, that <model>/1/<name> shall be
        summary: what to write into model_set.json, in addition to the SHA-256 of every file

    Returns:
        what model_set.json says now

    Raises:
        RepositoryError: the repository cannot be written, or another install is running
    """
    home = ModelRepository(repository)
    try:
        with _lock(repository):
            _adopt(home, files)
            _remove_leftovers(repository)
            stage, written = _stage(repository, files, summary)
            for name in (*files, f"{HOME}/{SUMMARY}"):
                _link(home, name)
            _point(repository / CURRENT, stage)
            _remove_leftovers(repository)
            return written
    except OSError as error:
        raise cannot_be_written(repository, error) from error


@contextmanager
def _lock(repository: Path) -> Iterator[None]:
    (repository / INSTALLED).mkdir(exist_ok=True)
    with (repository / INSTALLED / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RepositoryError(f"another ocr-convert is installing into {repository}: try again later") from error
        yield


def _file(home: ModelRepository, name: str) -> Path:
    """Where "<model>/<file>" is served from."""
    model, file = name.split("/")
    return home.file(model, file)


def _stored(folder: Path, name: str) -> Path:
    """Where "<model>/<file>" lies in the folder of a set."""
    return folder / (SUMMARY if name == f"{HOME}/{SUMMARY}" else name)


def _stage(
    repository: Path, files: Mapping[str, Path | str], summary: Mapping[str, object]
) -> tuple[Path, dict[str, Any]]:
    """Copy everything that is to be installed into a folder that nothing points to yet."""
    stage = repository / INSTALLED / uuid.uuid4().hex[:12]
    try:
        return stage, _write(stage, files, summary)
    except OSError:  # a full disk, say, whose room is wanted back
        shutil.rmtree(stage, ignore_errors=True)
        raise


def _write(stage: Path, files: Mapping[str, Path | str], summary: Mapping[str, object]) -> dict[str, Any]:
    hashes = {}
    for name, source in files.items():
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, Path):
            shutil.copyfile(source, target)
        else:
            target.write_bytes(source.encode("utf-8"))
        model, file = name.split("/")
        hashes[f"{model}/{VERSION}/{file}"] = hashlib.sha256(target.read_bytes()).hexdigest()
    written = {**summary, "files": hashes}
    (stage / SUMMARY).write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return written


def _link(home: ModelRepository, name: str) -> None:
    """Make a file a link into `current`; it dangles until the switch when the set before had no such file."""
    link = _file(home, name)
    link.parent.mkdir(exist_ok=True)
    _point(link, _stored(home.path / CURRENT, name))


def _point(link: Path, target: Path) -> None:
    """Make `link` point to `target` in one step."""
    relative = Path(os.path.relpath(target, link.parent))
    if link.is_symlink() and link.readlink() == relative:
        return
    new = link.with_name(f".{link.name}{NEW_LINK}")
    new.unlink(missing_ok=True)
    new.symlink_to(relative)
    new.replace(link)


def _adopt(home: ModelRepository, files: Mapping[str, Path | str]) -> None:
    """Turn what is served into an installed set, where it is none: an earlier layout, or a copy without links.

    The content of every file can be read at its place at every moment.
    """
    current = home.path / CURRENT
    if not current.is_symlink():
        adopted = home.path / INSTALLED / uuid.uuid4().hex[:12]
        adopted.mkdir()
        for name in _served_files(home) | set(files):
            if _file(home, name).is_file():
                target = _stored(adopted, name)
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(_file(home, name), target)
        old_summary = home.path / OLD_CURRENT / SUMMARY
        if old_summary.is_file():
            shutil.copyfile(old_summary, adopted / SUMMARY)
        if current.is_dir():
            current.rename(home.path / INSTALLED / uuid.uuid4().hex[:12])
        _point(current, adopted)
    # Whoever was killed while doing this has left some of them.
    for path in current.glob("*/*"):
        _link(home, f"{path.parent.name}/{path.name}")
    if (current / SUMMARY).is_file():
        _link(home, f"{HOME}/{SUMMARY}")


def _served_files(home: ModelRepository) -> set[str]:
    """What belongs to the set in an earlier layout, or in a copy without links."""
    old = {f"{path.parent.name}/{path.name}" for path in (home.path / OLD_CURRENT).glob("*/*")}
    try:
        listed = {f"{path.parts[0]}/{path.name}" for path in map(Path, home.installed().files)}
    except InvalidModel:  # nothing, or nothing that says what it is
        return old
    return old | listed | {f"{HOME}/{SUMMARY}"}


def _remove_leftovers(repository: Path) -> None:
    """Remove every set but the current one, links to what it does not have, and links that were about to be renamed."""
    kept = (repository / CURRENT).resolve()
    for link in (*repository.glob(f"*/{VERSION}/*"), *repository.glob(f"{HOME}/.*")):
        if link.is_symlink() and (link.name.endswith(NEW_LINK) or _is_stale(link, repository)):
            link.unlink()
    for path in (repository / INSTALLED).iterdir():
        if path.is_dir() and path.resolve() != kept:
            shutil.rmtree(path)
    if (repository / OLD_CURRENT).is_symlink():
        (repository / OLD_CURRENT).unlink()
    for name in (OLD_CURRENT, OLD_INSTALLED):
        if (repository / name).is_dir():
            shutil.rmtree(repository / name)


def _is_stale(link: Path, repository: Path) -> bool:
    """Whether a link leads to where sets lie, and to nothing."""
    target = Path(os.path.relpath(link.parent / link.readlink(), repository))
    return not link.exists() and (target.is_relative_to(CURRENT) or target.is_relative_to(OLD_CURRENT))
