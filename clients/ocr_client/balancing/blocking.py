"""Requests over several servers, for blocking callers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, as_completed, wait
from typing import Any, Protocol

from ocr_client.balancing.roster import Roster
from ocr_client.balancing.trial import Trial
from ocr_client.balancing.watching import NOT_READY, PROBE_LIMIT_S, SILENT, Watch
from ocr_client.errors import OcrClientError
from ocr_client.request import InferRequest
from ocr_client.transports.failures import Failures
from ocr_contract.result import Tensors

_log = logging.getLogger("ocr_client")


class Beginning(Protocol):
    """A transport that need not be waited for."""

    def begin(self, request: InferRequest, limit_s: float) -> Future[Tensors]:
        """Send a request; the future's cancel() gives it up."""
        ...

    def begin_ready(self, model: str, limit_s: float) -> Future[bool]:
        """Ask whether the server and the model are ready."""
        ...

    def close(self) -> None:
        """Close the connections; what is under way ends with an error."""
        ...


class Balanced:
    """Several transports as one; any number of threads at once.

    Args:
        transports: one for each server.
        failures: the errors of each.
    """

    def __init__(self, transports: Sequence[Beginning], failures: Sequence[Failures]) -> None:
        self._transports = tuple(transports)
        self._failures = tuple(failures)
        self._roster = Roster([each.url for each in failures])
        self._probes: set[Future[bool]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request to the servers, one after the other until one takes it, and return the output tensors."""
        until = time.monotonic() + limit_s
        watch = Watch.within(limit_s)
        trial = Trial(self._roster, request.id)
        while (turn := trial.next()) is not None:
            with trial.at(turn):
                self._probe(request.model)
                return self._ask(turn.number, request, until, watch)
        raise trial.error()

    def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether a server says that it and the model are ready."""
        asked = [each.begin_ready(model, limit_s) for each in self._transports]
        refusals = []
        try:
            for answer in as_completed(asked):
                try:
                    if answer.result():
                        return True
                except NOT_READY:
                    continue
                except OcrClientError as error:
                    refusals.append(error)
        finally:
            for each in asked:
                each.cancel()
        if refusals:
            raise refusals[0]
        return False

    def close(self) -> None:
        """Close the connections; nothing is left running."""
        with self._lock:
            self._closed = True
            probes = list(self._probes)
        for probe in probes:
            probe.cancel()
        for each in self._transports:
            each.close()
        wait(probes)

    def _ask(self, number: int, request: InferRequest, until: float, watch: Watch) -> Tensors:
        """Send a request to one server, and leave that one if it hangs while another could do it."""
        transport = self._transports[number]
        answer = transport.begin(request, until - time.monotonic())
        try:
            while not wait([answer], watch.after_s).done:
                if not self._roster.has_another(number):
                    continue
                look = transport.begin_ready(request.model, watch.limit_s)
                both: list[Future[Any]] = [answer, look]
                wait(both, return_when=FIRST_COMPLETED)
                if not answer.done() and isinstance(look.exception(), SILENT):
                    raise self._failures[number].hangs()
                look.cancel()
            return answer.result()
        finally:
            answer.cancel()

    def _probe(self, model: str) -> None:
        """Ask those that are out and due, whether they are ready; nobody waits for what they say."""
        for number in self._roster.due():
            with self._lock:
                if self._closed:
                    return
                probe = self._transports[number].begin_ready(model, PROBE_LIMIT_S)
                self._probes.add(probe)
            probe.add_done_callback(lambda done, number=number: self._probed(number, done))  # type: ignore[misc]

    def _probed(self, number: int, probe: Future[bool]) -> None:
        with self._lock:
            self._probes.discard(probe)
        is_ready = False
        try:
            is_ready = probe.result()
        except CancelledError:  # the client is being closed
            return
        except OcrClientError as error:
            _log.debug("%s is still left out: %s", self._failures[number].url, error)
        finally:
            self._roster.probed(number, is_ready=is_ready)
