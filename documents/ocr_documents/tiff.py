"""A TIFF file is a document of as many pages as it has directories.

A page is cut out as a file of its own: its directory and its compressed picture data as they are, so that it decodes to
the same pixels as in the whole file, and a fax of 300 pages is not handed over 300 times.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ocr_documents.document import Document, Page
from ocr_documents.errors import BrokenDocument
from ocr_documents.pictures import check_number, dots_per_inch, opened
from ocr_documents.tiff_directories import RATIONAL, Directories, Entry

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES = 256, 257, 258, 259, 277
_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION, _UNIT = 274, 282, 283, 296
_STRIPS, _TILES = (273, 279), (324, 325)  # offsets and lengths
_POINTERS = frozenset({330, 34665, 34853, 40965})  # to directories that say nothing of how the pixels look
_OLD_JPEG = frozenset({513, 519, 520, 521})  # tables that stand anywhere in the file
_UNCOMPRESSED, _INCHES, _CENTIMETRES, _CM_PER_INCH = 1, 2, 3, 2.54
_TURNED = (5, 6, 7, 8)
_LONG, _LONG8 = 4, 16


class TiffDocument(Document):
    """A document of the pages of a TIFF file."""

    def __init__(self, file: Path | bytes) -> None:
        """Find its pages.

        Raises:
            BrokenDocument: it has none.
            DocumentTooLarge: it has more than a file can mean.
            DocumentError: it cannot be read.
        """
        self._file = file
        with opened(self._file) as stream:
            try:
                self._directories = list(Directories(stream).offsets())
            except ValueError as error:
                raise BrokenDocument(f"is a broken TIFF file: {error}") from error
        if not self._directories:
            raise BrokenDocument("is a broken TIFF file: it has no page")

    def __len__(self) -> int:
        return len(self._directories)

    def page(self, number: int) -> Page:
        """Cut out a page; see `Document.page`."""
        check_number(number, len(self))
        with opened(self._file) as stream:
            try:
                return self._page(Directories(stream), number)
            except (ValueError, struct.error, MemoryError) as error:
                raise BrokenDocument(f"page {number} is broken: {error}") from error

    def _page(self, reader: Directories, number: int) -> Page:
        offset = self._directories[number - 1]
        entries = reader.entries(offset)
        tags = {entry.tag: entry for entry in entries}

        def first(tag: int, default: int) -> int:
            return next(iter(reader.numbers(tags.get(tag))), default)

        width, height = first(_WIDTH, 0), first(_HEIGHT, 0)
        if not (width and height):
            raise ValueError("it does not say how large it is")
        turned = first(_ORIENTATION, 1) in _TURNED
        dpi = _resolution(reader, tags.get(_Y_RESOLUTION if turned else _X_RESOLUTION), first(_UNIT, _INCHES))
        if turned:
            width, height = height, width
        if len(self) == 1:
            return Page(number, reader.read(0, reader.length), width, height, dpi)
        return Page(number, cut_out(reader, offset, entries), width, height, dpi)

    def close(self) -> None:
        """Nothing is held."""


def _resolution(reader: Directories, entry: Entry | None, unit: int) -> float | None:
    """Pixels an inch; None where the file does not say it."""
    if entry is None or entry.type != RATIONAL or entry.count != 1 or unit not in (_INCHES, _CENTIMETRES):
        return None
    numerator, denominator = struct.unpack(reader.layout.order + "II", entry.value)
    if denominator == 0:
        return None
    return dots_per_inch(numerator / denominator * (_CM_PER_INCH if unit == _CENTIMETRES else 1))


def cut_out(reader: Directories, offset: int, entries: list[Entry]) -> bytes:
    """A file of one page: its directory as it is, but for the places of what it points to.

    Raises:
        ValueError: it points beyond the file.
    """
    tags = {entry.tag: entry for entry in entries}
    places, lengths = _TILES if _TILES[0] in tags else _STRIPS
    pieces = list(zip(reader.numbers(tags.get(places)), reader.numbers(tags.get(lengths)), strict=False))
    if not _is_whole(reader, tags, pieces, places, lengths):
        return _led_to(reader, offset)
    layout = reader.layout
    kept = [entry for entry in entries if entry.tag not in _POINTERS]
    start = layout.header + layout.count.size + len(kept) * layout.entry.size + layout.offset.size
    outside = bytearray()  # what stands behind the directory

    def place(value: bytes) -> int:
        outside.extend(bytes(len(outside) % 2))  # values begin at even offsets
        outside.extend(value)
        return start + len(outside) - len(value)

    moved = [place(reader.read(*piece)) for piece in pieces]
    directory = layout.count.pack(len(kept))
    for entry in kept:
        kind, value = entry.type, entry.value
        if entry.tag == places:
            kind, value = _LONG8 if layout.big else _LONG, b"".join(map(layout.offset.pack, moved))
        if len(value) > layout.offset.size:
            value = layout.offset.pack(place(value))
        directory += layout.entry.pack(entry.tag, kind, entry.count, value)
    head = reader.read(0, layout.header - layout.offset.size) + layout.offset.pack(layout.header)
    return head + directory + layout.offset.pack(0) + bytes(outside)


def _is_whole(
    reader: Directories, tags: dict[int, Entry], pieces: list[tuple[int, int]], places: int, lengths: int
) -> bool:
    """Whether a directory says truly where all the data of its page are."""
    if _OLD_JPEG & tags.keys() or places not in tags or lengths not in tags:
        return False
    if not len(pieces) == tags[places].count == tags[lengths].count:
        return False
    total = sum(length for _, length in pieces)
    if total > reader.length or any(length == 0 or at + length > reader.length for at, length in pieces):
        return False
    if reader.numbers(tags.get(_COMPRESSION)) not in ((), (_UNCOMPRESSED,)):
        return True
    width, height = (next(iter(reader.numbers(tags.get(tag))), 0) for tag in (_WIDTH, _HEIGHT))
    bits = sum(reader.numbers(tags.get(_BITS))) or 1
    return total >= width * bits // 8 * height


def _led_to(reader: Directories, offset: int) -> bytes:
    """The whole file, with the directory at `offset` as its only one: libtiff guesses where data are by itself."""
    layout = reader.layout
    content = bytearray(reader.read(0, reader.length))
    layout.offset.pack_into(content, layout.header - layout.offset.size, offset)
    (number,) = layout.count.unpack_from(content, offset)
    layout.offset.pack_into(content, offset + layout.count.size + number * layout.entry.size, 0)
    return bytes(content)
