"""The log: lines to read, or JSON objects; both name the request. uvicorn's entries take the same form."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import Any, Literal, get_args

from ocr_gateway.requests import current

LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)
FIELDS = "fields"  # key of `extra`: what an entry tells beside its message, by name


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(of_request)s")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        entry: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "source": record.name,
            "message": record.getMessage(),
        }
        request = current()
        if request is not None:
            entry["request_id"] = request.id
        entry |= getattr(record, FIELDS, {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()


def _of_request(record: logging.LogRecord) -> bool:
    request = current()
    record.of_request = "" if request is None else f" [request_id {request.id}]"
    return True


def set_up(form: LogFormat) -> None:
    """Have everything that is logged in this process written to standard error in one form."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text())
    handler.addFilter(_of_request)
    logging.basicConfig(handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("ocr_gateway").setLevel(logging.INFO)
