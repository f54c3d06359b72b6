"""What is known of the request that the running task answers: its name in logs, and its protocol in figures."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, replace

HEADER = "X-Request-ID"
_SAFE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")  # nothing that a log, a header or a shell takes for more than a name


@dataclass(frozen=True)
class CurrentRequest:
    """A request on its way.

    Attributes:
        id: names it in this log, in the answer, and as KServe's `id` in everything behind.
        protocol: name of its `Way`.
        is_named: whether its client has chosen the id.
    """

    id: str
    protocol: str
    is_named: bool


_current: ContextVar[CurrentRequest | None] = ContextVar("current_request", default=None)


def is_safe(request_id: str) -> bool:
    """Tell whether an id may be taken from a client: letters, digits and `._:/+=@-`, at most 128 of them."""
    return _SAFE.fullmatch(request_id) is not None


def begin(given: str | None, protocol: str) -> CurrentRequest:
    """Note which request the running task, and those that it starts, answer; an id that is not safe is replaced."""
    is_named = given is not None and is_safe(given)
    request = CurrentRequest(given if given is not None and is_named else uuid.uuid4().hex, protocol, is_named)
    _current.set(request)
    return request


def name(given: str | None) -> None:
    """Take the id that the body of the running request gives; the one in its head counts more."""
    request = _current.get()
    if request is not None and not request.is_named and given is not None and is_safe(given):
        _current.set(replace(request, id=given, is_named=True))


def current() -> CurrentRequest | None:
    """The request that the running task answers; None where it answers none."""
    return _current.get()


def current_id() -> str:
    """Its id; "none" where there is none."""
    request = _current.get()
    return "none" if request is None else request.id
