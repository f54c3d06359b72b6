"""Directories of a TIFF file: lists of tagged values, one for each page, each with the place of the next."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ocr_contract.tiff import TiffLayout, directory_offsets
from ocr_documents.errors import DocumentTooLarge

MAX_DIRECTORIES = 1_000_000
RATIONAL = 5

_BYTES = ((1, (1, 2, 6, 7)), (2, (3, 8)), (4, (4, 9, 11, 13)), (8, (5, 10, 12, 16, 17, 18)))
_SIZES = {kind: size for size, kinds in _BYTES for kind in kinds}  # bytes of one value, by its type
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


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
        """See how its numbers are written.

        Raises:
            ValueError: it is no TIFF file.
        """
        self._stream = stream
        self.length = stream.seek(0, io.SEEK_END)
        layout = TiffLayout.of(self.read(0, 4))
        if layout is None:
            raise ValueError("it begins as no TIFF file does")
        self.layout = layout

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
        """Offsets of directories, as `directory_offsets` finds them.

        Raises:
            DocumentTooLarge: there are more than a file can mean.
        """
        for number, offset in enumerate(directory_offsets(self._stream, self.layout)):
            if number == MAX_DIRECTORIES:
                raise DocumentTooLarge(f"has more than {MAX_DIRECTORIES:,} pages")
            yield offset

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
