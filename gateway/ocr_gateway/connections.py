"""Connections that hold nobody up: heads that do not come, answers that are not taken, and too many of them.

uvicorn bounds only how long a connection may be idle between two requests. admission.py bounds the time of bodies.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import struct
import termios
from collections import Counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ocr_gateway.metrics import Dropped, Metrics
from ocr_gateway.refusals import RETRY_AFTER_S
from ocr_gateway.settings import Settings

HEAD_S = 15.0  # from the first byte of a connection or of a request to the end of its head
MAX_HEAD_BYTES = 64 << 10
SLOWEST_ANSWER = 1024  # bytes a second at which an answer must be taken
TICK_S = 60.0  # so often it is looked whether it is
_RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: what was not taken is thrown away

_log = logging.getLogger(__name__)


def bounded_protocol(settings: Settings, metrics: Metrics) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol with bounds, for one server; its connections are counted together."""
    of_address: Counter[str] = Counter()

    class Bounded(_Bounded):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.settings, self.metrics, self.of_address = settings, metrics, of_address

    return Bounded


class _Bounded(HttpToolsProtocol):
    """One connection."""

    settings: Settings
    metrics: Metrics
    of_address: Counter[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = ""
        self._head_timer: asyncio.TimerHandle | None = None
        self._has_begun = False  # a head that is not whole yet
        self._head_bytes = 0
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=1)  # so that whatever waits to be taken is known of; 0 would stop TLS
        self._address = self.client[0] if self.client else ""
        self.of_address[self._address] += 1
        self.metrics.connections(len(self.connections))
        self._head_timer = self.loop.call_later(HEAD_S, self._head_is_late)
        of_one = self.settings.max_connections_per_address
        if len(self.connections) > self.settings.max_connections:
            self._refuse("limit", 503, "Service Unavailable", "too many connections; try again")
        elif of_one is not None and self.of_address[self._address] > of_one:
            self._refuse("address", 503, "Service Unavailable", "too many connections from this address; try again")

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        for timer in (self._head_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self.of_address[self._address] -= 1
        if not self.of_address[self._address]:
            del self.of_address[self._address]
        super().connection_lost(exc)
        self.metrics.connections(len(self.connections))

    def data_received(self, data: bytes) -> None:
        """Take what comes. Where no request is under way it must soon make one: uvicorn's own clock has stopped."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        is_under_way = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing() or is_under_way:
            return
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._head_is_late)
        if self._has_begun:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("head", 431, "Request Header Fields Too Large", "the head of the request is too long")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._has_begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._has_begun, self._head_bytes = False, 0
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """See from now on whether the answer is taken."""
        super().pause_writing()
        if self._write_timer is None:
            self._watch(self._waiting())

    def resume_writing(self) -> None:
        """It was taken."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._has_begun:
            self._refuse("head", 408, "Request Timeout", f"the head of the request was not there within {HEAD_S:g} s")
            return
        self.metrics.dropped("head")  # not even begun: a browser opens some before it needs them
        self.transport.close()

    def _watch(self, waiting: int) -> None:
        self._write_timer = self.loop.call_later(TICK_S, self._look, waiting)

    def _look(self, waiting: int) -> None:
        """Cut the connection if less was taken than should have been."""
        left = self._waiting()
        if left <= waiting - SLOWEST_ANSWER * TICK_S:
            self._watch(left)
            return
        self._write_timer = None
        self._dropped("write", "its answer was not taken")
        with socket.socket(fileno=os.dup(self._descriptor())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _waiting(self) -> int:
        """Bytes that the client has not taken, those included that the kernel holds for it (tcp(7), SIOCOUTQ)."""
        descriptor = self._descriptor()
        in_kernel = bytes(4) if descriptor < 0 else fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
        return self.transport.get_write_buffer_size() + int(struct.unpack("i", in_kernel)[0])

    def _descriptor(self) -> int:
        number: int = self.transport.get_extra_info("socket").fileno()
        return number

    def _refuse(self, reason: Dropped, status: int, phrase: str, sentence: str) -> None:
        self._dropped(reason, sentence)
        retry = f"Retry-After: {RETRY_AFTER_S}\r\n" if status == 503 else ""
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n{retry}"
        self.transport.write(f"{head}Content-Length: {len(sentence)}\r\nConnection: close\r\n\r\n{sentence}".encode())
        self.transport.close()

    def _dropped(self, reason: Dropped, sentence: str) -> None:
        self.metrics.dropped(reason)
        _log.debug("a connection from %s is closed: %s", self._address, sentence)  # whoever wants to makes many
