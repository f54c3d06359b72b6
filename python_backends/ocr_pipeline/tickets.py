"""How many requests a server is at: counted by its steps, each of which is a process of its own.

A request is admitted by the step that it enters by. Its ticket goes with it from step to step, until the last one, or
one that fails, gives it back. A few of those admitted are at work; the others wait, as they came, for one of these to
end. All steps map one file, in the folder of the models that are served. It is there only where somebody has asked for
it by `ask`; elsewhere every request is admitted, and its ticket has the number 0.

Triton may drop a request between two steps, because its client has gone. The ticket of such a one comes back when

- a ticket that began to wait for the same step at least a second later has been taken: steps take requests in order, or
- all tickets, or all places at work, are taken, and the step that it waits for has been idle for a second: no ticket is
  in it. `wait_turn` takes in milliseconds what waits for it while it is idle, so there a tenth of a second is enough.

Should a ticket be taken for lost too early, then a request more than agreed is under way, and nothing else happens.
"""

from __future__ import annotations

import fcntl
import mmap
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ocr_contract.errors import LIMIT_SETTING, NotServing, Overloaded

MOST = 4096  # requests that may be under way; what an operator allows is at most this
_ENTRY = "admit"
_STEPS = (_ENTRY, "wait_turn", "rec_preprocess", "det_batcher", "rec_batcher", "ctc_decode")
_FILE = "tickets"
_PATIENCE_NS = 1_000_000_000
_PATIENCE_FOR_A_TURN_NS = 100_000_000
_WAITING = "wait_turn"
# number: 0 where nobody has the place. step: an index into _STEPS, of the one that the request waits for or is in.
# at_work: whether it has been its turn.
_PLACE = np.dtype([("number", "i8"), ("step", "i8"), ("waits", "i8"), ("since_ns", "i8"), ("at_work", "i8")])
_PLACES_BYTES = MOST * _PLACE.itemsize
_LAST_START_AT = _PLACES_BYTES + len(_STEPS) * 8  # between: for each step when it last began or ended with a request
_BYTES = _LAST_START_AT + 8  # ns of time.monotonic after which no request starts; 0 for never


def ask(models: Path) -> None:
    """Have the steps that will serve a folder of models count requests."""
    with (models / _FILE).open("xb") as file:
        file.truncate(_BYTES)


def close(models: Path, last_start_ns: int) -> None:
    """Let no request start after a time, in ns of time.monotonic, because the server is being stopped."""
    with (models / _FILE).open("r+b") as file:
        file.seek(_LAST_START_AT)
        file.write(last_start_ns.to_bytes(8, sys.byteorder))


class Tickets:
    """The tickets of a server, as one of its processes sees them. Each call holds a lock for microseconds."""

    def __init__(self, models: Path) -> None:
        """Look whether requests are counted.

        Args:
            models: the folder of the models that are served.
        """
        path = models / _FILE
        self._file = path.open("r+b") if path.exists() else None
        if self._file is not None:
            shared = mmap.mmap(self._file.fileno(), _BYTES)
            self._places = np.frombuffer(shared, _PLACE, MOST)
            self._active_ns = np.frombuffer(shared, np.int64, len(_STEPS), offset=_PLACES_BYTES)
            self._last_start_ns = np.frombuffer(shared, np.int64, 1, offset=_LAST_START_AT)

    def admit(self, limit: int) -> int:
        """Admit a request; returns the number of its ticket, which nobody can guess, or 0 where nothing is counted.

        Args:
            limit: requests that may be under way, at most MOST.

        Raises:
            Overloaded: so many are.
        """
        with self._locked() as is_counted:
            if not is_counted:
                return 0
            if self._count() >= limit:
                self._drop_those_of_idle_steps()
            if self._count() >= limit:
                raise Overloaded(
                    f"{limit} requests are under way, and this server takes no more at a time; send it again in a "
                    f"moment, or raise {LIMIT_SETTING} in the config.pbtxt of admit"
                )
            number = secrets.randbits(62) + 1
            free = np.argmin(self._places["number"])
            self._places[free] = number, _STEPS.index(_ENTRY), False, time.monotonic_ns(), False
            return number

    def start(self, number: int, limit: int) -> bool:
        """Put a request to work, unless as many are at work already; whether that was done.

        Args:
            number: of its ticket; 0, and one that was taken for lost, may always start.
            limit: requests that may be at work.

        Raises:
            NotServing: it is too late, since the server is being stopped.
        """
        with self._locked() as is_counted:
            if not is_counted:
                return True
            if 0 < self._last_start_ns[0] <= time.monotonic_ns():
                raise NotServing("the server is being stopped or started anew; send the request again")
            if (at := self._find(number)) is None:
                return True
            if self._count("at_work") >= limit:
                self._drop_those_of_idle_steps()
            self._places[at]["at_work"] = self._count("at_work") < limit
            return bool(self._places[at]["at_work"])

    def hand_on(self, number: int, step: str) -> None:
        """A request waits for `step` from now on."""
        with self._locked() as is_counted:
            if is_counted and (at := self._find(number)) is not None:
                self._note_activity(at)
                is_at_work = self._places[at]["at_work"]
                self._places[at] = number, _STEPS.index(step), True, time.monotonic_ns(), is_at_work

    def take(self, number: int) -> None:
        """The step that a request waits for begins with it."""
        with self._locked() as is_counted:
            if is_counted and (at := self._find(number)) is not None:
                _, step, waits, since_ns, _ = self._places[at].tolist()
                if waits:
                    self._drop(step, since_ns - _PATIENCE_NS)
                self._places[at]["waits"] = False
                self._note_activity(at)

    def give_back(self, number: int) -> None:
        """A request has been answered, or has failed."""
        with self._locked() as is_counted:
            if is_counted and (at := self._find(number)) is not None:
                self._note_activity(at)
                self._places[at] = np.zeros((), _PLACE)

    def under_way(self) -> int:
        """How many requests there are; 0 where nothing is counted."""
        with self._locked() as is_counted:
            return self._count() if is_counted else 0

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        if self._file is None:
            yield False
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)  # which ends with a process that is killed
        try:
            yield True
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _count(self, which: str = "number") -> int:
        return int(np.count_nonzero(self._places[which]))

    def _find(self, number: int) -> int | None:
        """Where a ticket is; None for 0, and for one that was taken for lost."""
        found = np.flatnonzero(self._places["number"] == number)
        return int(found[0]) if number and len(found) else None

    def _note_activity(self, at: int) -> None:
        self._active_ns[self._places[at]["step"]] = time.monotonic_ns()

    def _drop(self, step: int, before_ns: int) -> None:
        """Take for lost what has waited for a step since before a time."""
        places = self._places
        lost = (places["waits"] != 0) & (places["step"] == step) & (places["since_ns"] <= before_ns)
        places[lost] = np.zeros((), _PLACE)

    def _drop_those_of_idle_steps(self) -> None:
        places, now_ns = self._places, time.monotonic_ns()
        used = places[places["number"] != 0]
        waited_for = set(used["step"][used["waits"] != 0].tolist())
        begun = set(used["step"][used["waits"] == 0].tolist())
        for step in waited_for - begun:
            long_ago_ns = now_ns - (_PATIENCE_FOR_A_TURN_NS if _STEPS[step] == _WAITING else _PATIENCE_NS)
            if self._active_ns[step] <= long_ago_ns:
                self._drop(step, long_ago_ns)
