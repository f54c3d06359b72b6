"""Which inputs were being read when a process ended: one that takes its process with it must not do so for ever.

Ray starts an actor that died anew, and gives it the part again. The inputs that were under way then are
read again last, each alone; one during which the process ends a second time is given up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ocr_documents.output import writing
from ocr_jobs.output import NOTES

_Note = Literal["begun", "alone", "ended"]


class Trail:
    """Notes about the inputs of one part, by their places in it.

    Lines are written at once, so that they survive the process; they need not survive the machine.

    Attributes:
        suspects: places of inputs during which the process ended before.
        guilty: those of them that were read alone then.

    Raises:
        CannotWrite: as do all methods.
    """

    def __init__(self, output: Path, part: str) -> None:
        self._path = output / NOTES / f"trail-{part}"
        notes: dict[int, str] = {}
        with writing(self._path):
            if self._path.exists():
                for line in self._path.read_text("ascii").splitlines():
                    note, _, place = line.partition(" ")
                    if place.isdecimal():
                        notes[int(place)] = note
            self._file = self._path.open("a", encoding="ascii")
        self.suspects = frozenset(place for place, note in notes.items() if note != "ended")
        self.guilty = frozenset(place for place, note in notes.items() if note == "alone")

    def begun(self, place: int) -> None:
        """Note that an input is being read."""
        self._note("alone" if place in self.suspects else "begun", place)

    def ended(self, place: int) -> None:
        """Note that it has been read, or has failed."""
        self._note("ended", place)

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def remove(self) -> None:
        """Forget the part, which is whole."""
        self._file.close()
        with writing(self._path):
            self._path.unlink(missing_ok=True)

    def _note(self, note: _Note, place: int) -> None:
        with writing(self._path):
            self._file.write(f"{note} {place}\n")
            self._file.flush()
