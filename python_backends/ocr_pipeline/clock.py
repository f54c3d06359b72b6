"""How long the stages of a page take: told to whoever asks."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

# The stages whose time is told, in their order; those of networks are timed by who runs them.
STAGES = ("decode", "det_resize", "det", "db_postprocess", "crop", "cls", "rec", "rec_second", "ctc_decode", "words")


class Clock(Protocol):
    """Tells how long stages take."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Time the body as a stage of that name."""
        ...


class _NoClock:
    def stage(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


NO_CLOCK: Clock = _NoClock()  # for whoever does not ask how long stages take
