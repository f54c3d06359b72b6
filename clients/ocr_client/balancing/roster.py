"""How each of several servers does, and whose turn it is.

The next request goes to the server that has the fewest of this client's requests under way, and to each in turn among
those that have equally few. Pages differ twentyfold in the time they take, and servers in their speed. Dealt out one
after the other, regardless of that, requests would queue at one server while another is idle.

A server that cannot be reached is out: it gets no requests until it says that it is ready. It is asked ever more
rarely, beside a request, which does not wait for that. So a client that has nothing to send asks nothing, and there is
nothing that runs for ever. A server that is too busy, or that fails, rests for a while: it gets requests where no other
is left.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

_log = logging.getLogger("ocr_client")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 10.0


class Outcome(Enum):
    """What a request says of the server that was asked."""

    WORKS = auto()  # it answered; that it refused a bad request is an answer
    BUSY = auto()  # it has too much to do
    FAILED = auto()  # it took the request and failed on it
    GONE = auto()  # nobody answers, or not for this endpoint
    UNKNOWN = auto()  # the request was given up before that was known


@dataclass
class _Server:
    url: str
    under_way: int = 0
    troubles: int = 0  # one after the other, without an answer between them
    rests_until: float = 0.0
    out_since: float | None = None  # None while it is in
    reason: str = ""  # why it is out
    probe_at: float = 0.0
    is_probed: bool = False


@dataclass(frozen=True)
class Turn:
    """A request at a server.

    Attributes:
        number: of the server, from 0 on.
        url: its address.
        began: when, on the roster's clock.
    """

    number: int
    url: str
    began: float


class Roster:
    """The servers, for any number of threads.

    Args:
        urls: their addresses.
        clock: seconds that only grow.
    """

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._servers = [_Server(url) for url in urls]
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = random.randrange(len(urls))  # noqa: S311 -- so that not all clients begin with the first

    def take(self, tried: Collection[int]) -> Turn | None:
        """Choose a server for a request, which counts as under way there until `give_back`.

        Args:
            tried: numbers of the servers that are not to be chosen.

        Returns:
            None where no other is left. Those that are out count as such only if all servers are out: then asking is
            the quickest way to learn who is back.
        """
        with self._lock:
            now = self._clock()
            numbers = [number for number in range(len(self._servers)) if number not in tried]
            if any(server.out_since is None for server in self._servers):
                numbers = [number for number in numbers if self._servers[number].out_since is None]
            if not numbers:
                return None
            awake = [number for number in numbers if self._servers[number].rests_until <= now] or numbers
            chosen = min(awake, key=lambda n: (self._servers[n].under_way, (n - self._turn) % len(self._servers)))
            self._turn = chosen + 1
            self._servers[chosen].under_way += 1
            return Turn(chosen, self._servers[chosen].url, now)

    def give_back(self, turn: Turn, outcome: Outcome, *, reason: str = "", rest_s: float = 0.0) -> None:
        """Note how a request ended.

        Args:
            turn: it.
            outcome: what it says of the server.
            reason: of GONE, in a few words.
            rest_s: seconds that a busy server asks for at least.
        """
        with self._lock:
            server, now = self._servers[turn.number], self._clock()
            server.under_way -= 1
            if outcome is Outcome.WORKS:
                server.troubles, server.rests_until = 0, 0.0
                if server.out_since is not None and turn.began >= server.out_since:  # not one from before that
                    self._let_in(server)
            elif outcome in (Outcome.BUSY, Outcome.FAILED):
                if server.rests_until <= now:  # otherwise it is the same trouble
                    server.rests_until = now + _pause_s(server.troubles)
                    server.troubles += 1
                server.rests_until = max(server.rests_until, now + rest_s)
            elif outcome is Outcome.GONE and server.out_since is None:
                # A connection that the server has closed while nothing was sent looks the same: it is asked at once.
                server.probe_at = now + (_pause_s(server.troubles) if server.troubles else 0.0)
                server.troubles += 1
                server.out_since, server.reason = now, reason
                _log.warning("%s is left out (%s), until it is ready", server.url, reason)
            elif outcome is Outcome.GONE:
                server.reason = reason

    def due(self) -> list[int]:
        """Numbers of the servers to ask whether they are ready; each counts as being asked until `probed`."""
        with self._lock:
            now = self._clock()
            due = [
                number
                for number, server in enumerate(self._servers)
                if server.out_since is not None and not server.is_probed and server.probe_at <= now
            ]
            for number in due:
                self._servers[number].is_probed = True
            return due

    def probed(self, number: int, *, is_ready: bool) -> None:
        """Note what a server said when it was asked whether it is ready."""
        with self._lock:
            server = self._servers[number]
            server.is_probed = False
            if is_ready and server.out_since is not None:
                self._let_in(server)
            elif not is_ready:
                server.probe_at = self._clock() + _pause_s(server.troubles)
                server.troubles += 1

    def has_another(self, number: int) -> bool:
        """Tell whether a server other than this one is in."""
        with self._lock:
            return any(server.out_since is None for n, server in enumerate(self._servers) if n != number)

    def reasons(self, known: Mapping[str, str]) -> dict[str, str]:
        """Why servers do not take requests, by their addresses, in the order of these.

        Args:
            known: what a request has heard from some of them; of others it is said why they are out, if they are.
        """
        with self._lock:
            out = {server.url: server.reason for server in self._servers if server.out_since is not None}
        reasons = {**out, **known}
        return {server.url: reasons[server.url] for server in self._servers if server.url in reasons}

    def _let_in(self, server: _Server) -> None:
        """Give a server requests again. Its troubles are over when it has answered one, not when it says so."""
        server.out_since, server.rests_until = None, 0.0
        _log.warning("%s is back", server.url)


def _pause_s(troubles: int) -> float:
    """Seconds for which a server is left alone, after so many troubles before this one; never the same for all."""
    longest = min(_FIRST_PAUSE_S * 2 ** min(troubles, 16), _LONGEST_PAUSE_S)
    return random.uniform(longest / 2, longest)  # noqa: S311 -- nothing to guess
