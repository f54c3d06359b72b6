"""Pictures of an animation (GIF, WebP, PNG) or of an MPO file (JPEG) as pages, where they are asked for by number."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ocr_documents.document import Page
from ocr_documents.pictures import NOT_READABLE, PictureDocument, check_number, measured

_FORMATS = ("GIF", "WEBP", "PNG", "JPEG")  # an MPO file begins as a JPEG file does


class Animation(PictureDocument):
    """A document with a page for each picture of a file. Each page holds the whole file: the reader finds it.

    Args:
        file: its path, or its bytes.
        count: pictures in it.
    """

    def __init__(self, file: Path | bytes, count: int) -> None:
        super().__init__(file)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def page(self, number: int) -> Page:
        """Return the file as the page of this number; see `Document.page`."""
        check_number(number, self._count)
        content = self.content()
        return Page(number, content, *measured(content, number))


def count_pictures(file: Path | bytes) -> int:
    """Return how many pictures a file has; 1 for what is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken or very large pictures, which are the reader's to judge
            with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=_FORMATS) as picture:
                return int(getattr(picture, "n_frames", 1))
    except (UnidentifiedImageError, Image.DecompressionBombError, *NOT_READABLE):
        return 1
