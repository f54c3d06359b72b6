"""How many pages a TIFF file has, as its chain of directories tells: the server and the clients count alike."""

from __future__ import annotations

import os
from typing import BinaryIO, Literal

MAX_PAGES = 10_000  # the option `page` names no more

_BYTE_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
# Bytes of an offset, of a number of entries, and of an entry, by the file's version: TIFF 6.0, and BigTIFF.
_LAYOUTS = {b"*": (4, 2, 12), b"+": (8, 8, 20)}


def count_tiff_pages(file: BinaryIO) -> int:
    """Pages of a TIFF file, broken ones too; MAX_PAGES + 1 where there are more, 0 for a file of another kind."""
    head = file.read(4)
    order, layout = _BYTE_ORDERS.get(head[:2]), _LAYOUTS.get(head[2:].strip(b"\0"))
    if order is None or layout is None:
        return 0
    end = file.seek(0, os.SEEK_END)
    offset_bytes, count_bytes, entry_bytes = layout

    def number(at: int, length: int) -> int:
        """The number that stands there; 0 beyond the file's end, as where a chain ends."""
        if at + length > end:
            return 0
        file.seek(at)
        return int.from_bytes(file.read(length), order)

    pages: set[int] = set()  # by offset: a chain that comes back to itself has ended
    offset = number(offset_bytes, offset_bytes)
    while 0 < offset < end and offset not in pages and len(pages) <= MAX_PAGES:
        pages.add(offset)
        offset = number(offset + count_bytes + entry_bytes * number(offset, count_bytes), offset_bytes)
    return len(pages)
