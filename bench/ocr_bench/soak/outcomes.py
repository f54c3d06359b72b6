"""What came of a request: judged by the answer that the same picture had when it was read alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ocr_client.errors import BadRequestError, OcrClientError, ServerTimeoutError
from ocr_contract.result import Result

# Lines are read in calls of one, two or four, whose sums are made in another order: last bits differ.
BOX_PX, SCORE = 0.05, 0.002


class Outcome(str, Enum):
    """How a request ended."""

    RIGHT = "right"
    RETRIED = "right after retries"
    REFUSED = "refused as it should be"
    WRONG = "wrong"  # another answer, an answer to what is to be refused, or an error that is not to be retried
    LOST = "lost"  # errors until the client gave up
    HUNG = "hung"  # no answer in time


GOOD = (Outcome.RIGHT, Outcome.RETRIED, Outcome.REFUSED)


@dataclass(frozen=True)
class Entry:
    """One request.

    Attributes:
        number: of the request, from 0 on.
        case: its name.
        is_hostile: whether it was to be refused.
        protocol: over which it was sent.
        started_s: since the run's begin.
        took_s: until its outcome was known, retries included.
        tries: how often it was sent.
        outcome: how it ended.
        said: what was wrong; empty where nothing was.
    """

    number: int
    case: str
    is_hostile: bool
    protocol: str
    started_s: float
    took_s: float
    tries: int
    outcome: Outcome
    said: str = ""


def difference(answer: Result, reference: Result) -> str:
    """In which field an answer is another one than the reference; empty where it is the same."""
    if type(answer) is not type(reference):
        return f"{type(answer).__name__} instead of {type(reference).__name__}"
    for name in reference.tensor_names():
        got, expected = getattr(answer, name), getattr(reference, name)
        if isinstance(expected, tuple):
            if got != expected:
                return f"{name}: {len(got)} instead of {len(expected)}, or others"
        elif got.shape != expected.shape:
            return f"{name}: shape {got.shape} instead of {expected.shape}"
        elif not np.allclose(got, expected, rtol=0, atol=SCORE if name.endswith("scores") else BOX_PX):
            return f"{name}: up to {np.abs(got - expected).max():.3g} away"
    return ""


def judge(found: Result | Exception, reference: Result | None, tries: int) -> tuple[Outcome, str]:
    """How a request ended, and what was wrong.

    Args:
        found: the answer, or the last error.
        reference: the answer that is right; None where the request is to be refused.
        tries: how often it was sent.
    """
    if isinstance(found, Exception):
        return _judge_error(found, is_to_be_refused=reference is None)
    if reference is None:
        return Outcome.WRONG, "it was answered"
    if said := difference(found, reference):
        return Outcome.WRONG, said
    return (Outcome.RETRIED if tries > 1 else Outcome.RIGHT), ""


def _judge_error(error: Exception, is_to_be_refused: bool) -> tuple[Outcome, str]:
    if isinstance(error, BadRequestError) and is_to_be_refused:
        return Outcome.REFUSED, ""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, ServerTimeoutError):
        return Outcome.HUNG, said
    is_retryable = isinstance(error, OcrClientError) and error.retryable
    return (Outcome.LOST if is_retryable else Outcome.WRONG), said


class Ledger:
    """Every request is opened once and closed once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._opened = 0
        self._entries: list[Entry] = []
        self._has_ended = False

    def open(self) -> int:
        """Take a request's number."""
        with self._lock:
            self._opened += 1
            self._open.add(self._opened - 1)
            return self._opened - 1

    def close(self, entry: Entry) -> None:
        """Note how a request ended; what comes after the ledger's end comes too late.

        Raises:
            ValueError: it has been closed before, or was never opened.
        """
        with self._lock:
            if self._has_ended:
                return
            if entry.number not in self._open:
                raise ValueError(f"request {entry.number} ended twice, or never began")
            self._open.remove(entry.number)
            self._entries.append(entry)

    def end(self, unheard: Callable[[int], Entry]) -> list[Entry]:
        """Close the requests that are open still, with what `unheard` makes of their numbers.

        Returns:
            The entries of all requests, by number.
        """
        with self._lock:
            self._has_ended = True
            self._entries += [unheard(number) for number in self._open]
            self._open.clear()
            return sorted(self._entries, key=lambda entry: entry.number)
