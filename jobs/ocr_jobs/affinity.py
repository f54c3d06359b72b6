"""Cores for an actor that computes: several on one machine must not all use all of them."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

_held: list[socket.socket] = []  # places are held for as long as the process lives


def keep_to(cores: int, run: str) -> None:
    """Keep this process to so many cores, which no other actor of the run has; to any of them where none are left.

    Models that are loaded afterwards compute on as many threads as there are such cores. A place is a name of Linux's
    abstract sockets: nothing of it is left when the process ends.

    Args:
        cores: how many.
        run: name of the run.
    """
    available = sorted(os.sched_getaffinity(0))
    for first in range(0, len(available) - cores + 1, cores):
        place = socket.socket(socket.AF_UNIX)
        with suppress(OSError):  # another actor has it
            place.bind(f"\0ocr-jobs-{run}-cores-{first}")
            _held.append(place)
            os.sched_setaffinity(0, available[first : first + cores])
            return
        place.close()
