"""What an operator sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from ocr_documents.limits import Limits

PaddleServingService = Literal["ocr", "det", "rec"]
PADDLE_SERVING_SERVICES: tuple[PaddleServingService, ...] = get_args(PaddleServingService)


@dataclass(frozen=True)
class Settings:
    """Limits, access, and what each protocol may do.

    Attributes:
        max_body_bytes: of a request.
        max_requests: that are in flight, from the first byte of their head to the last one of the answer.
        timeout_s: seconds that a request may take.
        stop_s: seconds that requests on their way have when the gateway is stopped.
        max_connections: that are open.
        max_connections_per_address: that are open from one IP address; None where only their sum counts.
        concurrency: pages under way at the reader, of all requests together.
        documents: bounds for each document.
        token: that requests must carry; None where none is asked for.
        allow_urls: whether PaddleX's clients may name a file by its URL, which the gateway then fetches.
        visualize: whether PaddleX's clients get pictures of what was read where they do not say.
        paddle_serving_service: which of Paddle Serving's web services answers at /ocr/prediction.
    """

    max_body_bytes: int = 100 << 20
    max_requests: int = 32
    timeout_s: float = 600.0
    stop_s: float = 30.0
    max_connections: int = 1000
    max_connections_per_address: int | None = None
    concurrency: int = 4
    documents: Limits = field(default_factory=lambda: Limits(pages=500))
    token: str | None = field(default=None, repr=False)
    allow_urls: bool = False
    visualize: bool = True
    paddle_serving_service: PaddleServingService = "ocr"
