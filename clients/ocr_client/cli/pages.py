"""The pages of a file: a TIFF file may be a document of several, and each is read by a request of its own."""

from __future__ import annotations

import io
import struct
import sys
import warnings
from dataclasses import replace
from pathlib import Path, PurePath

from PIL import Image, UnidentifiedImageError

from ocr_client.cli.inputs import Source, free_output


def pages_of(source: Source, page: int, taken: set[PurePath]) -> list[Source]:
    """What to read of a source: itself, or each page of a document, in their order.

    Standard input and pipes are read here, since that can be done only once.

    Args:
        source: a file, or standard input.
        page: the only page to be read, from 1 on; 0 for all, of an animation for its first picture.
        taken: output paths that are used already; those of pages are added.
    """
    if source.path is None:
        source = replace(source, content=sys.stdin.buffer.read())
    elif source.path.is_fifo():
        source = replace(source, content=source.path.read_bytes())
    if page:
        return [replace(source, page=page)]
    count = count_pages(source.picture)
    if count == 1:
        return [source]
    outputs = [source.output.with_name(f"{source.output.name}#{number}") for number in range(1, count + 1)]
    return [replace(source, page=number, output=free_output(output, taken)) for number, output in enumerate(outputs, 1)]


def count_pages(file: Path | bytes) -> int:
    """Pages of a TIFF file; 1 for what is none, or cannot be read: whoever reads the picture will say so."""
    content = io.BytesIO(file) if isinstance(file, bytes) else file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken or very large pictures, which are the reader's to judge
            with Image.open(content, formats=("TIFF",)) as picture:
                return int(getattr(picture, "n_frames", 1))
    except (
        *(UnidentifiedImageError, Image.DecompressionBombError),
        *(OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, struct.error),
    ):
        return 1
