"""What belongs to one server in shared memory, and when it may be removed. Standard library only.

    /dev/shm/triton_paddleocr_<id>.lock      locked by the server, and by its steps, as long as they live
    /dev/shm/triton_paddleocr_<id>.models/   links to the models that it serves
    /dev/shm/triton_paddleocr_<id>_...       regions through which its steps hand pictures to each other

A process id would not tell whose a region is: servers may share the memory and not the process table, as containers on
`--ipc=host` do. Whoever shares the memory shares the lock.
"""

import fcntl
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives
PREFIX = "triton_paddleocr_"
LOCK = re.compile(rf"({PREFIX}[0-9a-f]{{16}})\.lock")


@dataclass(frozen=True)
class Claim:
    """One server's place in shared memory.

    Attributes:
        name: what the names of all that it owns begin with.
        directory: where they lie.
    """

    name: str
    directory: Path = SHARED_MEMORY

    @property
    def region_prefix(self) -> str:
        """What the names of regions begin with."""
        return f"{self.name}_"

    @property
    def lock_file(self) -> Path:
        """Whoever holds its lock lives."""
        return self.directory / f"{self.name}.lock"

    @property
    def models(self) -> Path:
        """The folder that Triton takes for its model repository."""
        return self.directory / f"{self.name}.models"

    def link_models(self, folders: Iterable[Path]) -> None:
        """Make the folder of models, which nobody else can write to or list."""
        self.models.mkdir(mode=0o700)
        for folder in folders:
            (self.models / folder.name).symlink_to(folder)

    def remove_if_stale(self) -> bool:
        """Remove everything of this user's, if nobody holds the lock; returns whether it was so.

        Raises:
            OSError: something cannot be removed.
        """
        lock = _take(self.lock_file, os.O_RDWR)
        if lock is None:
            return False
        try:
            for region in self.directory.glob(f"{self.region_prefix}*"):
                if _is_own(region, stat.S_ISREG):
                    region.unlink(missing_ok=True)
            if _is_own(self.models, stat.S_ISDIR):
                shutil.rmtree(self.models)  # unlinks the links in it
            self.lock_file.unlink()
        finally:
            os.close(lock)
        return True


def claim(directory: Path = SHARED_MEMORY) -> tuple[Claim, int]:
    """A place of one's own, and the descriptor of its lock.

    The lock is held until this process and all that inherit the descriptor have closed it, or have ended.

    Raises:
        OSError: the directory cannot be written.
    """
    while True:
        fresh = Claim(f"{PREFIX}{secrets.token_hex(8)}", directory)
        lock = _take(fresh.lock_file, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        if lock is not None:  # None: another server, starting just now, took the new file for a stale one
            return fresh, lock


def remove_stale(directory: Path = SHARED_MEMORY) -> None:
    """Remove what servers left behind that were killed, and their heirs with them."""
    for path in directory.glob(f"{PREFIX}*.lock"):
        # Anybody may write to shared memory: a name such as triton_paddleocr_*.lock would name the regions of all.
        if found := LOCK.fullmatch(path.name):
            try:
                Claim(found[1], directory).remove_if_stale()
            except OSError as error:  # it concerns none but its own server
                sys.stderr.write(f"ocr-serve: what {path} belongs to is not removed: {error}\n")


def _is_own(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether it is there, of that kind, no link, and this user's: anybody may write to shared memory."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return found.st_uid == os.geteuid() and is_kind(found.st_mode)


def _take(path: Path, flags: int) -> int | None:
    """The descriptor of a lock file that is now locked; None: it is gone, locked, no plain file, or another user's."""
    try:
        lock = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    except (FileNotFoundError, FileExistsError):
        return None
    except OSError:
        if flags & os.O_CREAT:
            raise
        return None
    opened = os.fstat(lock)
    if opened.st_uid != os.geteuid() or not stat.S_ISREG(opened.st_mode):
        os.close(lock)
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if os.fstat(lock).st_nlink == 0:  # removed between opening and locking
        os.close(lock)
        return None
    return lock
