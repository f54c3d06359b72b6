"""Picture files that say that they are enormous, or are it once they are unpacked; headers without sense."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence

from ocr_bench.hostile.pictures import picture

_PNG = b"\x89PNG\r\n\x1a\n"
_SHORT, _LONG = 3, 4  # types of TIFF's entries


def zeros_deflated(count: int) -> bytes:
    """A zlib stream of `count` zeros, made without having them."""
    step = 1 << 20
    pack = zlib.compressobj(9)
    begin = pack.compress(bytes(step)) + pack.flush(zlib.Z_FULL_FLUSH)
    again = pack.compress(bytes(step)) + pack.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(count, step)
    body = begin + again * (whole - 1) if whole else b"\x78\xda"
    if rest or not whole:
        last = zlib.compressobj(9, wbits=-15)
        body += last.compress(bytes(rest)) + last.flush()
    else:
        body += b"\x03\x00"
    return body + struct.pack(">HH", count % 65521, 1)  # Adler-32 of zeros


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, data: bytes, *, bits: int = 8, colour: int = 0, before: bytes = b"") -> bytes:
    """A PNG file with this header and these compressed pixels."""
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, bits, colour, 0, 0, 0)
    return _PNG + chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def plain_png(width: int, height: int, bits: int = 1) -> bytes:
    """A PNG file of one colour."""
    return png(width, height, zeros_deflated(height * (1 + -(-width * bits // 8))), bits=bits)


def tiff(directories: Sequence[Sequence[tuple[int, int, int]]], after: bytes = b"", loop: bool = False) -> bytes:
    """A TIFF file of directories of (tag, type, value), one value each; `after` begins at byte 8.

    With `loop` the last directory is followed by the first.
    """
    first = at = 8 + len(after)
    data = b"II*\0" + struct.pack("<I", first) + after
    for number, entries in enumerate(directories):
        end = at + 6 + 12 * len(entries)
        following = end if number < len(directories) - 1 else first if loop else 0
        body = b"".join(struct.pack("<HHII", tag, kind, 1, value & 0xFFFFFFFF) for tag, kind, value in entries)
        data += struct.pack("<H", len(entries)) + body + struct.pack("<I", following)
        at = end
    return data


def tiff_entries(width: int, height: int, size: int, compression: int = 1, at: int = 8) -> list[tuple[int, int, int]]:
    """Entries of a gray picture in one strip of `size` bytes."""
    return [
        *((256, _LONG, width), (257, _LONG, height), (258, _SHORT, 8), (259, _SHORT, compression), (262, _SHORT, 1)),
        *((273, _LONG, at), (277, _SHORT, 1), (278, _LONG, height), (279, _LONG, size)),
    ]


def _tiff_deflated(width: int, height: int) -> bytes:
    data = zeros_deflated(width * height)
    return tiff([tiff_entries(width, height, len(data), 8)], data)


def _nested_tiff(depth: int) -> bytes:
    """TIFF in TIFF in TIFF: each is the strip of the next, which says that it is JPEG data."""
    data = picture("tiff")
    for _ in range(depth):
        data = tiff([tiff_entries(96, 40, len(data), 7)], data)
    return data


def _gif(frames: int, side: int = 1) -> bytes:
    image = struct.pack("<BHHHHB", 0x2C, 0, 0, side, side, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(3) + b"\xff" * 3 + image * frames + b";"


def _webp_said_to_be(width: int, height: int) -> bytes:
    """A small WebP file whose canvas is said to be larger."""
    body = picture("lossless webp")[12:]
    canvas = struct.pack("<I", 0x10) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    data = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + canvas + body
    return b"RIFF" + struct.pack("<I", len(data)) + data


def _bmp(width: int, height: int, bits: int = 24, compression: int = 0, data: bytes = bytes(64)) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + info + data


def jpeg_said_to_be(width: int, height: int) -> bytes:
    """A small JPEG file that is said to be larger; what it lacks is gray."""
    data = bytearray(picture("jpeg"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _png_text(name: bytes, count: int) -> bytes:
    """A chunk of compressed text, or a colour profile, that unpacks to `count` bytes."""
    return chunk(name, b"x\0\0" + zeros_deflated(count))


_HUGE = 60_000
_PIXELS = zlib.compress(bytes(41 * 40))
BOMBS: dict[str, Callable[[], bytes]] = {
    "png 60000x60000 of one colour": lambda: plain_png(_HUGE, _HUGE),
    "png 60000x2000, 16 bits": lambda: plain_png(_HUGE, 2000, 16),
    "png said to be 60000x60000": lambda: png(_HUGE, _HUGE, _PIXELS),
    "png of more data than it says": lambda: png(40, 40, zeros_deflated(1 << 28)),
    "png 0x0": lambda: png(0, 0, _PIXELS),
    "png -1x40": lambda: png(-1, 40, _PIXELS),
    "png 2147483647x1": lambda: png(0x7FFFFFFF, 1, _PIXELS),
    "png, 3 bits": lambda: png(40, 40, _PIXELS, bits=3),
    "png, palette lacking": lambda: png(40, 40, _PIXELS, colour=3),
    "png, text of 256 MiB": lambda: png(40, 40, _PIXELS, before=_png_text(b"zTXt", 1 << 28)),
    "png, colour profile of 256 MiB": lambda: png(40, 40, _PIXELS, before=_png_text(b"iCCP", 1 << 28)),
    "png, 200000 chunks": lambda: png(40, 40, _PIXELS, before=chunk(b"tEXt", b"a\0b") * 200_000),
    "png, 30 MiB of EXIF": lambda: png(40, 40, _PIXELS, before=chunk(b"eXIf", b"MM\0*" + bytes(30 << 20))),
    "tiff 60000x60000, deflate": lambda: _tiff_deflated(_HUGE, _HUGE),
    "tiff of more data than it says": lambda: tiff([tiff_entries(40, 40, 1 << 18, 8)], zeros_deflated(1 << 28)),
    "tiff in tiff in tiff": lambda: _nested_tiff(20),
    "tiff, directories in a ring": lambda: tiff([tiff_entries(40, 40, 1600)] * 3, bytes(1600), loop=True),
    "tiff, 20000 pages": lambda: tiff([tiff_entries(40, 40, 1600)] * 20_000, bytes(1600)),
    "tiff 0x0": lambda: tiff([tiff_entries(0, 0, 0)]),
    "tiff -1x-1": lambda: tiff([tiff_entries(-1, -1, 4)], bytes(4)),
    "tiff, strip beyond the file": lambda: tiff([tiff_entries(40, 40, 1600, at=1 << 30)]),
    "tiff, empty directory": lambda: tiff([[]]),
    "bigtiff, 2^60 entries": lambda: b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1 << 60) + bytes(64),
    "gif of 100000 frames": lambda: _gif(100_000),
    "gif 65535x65535": lambda: _gif(1, 65535),
    "gif 0x0": lambda: _gif(1, 0),
    "webp said to be 16777216x16777216": lambda: _webp_said_to_be(1 << 24, 1 << 24),
    "webp 16383x8000 of one colour": lambda: _webp_said_to_be(16383, 8000),
    "bmp -96x40": lambda: _bmp(-96, 40),
    "bmp 96x-2147483648": lambda: _bmp(96, -(1 << 31)),
    "bmp 60000x60000": lambda: _bmp(_HUGE, _HUGE),
    "bmp 0x0": lambda: _bmp(0, 0),
    "bmp, run lengths of 16000x16000": lambda: _bmp(16000, 16000, 8, 1, b"\xff\0" * 500_000),
    "jpeg said to be 65500x65500": lambda: jpeg_said_to_be(65500, 65500),
    "jpeg 0x0": lambda: jpeg_said_to_be(0, 0),
}
