"""Requests over several servers, for asyncio."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from ocr_client.balancing.roster import Roster
from ocr_client.balancing.trial import Trial
from ocr_client.balancing.watching import NOT_READY, PROBE_LIMIT_S, SILENT, Watch
from ocr_client.errors import OcrClientError
from ocr_client.request import InferRequest
from ocr_client.transports.failures import Failures
from ocr_contract.result import Tensors

_log = logging.getLogger("ocr_client")


class AsyncTransport(Protocol):
    """A transport for asyncio."""

    async def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request and return the output tensors by name."""
        ...

    async def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether the server and the model say that they are ready."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class AsyncBalanced:
    """Several transports as one; any number of tasks at once.

    Args:
        transports: one for each server.
        failures: the errors of each.
    """

    def __init__(self, transports: Sequence[AsyncTransport], failures: Sequence[Failures]) -> None:
        self._transports = tuple(transports)
        self._failures = tuple(failures)
        self._roster = Roster([each.url for each in failures])
        self._probes: set[asyncio.Task[None]] = set()

    async def infer(self, request: InferRequest, limit_s: float) -> Tensors:
        """Send a request to the servers, one after the other until one takes it, and return the output tensors."""
        until = time.monotonic() + limit_s
        watch = Watch.within(limit_s)
        trial = Trial(self._roster, request.id)
        while (turn := trial.next()) is not None:
            with trial.at(turn):
                self._probe(request.model)
                return await self._ask(turn.number, request, until, watch)
        raise trial.error()

    async def ready(self, model: str, limit_s: float) -> bool:
        """Tell whether a server says that it and the model are ready."""
        asked = [asyncio.ensure_future(each.ready(model, limit_s)) for each in self._transports]
        refusals = []
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    if await answer:
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

    async def close(self) -> None:
        """Close the connections; nothing is left running."""
        probes = list(self._probes)
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        for each in self._transports:
            await each.close()

    async def _ask(self, number: int, request: InferRequest, until: float, watch: Watch) -> Tensors:
        """Send a request to one server, and leave that one if it hangs while another could do it."""
        transport = self._transports[number]
        answer = asyncio.ensure_future(transport.infer(request, until - time.monotonic()))
        look: asyncio.Future[bool] | None = None
        try:
            while not (await asyncio.wait([answer], timeout=watch.after_s))[0]:
                if not self._roster.has_another(number):
                    continue
                look = asyncio.ensure_future(transport.ready(request.model, watch.limit_s))
                await asyncio.wait([answer, look], return_when=asyncio.FIRST_COMPLETED)
                if look.cancel():  # the answer has come first
                    continue
                if isinstance(look.exception(), SILENT) and not answer.done():
                    raise self._failures[number].hangs()
            return answer.result()
        finally:
            answer.cancel()
            if look is not None:  # when the caller gives up meanwhile, nothing asks on
                look.cancel()

    def _probe(self, model: str) -> None:
        """Ask those that are out and due, whether they are ready; nobody waits for what they say."""
        for number in self._roster.due():
            probe = asyncio.ensure_future(self._probed(number, model))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    async def _probed(self, number: int, model: str) -> None:
        is_ready = False
        try:
            is_ready = await self._transports[number].ready(model, PROBE_LIMIT_S)
        except OcrClientError as error:
            _log.debug("%s is still left out: %s", self._failures[number].url, error)
        finally:
            self._roster.probed(number, is_ready=is_ready)
