"""Folders for work: whoever is killed leaves nothing for long, and a full disk is called one."""

import errno
import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import pytest
from rich.console import Console

from ocr_convert import work
from ocr_convert.errors import SourceError, StorageError
from ocr_convert.paddle import child
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.pipeline import convert_folders
from ocr_convert.progress import Reporter, quiet
from ocr_convert.sources.download import cached
from ocr_convert.work import remove_abandoned, require_room, work_folder
from ocr_pipeline.repository import ModelRepository
from ocr_pipeline.whole import check_installed

MakeOnnx = Callable[..., onnx.ModelProto]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def work_in(parent: Path) -> None:
    with work_folder(parent) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "file").write_bytes(b"x")


def killed_at(step: int, parent: Path) -> bool:
    """Work in a process that is killed before its `step`-th call of the system; False: there were fewer."""
    pid = os.fork()
    if pid == 0:
        done = 0

        def count(event: str, _: object) -> None:
            nonlocal done
            if event in ("open", "os.mkdir", "os.remove", "os.rmdir", "fcntl.flock", "os.scandir", "shutil.rmtree"):
                done += 1
                if done > step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work_in(parent)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0


def test_killed_at_any_step_it_leaves_nothing_to_the_next_run(tmp_path: Path) -> None:
    left, step = 0, 0
    while killed_at(step, tmp_path):
        left += bool(names(tmp_path))
        work_in(tmp_path)
        assert names(tmp_path) == []
        step += 1
    assert step > 8
    assert left > 4


def test_the_folder_of_one_who_works_stays_until_that_one_is_killed(tmp_path: Path) -> None:
    ready, wait = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        with work_folder(tmp_path):
            os.write(ready[1], b"x")
            os.read(wait[0], 1)
    os.read(ready[0], 1)
    held = names(tmp_path)
    assert len(held) == 2
    work_in(tmp_path)
    assert names(tmp_path) == held
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    work_in(tmp_path)
    assert names(tmp_path) == []


def test_what_only_looks_like_an_abandoned_folder_stays(tmp_path: Path) -> None:
    (tmp_path / f"{work.PREFIX}notes").mkdir()
    (tmp_path / f"{work.PREFIX}notes.lock").touch()
    (tmp_path / f"{work.PREFIX}{'0' * 16}").mkdir()  # without a lock: nobody can say whose
    (tmp_path / "precious").write_text("x")
    (tmp_path / f"{work.PREFIX}{'1' * 16}.lock").symlink_to("precious")
    os.mkfifo(tmp_path / f"{work.PREFIX}{'2' * 16}.lock")
    before = names(tmp_path)
    work_in(tmp_path)
    assert names(tmp_path) == before
    assert (tmp_path / "precious").read_text() == "x"


def test_a_link_in_the_place_of_a_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / f"{work.PREFIX}{'0' * 16}").symlink_to("precious")
    (tmp_path / f"{work.PREFIX}{'0' * 16}.lock").touch()
    remove_abandoned(tmp_path)
    assert (tmp_path / "precious" / "file").exists()


def test_paddles_process_dies_with_the_one_that_started_it() -> None:
    """Though it still could be told something."""
    requests, answers = os.pipe(), os.pipe()
    command = [sys.executable, "-m", child.__name__, str(answers[1])]
    starter = (
        f"import subprocess, sys; subprocess.Popen({command}, stdin={requests[0]}, pass_fds=[{answers[1]}]); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starter], stdin=subprocess.PIPE, pass_fds=(requests[0], answers[1])
    ) as parent:
        os.close(answers[1])
        os.write(requests[1], b'{"do": "nothing"}\n')
        assert os.read(answers[0], 1000)  # it runs
        parent.kill()
    assert os.read(answers[0], 1000) == b""  # nobody is left who could answer


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """What a full disk does to a process, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("size_bytes", [0, 20, 2000])
def test_a_full_folder_for_temporary_files_is_called_that(
    tmp_path: Path, temporary: Path, repository: Path, make_onnx: MakeOnnx, size_bytes: int
) -> None:
    make_onnx(tmp_path / "det", "det")
    make_onnx(tmp_path / "rec", "rec")
    (tmp_path / "rec" / "dictionary.txt").write_text("\n".join("0123456789"))
    with pytest.raises(StorageError) as refused, files_of_at_most(size_bytes):
        convert_folders({"det": tmp_path / "det", "rec": tmp_path / "rec"}, repository, reporter=quiet())
    assert str(refused.value) == (
        f"{temporary} cannot be written: File too large; free space or get rights there, "
        "or name another folder with TMPDIR"
    )
    assert names(temporary) == []


def test_two_runs_at_once_into_one_folder(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    for kind in ("det", "rec"):
        make_onnx(tmp_path / kind, kind)
    (tmp_path / "rec" / "dictionary.txt").write_text("\n".join("0123456789"))
    command = [
        str(Path(sys.prefix) / "bin" / "ocr-convert"),
        "--det",
        "det",
        "--rec",
        "rec",
        "--model-repository",
        "new",
    ]
    runs = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [(run.communicate()[1], run.returncode) for run in runs]
    assert ("", 0) in ended
    for said, code in ended:
        assert code == 0 or (code == 2 and "another ocr-convert is installing into new" in said)
    assert check_installed(ModelRepository(tmp_path / "new")).name == "custom"


def test_no_folder_for_temporary_files_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(StorageError, match=r"No usable temporary directory found in \['/tmp'\]: free space there, or"):
        work_in(None)  # type: ignore[arg-type]


def test_a_network_that_was_not_written_whole_is_not_called_damaged(tmp_path: Path) -> None:
    """Whoever writes it may not say so, as paddle2onnx does not."""
    half = 'import os, sys; sys.stdin.readline(); os.write(int(sys.argv[1]), b\'{"error": "damaged"}\\n\')'
    network = tmp_path / "x"
    with (
        pytest.raises(StorageError, match="File too large"),
        files_of_at_most(work.ROOM_BYTES - 1),
        work_folder(tmp_path) as folder,
        PaddleProcess(folder, command=[sys.executable, "-c", half]) as paddle,
    ):
        paddle.convert(network, network, network)


def test_a_full_cache_is_no_fault_of_the_network(tmp_path: Path) -> None:
    def download(_: str, target: str) -> None:
        Path(target).write_bytes(bytes(1000))

    with pytest.raises(StorageError) as refused, files_of_at_most(999):
        cached("address", "name", None, tmp_path / "cache", download)
    assert str(refused.value).startswith(f"{tmp_path / 'cache'} cannot be written: File too large; ")
    assert str(refused.value).endswith("name another folder for downloads with XDG_CACHE_HOME")
    assert names(tmp_path / "cache") == []


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/cache cannot be made: Not a directory; name another"):
        cached("address", "name", None, tmp_path / "file" / "cache", lambda *_: None)


def test_a_source_that_fails_is_a_source_that_fails(tmp_path: Path) -> None:
    def download(*_: str) -> None:
        raise SourceError("none of the disk")

    with pytest.raises(SourceError, match="none of the disk"):
        cached("address", "name", None, tmp_path, download)


def test_room_is_what_can_be_written(tmp_path: Path) -> None:
    require_room(tmp_path)
    with pytest.raises(OSError, match="File too large"), files_of_at_most(100):
        require_room(tmp_path, 101)


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_output_that_takes_no_more_is_not_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^the output cannot be written: No space left"), work_folder(tmp_path):
        Reporter(Console(file=Full())).note("x")
