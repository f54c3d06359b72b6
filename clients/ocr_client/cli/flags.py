"""What the flags of several commands have in common; those of a request's options are in option_flags."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer


class Protocol(str, Enum):
    """How to talk to a server."""

    HTTP = "http"
    GRPC = "grpc"


class ExistingText(str, Enum):
    """What becomes of pages that carry text."""

    KEEP = "keep"
    READ = "read"


def flag(help_text: str, *names: str, **more: Any) -> Any:
    """A flag, with what it does first; without names it is called as its parameter is."""
    return typer.Option(*names, help=help_text, **more)


Dpi = Annotated[int, flag("Pixels an inch that PDF pages are drawn at.", min=36, max=1200)]
ExistingTextFlag = Annotated[
    ExistingText, flag("PDF pages that carry text. keep: use the text in the file; read: OCR these pages too.")
]
MaxPages = Annotated[int, flag("Most pages that are read of a document.", min=1)]
