"""Where the pages of a TIFF file stand, as its chain of directories tells: servers and clients count alike."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

MAX_PAGES = 10_000  # the option `page` names no more

_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_IS_BIG = {b"*": False, b"+": True}  # by the file's version: TIFF 6.0, and BigTIFF


@dataclass(frozen=True)
class TiffLayout:
    """How numbers are written: of a classic file, or of a BigTIFF file."""

    order: str  # of struct: "<" or ">"
    big: bool

    @classmethod
    def of(cls, head: bytes) -> TiffLayout | None:
        """That of a file which begins with these bytes; None where it is no TIFF file."""
        order, big = _BYTE_ORDERS.get(head[:2]), _IS_BIG.get(head[2:4].strip(b"\0"))
        return None if order is None or big is None else cls(order, big)

    @property
    def header(self) -> int:
        """Bytes before the first directory may stand."""
        return 16 if self.big else 8

    @property
    def count(self) -> struct.Struct:
        """Number of entries of a directory."""
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """Tag, type, count, and value or offset."""
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def offset(self) -> struct.Struct:
        """Place in the file."""
        return struct.Struct(self.order + ("Q" if self.big else "I"))


def directory_offsets(file: BinaryIO, layout: TiffLayout) -> Iterator[int]:
    """Offsets of the directories in their order; each is a page, also a broken one.

    A chain ends with 0, or where it comes back to itself. One that leaves the file ends with the offset that leads out
    of it: that of a page which a truncated file has lost, so that nobody takes the file for a whole one.
    """
    end = file.seek(0, os.SEEK_END)

    def number(at: int, form: struct.Struct) -> int | None:
        """The number that stands there; None beyond the file's end."""
        if at + form.size > end:
            return None
        file.seek(at)
        value: int = form.unpack(file.read(form.size))[0]
        return value

    seen: set[int] = set()
    at = layout.header - layout.offset.size
    while (offset := number(at, layout.offset)) and offset not in seen:
        seen.add(offset)
        yield offset
        entries = number(offset, layout.count)
        if entries is None:
            return
        at = offset + layout.count.size + entries * layout.entry.size


def tiff_pages(file: BinaryIO) -> list[int]:
    """Offsets of the pages of a TIFF file, broken ones too, of which at most MAX_PAGES + 1 are looked for.

    There are none in a file of another kind.
    """
    layout = TiffLayout.of(file.read(4))
    return [] if layout is None else list(islice(directory_offsets(file, layout), MAX_PAGES + 1))


def count_tiff_pages(file: BinaryIO) -> int:
    """Pages of a TIFF file; see `tiff_pages`."""
    return len(tiff_pages(file))


def begun_at(data: bytes, offset: int) -> bytes:
    """A TIFF file with the directory at `offset` as its first."""
    layout = TiffLayout.of(data[:4])
    if layout is None:
        raise ValueError("not a TIFF file")
    return b"".join((data[: layout.header - layout.offset.size], layout.offset.pack(offset), data[layout.header :]))
