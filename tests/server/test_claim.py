"""What servers own in shared memory is removed when they have ended, and not before."""

import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from ocr_serve.claim import Claim, claim, remove_stale

SERVER = """
import os, pathlib, sys
from ocr_serve.claim import claim
own = claim(pathlib.Path(sys.argv[1]))
own.link_models([pathlib.Path(sys.argv[1])])
(own.directory / f"{own.region_prefix}region").touch()
print(own.name, flush=True)
os.execvp("sleep", ["sleep", "600"])  # as ocr-serve becomes tritonserver
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
    own = claim(tmp_path)
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


def test_a_claim_that_is_just_being_made_is_made_again_when_another_server_removes_its_file(tmp_path, monkeypatch):
    real_flock, attempts = claim.__globals__["fcntl"].flock, []

    def flock(lock, flags):
        if not attempts:  # between opening and locking, as another server sees it
            for path in tmp_path.glob("*.lock"):
                path.unlink()
        attempts.append(lock)
        real_flock(lock, flags)

    monkeypatch.setattr("ocr_serve.claim.fcntl.flock", flock)
    own = claim(tmp_path)
    assert len(attempts) == 2
    assert list(tmp_path.iterdir()) == [own.lock_file]
