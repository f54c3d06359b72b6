"""A request that needs more memory than there is: it alone is refused, and may be sent again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import cv2

from ocr_contract.errors import OutOfMemory

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives
_SMALL = 2**20  # bytes of a region when a step begins


class Room:
    """Shared memory by which one step, a process of its own, hands tensors on.

    Its region grows to what is needed, and stays so large. Where it cannot grow, Triton's own error names the region.
    """

    def __init__(self, directory: Path = SHARED_MEMORY) -> None:
        """Begin with a small region.

        Args:
            directory: where shared memory lies.
        """
        self._directory = directory
        self._held = _SMALL

    def check(self, sizes: Iterable[int]) -> None:
        """There must be room for tensors of so many bytes.

        Raises:
            OutOfMemory: there is none in the region, and not enough is free for it to grow.
        """
        needed = sum(sizes)
        if needed > self._held:
            found = os.statvfs(self._directory)
            if needed - self._held > found.f_bavail * found.f_frsize:
                size = f"{needed / 2**20:.0f} MiB"
                raise OutOfMemory(f"the server's shared memory has no room for {size} of this request: send it later")
            self._held = needed


def as_out_of_memory(error: Exception) -> OutOfMemory | None:
    """What NumPy, Pillow and OpenCV raise when an allocation fails, as our own error; None for any other error."""
    if isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem):
        return OutOfMemory("the server has no memory left for this request; send it later, or a smaller picture")
    return None
