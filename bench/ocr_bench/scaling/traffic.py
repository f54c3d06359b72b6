"""Who asks for what, and when: the same for a real server and for a simulated one, by the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

import numpy as np

Asked = TypeVar("Asked")


@dataclass(frozen=True)
class Answer:
    """When a request was sent, and when its answer was there; seconds of one clock."""

    sent_s: float
    received_s: float


@dataclass(frozen=True)
class Summary:
    """Answers a second, and latency in seconds."""

    pages_per_s: float
    p50_s: float
    p95_s: float


def order(kinds: Sequence[Sequence[Asked]], requests: int, seed: int) -> list[Asked]:
    """What is asked for, one after the other: every kind, and each of its pages, equally often on the average."""
    chance = random.Random(f"order {seed}")  # noqa: S311 -- nothing to guess
    return [chance.choice(chance.choice(kinds)) for _ in range(requests)]


def times(rate: float, requests: int, seed: int) -> list[float]:
    """Seconds after the start at which requests are sent, `rate` a second at random (a Poisson process)."""
    chance = random.Random(f"times {seed}")  # noqa: S311 -- nothing to guess
    return list(accumulate(chance.expovariate(rate) for _ in range(requests)))


def summary(answers: Sequence[Answer], in_flight: int = 0) -> Summary:
    """Sum up a run.

    Args:
        answers: in any order, of one request or more.
        in_flight: where so many requests are in flight always, the time in which there are not yet, or no longer, so
            many is left out. 0 where requests come by themselves: then all count.
    """
    came = sorted(answers, key=lambda answer: answer.received_s)
    began_s = min(answer.sent_s for answer in answers)
    if in_flight:
        last_sent_s = max(answer.sent_s for answer in answers)
        began_s = came[in_flight - 1].received_s
        came = [answer for answer in came[in_flight:] if answer.received_s <= last_sent_s]
    p50_s, p95_s = np.percentile([answer.received_s - answer.sent_s for answer in came], [50, 95]).tolist()
    return Summary(len(came) / (came[-1].received_s - began_s), p50_s, p95_s)
