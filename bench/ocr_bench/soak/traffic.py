"""Who asks: so many threads, each with one request at a time, for as long as the run lasts."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ocr_bench.errors import BenchError
from ocr_bench.soak.cases import Case
from ocr_bench.soak.outcomes import Entry, Ledger, Outcome, judge
from ocr_client import OcrClient
from ocr_client.errors import OcrClientError
from ocr_client.retry import Patience
from ocr_contract.result import Result

RETRIES = 100  # a server that is started anew takes a while; the time limit ends them
LATE_S = 30.0  # beyond its own time limits, after which a client that has not come back hangs
HOSTILE_SHARE = 0.125


@dataclass(frozen=True)
class Mix:
    """What is asked for.

    Attributes:
        cases: those that are to be read.
        references: their answers.
        hostile: those that are to be refused; every eighth request is one of them, if there are any.
    """

    cases: Sequence[Case]
    references: Mapping[Case, Result]
    hostile: Sequence[Case] = ()

    def case(self, seed: int, number: int) -> Case:
        """What a request asks for: by chance, but the same one for the same seed and number."""
        chance = random.Random(f"{seed} {number}")  # noqa: S311 -- nothing to guess
        is_hostile = bool(self.hostile) and chance.random() < HOSTILE_SHARE
        return chance.choice(self.hostile if is_hostile else self.cases)


def read_references(client: OcrClient, cases: Sequence[Case]) -> dict[Case, Result]:
    """The answers to cases, each read with nothing beside it.

    Raises:
        BenchError: one has no answer.
    """
    answers = {}
    for case in cases:
        try:
            answers[case] = case.ask(client)
        except OcrClientError as error:
            raise BenchError(f"{case.name}: cannot be read, so there is nothing to compare with: {error}") from error
    return answers


class Traffic:
    """Requests under way, and what came of them."""

    def __init__(self, clients: Mapping[str, OcrClient], mix: Mix, seed: int, limit_s: float) -> None:
        """Begin; nothing is asked yet.

        Args:
            clients: by protocol, to be made with `retries=0`; they take turns.
            mix: what is asked for.
            seed: of the order in which.
            limit_s: in which a request must have its answer, retries included.
        """
        self._clients, self._mix, self._seed = list(clients.items()), mix, seed
        self._patience = Patience(limit_s, RETRIES)
        self._ledger = Ledger()
        self._started = time.monotonic()
        self._until = self._started

    def run(self, in_flight: int, duration_s: float) -> list[Entry]:
        """Ask for so long, with so many requests in flight, and wait for the last answers.

        Returns:
            One entry a request; those from which nothing was heard are HUNG.
        """
        self._started = time.monotonic()
        self._until = self._started + duration_s
        # Not those of a pool: a process cannot end while one of these hangs.
        threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(in_flight)]
        for thread in threads:
            thread.start()
        give_up = self._until + 2 * self._patience.timeout_s + LATE_S  # the last try has a whole limit again
        for thread in threads:
            thread.join(max(0.0, give_up - time.monotonic()))
        return self._ledger.end(lambda number: self._unheard(number, give_up))

    def _unheard(self, number: int, now: float) -> Entry:
        case, protocol = self._mix.case(self._seed, number), self._protocol(number)[0]
        said = "its client has not come back"
        return Entry(number, case.name, case.is_hostile, protocol, 0.0, now - self._started, 1, Outcome.HUNG, said)

    def _protocol(self, number: int) -> tuple[str, OcrClient]:
        """Over what a request is sent, and by which client."""
        return self._clients[number % len(self._clients)]

    def _ask_on(self) -> None:
        while time.monotonic() < self._until:
            self._ask(self._ledger.open())

    def _ask(self, number: int) -> None:
        case = self._mix.case(self._seed, number)
        protocol, client = self._protocol(number)
        tries = 0

        def send(_: float) -> Result:
            nonlocal tries
            tries += 1
            return case.ask(client)

        begun = time.monotonic()
        found: Result | Exception
        try:
            found = self._patience.call(send, f"soak-{number}")
        except Exception as error:  # whatever a client raises is what came of this request
            found = error
        outcome, said = judge(found, self._mix.references.get(case), tries)
        took_s = time.monotonic() - begun
        if took_s > self._patience.timeout_s:
            outcome, said = Outcome.HUNG, said or f"its answer came after {took_s:.0f} s"
        self._ledger.close(
            Entry(number, case.name, case.is_hostile, protocol, begun - self._started, took_s, tries, outcome, said)
        )
