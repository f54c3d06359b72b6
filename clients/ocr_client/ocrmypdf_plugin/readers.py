"""Who reads the pages that OCRmyPDF draws: a server, or the models in this process. Opened once for all pages."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocr_client.client import OcrClient
from ocr_client.local import open_local

if TYPE_CHECKING:
    from typing_extensions import Self

    from ocr_contract.reader import Reader

ENGINE = "triton-paddleocr"


@dataclass(frozen=True)
class ReaderChoice:
    """What the flags say of the reader.

    Attributes:
        url: of the server; None for this machine's.
        protocol: "http" or "grpc"; None for http.
        local: the model repository to read with in this process; None for a server.
    """

    url: str | None
    protocol: str | None
    local: Path | None

    @classmethod
    def of(cls, options: Any) -> Self:
        """The choice that OCRmyPDF's options hold; those of a caller of its Python API may lack ours."""
        url, protocol, local = (
            getattr(options, f"triton_paddleocr_{name}", None) for name in ("url", "protocol", "local")
        )
        return cls(url, protocol, None if local is None else Path(local))

    @property
    def shown_url(self) -> str:
        """The server's address, for messages."""
        return self.url or f"this machine's port {8001 if self.protocol == 'grpc' else 8000}"


@lru_cache(maxsize=4)
def open_reader(choice: ReaderChoice) -> Reader:
    """The reader of a choice, the same one for every page; it is closed when the process ends.

    Raises:
        UsageError: the choice cannot work.
        OcrError: the models cannot be loaded.
    """
    reader: Reader = (
        open_local(choice.local, flag="--triton-paddleocr-local")
        if choice.local is not None
        else OcrClient(choice.url, choice.protocol or "http")
    )
    atexit.register(reader.close)
    return reader
