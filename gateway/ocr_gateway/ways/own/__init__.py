"""The gateway's own addresses: `POST /read`, `POST /write`, the page, what it can do, health, metrics."""

from ocr_gateway.ways.own.protocol import Own, PageFiles

__all__ = ["Own", "PageFiles"]
