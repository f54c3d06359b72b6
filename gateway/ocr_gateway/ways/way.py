"""What a protocol is to the gateway."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from ocr_gateway.refusals import NotAuthorized, NotUnderstood, Refusal

BODY, TIME_LIMIT = "body", "time_limit"  # keys of a request's state: its body, and its TimeLimit
_Model = TypeVar("_Model", bound=BaseModel)


class Way(ABC):
    """A protocol: its addresses, and how it says that a request gets no result.

    Attributes:
        name: in metrics.
        paths: what its addresses begin with; "" is every address that no other protocol has.
    """

    name: ClassVar[str]
    paths: ClassVar[tuple[str, ...]]

    @abstractmethod
    def router(self) -> APIRouter:
        """Return its addresses."""

    @abstractmethod
    def error(self, refusal: Refusal, body: bytes) -> Response:
        """Return the answer to a request that gets no result; `refused` adds what is the same for all protocols.

        Args:
            refusal: why.
            body: of the request, as far as it was read.
        """


def way_of(ways: Sequence[Way], path: str) -> Way:
    """Return the protocol of an address."""
    fitting = [(len(prefix), way) for way in ways for prefix in way.paths if _is_under(path, prefix)]
    return max(fitting, key=lambda one: one[0])[1]


def _is_under(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(prefix.rstrip("/") + "/")


def refused(way: Way, refusal: Refusal, body: bytes) -> Response:
    """Return the whole answer to a request that gets no result."""
    response = way.error(refusal, body)
    if refusal.retry_after_s is not None:
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    if isinstance(refusal, NotAuthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def body_of(request: Request) -> bytes:
    """Return the body, which has been read before any protocol sees the request; b"" where there is none."""
    body: bytes = request.scope.get("state", {}).get(BODY, b"")
    return body


def parsed(request: Request, model: type[_Model]) -> _Model:
    """The body as a model; its JSON is read whatever type it is declared to be, since many clients declare none.

    Raises:
        NotUnderstood: it is not JSON, or not of this form.
    """
    try:
        return model.model_validate_json(body_of(request))
    except ValidationError as error:
        raise not_understood(error.errors(include_url=False, include_context=False, include_input=False)) from error


def not_understood(details: Sequence[Any]) -> NotUnderstood:
    """Make the error of fields that are not what they should be, from pydantic's list of them."""
    plain = [{"type": detail["type"], "loc": list(detail["loc"]), "msg": detail["msg"]} for detail in details]
    return NotUnderstood("; ".join(map(_sentence, plain)), details=plain)


def _sentence(detail: Mapping[str, Any]) -> str:
    where = ".".join(map(str, detail["loc"]))
    return f"{where}: {detail['msg']}" if where else str(detail["msg"])


def json_body(model: type[BaseModel]) -> dict[str, object]:
    """What OpenAPI says of an address that reads its body with `parsed`."""
    schema = model.model_json_schema(ref_template=f"#/components/schemas/{model.__name__}/$defs/{{model}}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
