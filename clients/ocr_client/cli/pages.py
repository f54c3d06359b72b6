"""The pages of a file: a TIFF file may be a document of several, and each is read by a request of its own."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path, PurePath

from ocr_client.cli.inputs import Source, free_output
from ocr_contract.tiff import MAX_PAGES, count_tiff_pages


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
    try:
        with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as content:
            count = count_tiff_pages(content)
    except OSError:
        return 1
    return count if 0 < count <= MAX_PAGES else 1
