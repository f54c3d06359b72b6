"""Pictures of an animation (GIF, WebP, PNG) as pages, where they are asked for by number."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from ocr_documents.document import Document, Page

if TYPE_CHECKING:
    from typing_extensions import Self

_FORMATS = ("GIF", "WEBP", "PNG")


class Animation:
    """A `Document` with a page for each picture of an animation. Each page holds the whole file: the reader finds it.

    Args:
        document: the file as a document of one page.
        count: pictures in it.
    """

    def __init__(self, document: Document, count: int) -> None:
        self.digest = document.digest
        self._document, self._count = document, count

    def __len__(self) -> int:
        return self._count

    def page(self, number: int) -> Page:
        """Return the file as the page of this number; its pictures are of one size."""
        return replace(self._document.page(1), number=number)

    def close(self) -> None:
        """Close the document."""
        self._document.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def count_pictures(file: Path | bytes) -> int:
    """Return how many pictures an animation has; 1 for what is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken or very large pictures, which are the reader's to judge
            with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=_FORMATS) as picture:
                return int(getattr(picture, "n_frames", 1))
    except (
        *(UnidentifiedImageError, Image.DecompressionBombError),
        *(OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, struct.error),
    ):
        return 1
