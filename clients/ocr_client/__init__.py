"""Clients of the ocr endpoint: HTTP, gRPC, asyncio, and a command line.

`with OcrClient("localhost:8000") as client: client.ocr("page.jpg").texts` is all it takes.
"""

import logging

from ocr_client.aio import AsyncOcrClient
from ocr_client.client import OcrClient
from ocr_client.errors import (
    AccessDeniedError,
    BadRequestError,
    BadResponseError,
    FontError,
    ImageError,
    OcrClientError,
    ServerFailureError,
    ServerNotReadyError,
    ServerTimeoutError,
    ServerUnreachableError,
    UsageError,
)
from ocr_contract import __version__
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult

__all__ = [
    "AccessDeniedError",
    "AsyncOcrClient",
    "BadRequestError",
    "BadResponseError",
    "DetectionResult",
    "FontError",
    "ImageError",
    "OcrClient",
    "OcrClientError",
    "OcrResult",
    "RecognitionResult",
    "ServerFailureError",
    "ServerNotReadyError",
    "ServerTimeoutError",
    "ServerUnreachableError",
    "UsageError",
    "__version__",
]

logging.getLogger("ocr_client").addHandler(logging.NullHandler())  # what is logged is the application's to show
