"""Directories of a TIFF file: lists of tagged values, one for each page, each with the place of the next."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ocr_documents.errors import DocumentTooLarge

MAX_DIRECTORIES = 1_000_000
RATIONAL = 5

_BYTES = ((1, (1, 2, 6, 7)), (2, (3, 8)), (4, (4, 9, 11, 13)), (8, (5, 10, 12, 16, 17, 18)))
_SIZES = {kind: size for size, kinds in _BYTES for kind in kinds}  # bytes of one value, by its type
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True)
class Layout:
    """How numbers are written: of a classic file, or of a BigTIFF file."""

    order: str  # of struct: "<" or ">"
    big: bool

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


@dataclass(frozen=True)
class Entry:
    """An entry of a directory, with the bytes of its value."""

    tag: int
    type: int
    count: int
    value: bytes


class Directories:
    """Directories of a TIFF file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.length = stream.seek(0, io.SEEK_END)
        head = self.read(0, 16)
        self.layout = Layout("<" if head[:1] == b"I" else ">", b"+" in head[2:4])

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file.

        Raises:
            ValueError: it is too short.
        """
        if offset + length > self.length:
            raise ValueError(f"the file ends before byte {offset + length:,}")
        self._stream.seek(offset)
        return self._stream.read(length)

    def offsets(self) -> Iterator[int]:
        """Offsets of directories in their order. A last one may lie outside the file: then pages are missing.

        Raises:
            DocumentTooLarge: there are more than a file can mean.
        """
        layout, seen = self.layout, set()
        at = layout.header - layout.offset.size
        while True:
            try:
                (offset,) = layout.offset.unpack(self.read(at, layout.offset.size))
            except ValueError:
                return
            if offset == 0 or offset in seen:
                return
            seen.add(offset)
            if len(seen) > MAX_DIRECTORIES:
                raise DocumentTooLarge(f"has more than {MAX_DIRECTORIES:,} pages")
            yield offset
            try:
                (entries,) = layout.count.unpack(self.read(offset, layout.count.size))
            except ValueError:
                return
            at = offset + layout.count.size + entries * layout.entry.size

    def entries(self, offset: int) -> list[Entry]:
        """Read a directory; entries of unknown types are left out.

        Raises:
            ValueError: it reaches beyond the file.
        """
        layout = self.layout
        (number,) = layout.count.unpack(self.read(offset, layout.count.size))
        found: list[Entry] = []
        total = 0
        for raw in layout.entry.iter_unpack(self.read(offset + layout.count.size, number * layout.entry.size)):
            tag, kind, count, value = raw
            if kind not in _SIZES:
                continue
            size = _SIZES[kind] * count
            total += size
            if total > self.length:
                raise ValueError("its values are longer than the file")
            if size > len(value):
                value = self.read(layout.offset.unpack(value)[0], size)
            found.append(Entry(tag, kind, count, value[:size]))
        return found

    def numbers(self, entry: Entry | None) -> tuple[int, ...]:
        """The whole numbers of an entry."""
        if entry is None or entry.type not in _INTEGERS:
            return ()
        return struct.unpack(f"{self.layout.order}{entry.count}{_INTEGERS[entry.type]}", entry.value)
