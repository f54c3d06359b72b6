"""What servers own in shared memory is removed when they have ended, and not before."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from ocr_serve.claim import Claim, claim, remove_stale

SERVER = """
import os, pathlib, sys
from ocr_serve.claim import claim
own, lock = claim(pathlib.Path(sys.argv[1]))
os.set_inheritable(lock, True)
own.link_models([pathlib.Path(sys.argv[1])])
(own.directory / f"{own.region_prefix}region").touch()
print(own.name, flush=True)
os.execvp("sleep", ["sleep", "600"])  # tritonserver inherits it
"""
# A process table of its own, as in another container; without the right to make one it is an ordinary process.
NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
    NAMESPACE = []


@contextmanager
def server_elsewhere(directory):
    """A server that this process table does not show, and its claim."""
    command = [*NAMESPACE, sys.executable, "-c", SERVER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, Claim(process.stdout.readline().strip(), directory)
        finally:
            process.kill()


def test_a_live_servers_shared_memory_stays_though_its_process_cannot_be_seen(tmp_path):
    with server_elsewhere(tmp_path) as (_, other):
        remove_stale(tmp_path)
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {f"{other.name}.lock", f"{other.name}.models", f"{other.name}_region"}


def test_all_that_a_killed_server_owned_is_removed_and_nothing_else(tmp_path):
    with server_elsewhere(tmp_path) as (_, live), server_elsewhere(tmp_path) as (process, killed):
        foreign = [tmp_path / "another_program_region", tmp_path / f"{killed.name}x_region"]
        for path in foreign:
            path.touch()
        process.send_signal(signal.SIGKILL)
        process.stdout.read()  # to its end: all who held the other end are gone
        remove_stale(tmp_path)
        assert not [path for path in tmp_path.iterdir() if path not in foreign and not path.name.startswith(live.name)]
        assert all(path.exists() for path in foreign)
        assert len(list(tmp_path.glob(f"{live.name}*"))) == 3


def test_the_folder_of_models_is_private_and_its_links_lead_to_the_models(tmp_path):
    model = tmp_path / "det"
    model.mkdir()
    own, _ = claim(tmp_path)
    own.link_models([model])
    assert own.models.stat().st_mode & 0o777 == 0o700
    assert (own.models / "det").resolve() == model


@pytest.mark.parametrize("name", ["triton_paddleocr_*.lock", "triton_paddleocr_.lock", "triton_paddleocr_01.lock"])
def test_a_lock_file_of_an_odd_name_removes_nothing(tmp_path, name):
    with server_elsewhere(tmp_path) as (_, other):
        (tmp_path / name).touch()
        remove_stale(tmp_path)
        assert len(list(tmp_path.glob(f"{other.name}*"))) == 3


def test_a_lock_file_that_is_a_link_is_left_alone(tmp_path):
    other = Claim("triton_paddleocr_0123456789abcdef", tmp_path)
    target = tmp_path / "target"
    target.touch()
    other.lock_file.symlink_to(target)
    remove_stale(tmp_path)
    assert target.exists()
    assert other.lock_file.is_symlink()


@pytest.fixture
def disown(monkeypatch):
    """Give files to another user; who may not do that becomes another one, as far as the code asks."""

    def give_away(directory):
        if os.geteuid() == 0:
            for path in directory.iterdir():
                os.chown(path, 65534, 65534, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    return give_away


def test_what_another_user_left_is_left_alone_and_stops_no_server(tmp_path, disown, capsys):
    """A lock that anybody may open, and .models as a link, over which rmtree fails."""
    other = Claim("triton_paddleocr_0123456789abcdef", tmp_path)
    other.lock_file.touch(0o666)
    other.models.symlink_to(tmp_path)
    (tmp_path / f"{other.name}_region").touch()
    disown(tmp_path)
    remove_stale(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert capsys.readouterr().err == ""


def test_of_a_stale_claim_only_what_is_this_users_is_removed(tmp_path, disown):
    stale = Claim("triton_paddleocr_0123456789abcdef", tmp_path)
    stale.models.mkdir()
    foreign = {stale.models, tmp_path / f"{stale.name}_file", tmp_path / f"{stale.name}_folder"}
    (tmp_path / f"{stale.name}_file").touch()
    (tmp_path / f"{stale.name}_folder").mkdir()
    disown(tmp_path)
    if os.geteuid() != os.getuid():  # everything is foreign then, the lock too
        foreign.add(stale.lock_file)
    stale.lock_file.touch()
    remove_stale(tmp_path)
    assert set(tmp_path.iterdir()) == foreign


@pytest.mark.parametrize("kind", ["link", "file"])
def test_of_a_stale_claim_only_a_real_folder_of_models_is_removed(tmp_path, kind):
    stale, target = Claim("triton_paddleocr_0123456789abcdef", tmp_path), tmp_path / "target"
    target.mkdir()
    (target / "kept").touch()
    stale.lock_file.touch()
    stale.models.symlink_to(target) if kind == "link" else stale.models.touch()
    remove_stale(tmp_path)
    assert not stale.lock_file.exists()
    assert os.path.lexists(stale.models)
    assert (target / "kept").exists()


def test_links_in_a_stale_folder_of_models_are_not_followed(tmp_path):
    stale, model = Claim("triton_paddleocr_0123456789abcdef", tmp_path), tmp_path / "det"
    model.mkdir()
    (model / "config.pbtxt").touch()
    stale.lock_file.touch()
    stale.link_models([model])
    remove_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["det"]
    assert (model / "config.pbtxt").exists()


def test_a_stale_claim_that_cannot_be_removed_is_passed_over_in_one_line(tmp_path, monkeypatch, capsys):
    first, second = (Claim(f"triton_paddleocr_{digit * 16}", tmp_path) for digit in "01")
    for stale in (first, second):
        stale.lock_file.touch()
        stale.models.mkdir()
    real_rmtree = claim.__globals__["shutil"].rmtree

    def rmtree(path):
        if path == first.models:
            raise PermissionError(13, "Permission denied", str(path))
        real_rmtree(path)

    monkeypatch.setattr("ocr_serve.claim.shutil.rmtree", rmtree)
    remove_stale(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {first.lock_file.name, first.models.name}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ocr-serve: what {first.lock_file} belongs to is not removed: ")
    monkeypatch.undo()
    remove_stale(tmp_path)
    assert list(tmp_path.iterdir()) == [], "its lock is free"


def test_a_claim_that_is_just_being_made_is_made_again_when_another_server_removes_its_file(tmp_path, monkeypatch):
    real_flock, attempts = claim.__globals__["fcntl"].flock, []

    def flock(lock, flags):
        if not attempts:  # between opening and locking, as another server sees it
            for path in tmp_path.glob("*.lock"):
                path.unlink()
        attempts.append(lock)
        real_flock(lock, flags)

    monkeypatch.setattr("ocr_serve.claim.fcntl.flock", flock)
    own, _ = claim(tmp_path)
    assert len(attempts) == 2
    assert list(tmp_path.iterdir()) == [own.lock_file]
