"""Put a converted model set into a model repository, all of it or nothing.

    model_repository/
        .current -> .installed/<id>          switched by one rename: this is the moment of installation
        .installed/<id>/model_set.json       what is installed, with the SHA-256 of every file
        .installed/<id>/det/model.onnx ...   the files
        det/1/model.onnx -> ../../.current/det/model.onnx

The links of a new set are made before the switch, links and files of the old one removed after it. Whoever is killed
in between leaves a repository that serves what it served before; what it left behind goes away with the next install.
All links are relative and stay inside the repository, so it can be copied with them or with what they point to.
"""

import fcntl
import hashlib
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ocr_convert.errors import RepositoryError

CURRENT = ".current"
INSTALLED = ".installed"
SUMMARY = "model_set.json"
VERSION = "1"
NEW_LINK = ".new"  # ends the name of a link until it is renamed


def check_repository(repository: Path, models: list[str]) -> None:
    """See that the repository has the models that files are to be installed for.

    Raises:
        RepositoryError: it lacks one
    """
    missing = [model for model in models if not (repository / model / "config.pbtxt").is_file()]
    if missing:
        raise RepositoryError(
            f"{repository} is not this project's model repository: it lacks {missing[0]}/config.pbtxt; "
            "give the folder with --model-repository"
        )


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
    try:
        with _lock(repository):
            _adopt_plain_files(repository, files)
            _remove_leftovers(repository)
            stage, written = _stage(repository, files, summary)
            for name in files:
                _link(repository, name)
            _point(repository / CURRENT, Path(INSTALLED) / stage.name)
            _remove_leftovers(repository)
            return written
    except OSError as error:
        raise RepositoryError(f"{repository} cannot be written: {error}") from error


@contextmanager
def _lock(repository: Path) -> Iterator[None]:
    (repository / INSTALLED).mkdir(exist_ok=True)
    with (repository / INSTALLED / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RepositoryError(f"another ocr-convert is installing into {repository}: try again later") from error
        yield


def _version_path(repository: Path, name: str) -> Path:
    model, file = name.split("/")
    return repository / model / VERSION / file


def _stage(
    repository: Path, files: Mapping[str, Path | str], summary: Mapping[str, object]
) -> tuple[Path, dict[str, Any]]:
    """Copy everything that is to be installed into a folder that nothing points to yet."""
    stage = repository / INSTALLED / uuid.uuid4().hex[:12]
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
    return stage, written


def _installed_files(repository: Path) -> set[str]:
    current = repository / CURRENT
    return {f"{path.parent.name}/{path.name}" for path in current.glob("*/*") if path.is_file()}


def _link(repository: Path, name: str) -> None:
    """Make <model>/1/<file> a link into .current; it dangles until the switch when the set had no such file before."""
    link = _version_path(repository, name)
    link.parent.mkdir(exist_ok=True)
    target = Path("..") / ".." / CURRENT / name
    if not (link.is_symlink() and link.readlink() == target):
        _point(link, target)


def _point(link: Path, target: Path) -> None:
    """Make `link` point to `target` in one step."""
    new = link.with_name(f".{link.name.lstrip('.')}{NEW_LINK}")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _adopt_plain_files(repository: Path, files: Iterable[str]) -> None:
    """Turn files that stand where links should be (a copy with links resolved) into an installed set.

    Their content can be read at its place at every moment.
    """
    current = repository / CURRENT
    if current.is_symlink():
        return
    names = set(files) | _installed_files(repository)
    plain = [name for name in names if _version_path(repository, name).is_file()]
    adopted = repository / INSTALLED / uuid.uuid4().hex[:12]
    adopted.mkdir()
    for name in plain:
        (adopted / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(_version_path(repository, name), adopted / name)
    if (current / SUMMARY).is_file():
        shutil.copyfile(current / SUMMARY, adopted / SUMMARY)
    if current.is_dir():
        current.rename(repository / INSTALLED / uuid.uuid4().hex[:12])
    _point(current, Path(INSTALLED) / adopted.name)
    for name in plain:
        _link(repository, name)


def _remove_leftovers(repository: Path) -> None:
    """Remove every set but the current one, links to what it does not have, and links that were about to be renamed."""
    for link in repository.glob(f"*/{VERSION}/*"):
        ours = link.is_symlink() and CURRENT in link.readlink().parts
        if ours and (not link.exists() or link.name.endswith(NEW_LINK)):
            link.unlink()
    kept = (repository / CURRENT).resolve()
    for path in (repository / INSTALLED).iterdir():
        if path.is_dir() and path.resolve() != kept:
            shutil.rmtree(path)
