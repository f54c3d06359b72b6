"""Files that are something else than they say, or two things at once; text wrapped in text; swollen metadata."""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from functools import partial

from PIL import Image

from ocr_bench.hostile.pictures import picture

_MAGIC = {
    "jpeg": b"\xff\xd8\xff\xe0",
    "png": b"\x89PNG\r\n\x1a\n",
    "gif": b"GIF89a",
    "bmp": b"BM",
    "webp": b"RIFF\xff\xff\xff\x7fWEBP",
    "tiff": b"II*\0\x08\0\0\0",
    "bigtiff": b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10",
}
_SCRIPT = b"<script>alert(1)</script>"


def _jpeg_with(segments: bytes) -> bytes:
    """A JPEG file with these segments after its beginning."""
    data = picture("jpeg")
    return data[:2] + segments + data[2:]


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _exif(orientation: int, kind: int = 3, following: int = 0) -> bytes:
    tags = struct.pack("<HHHII", 1, 0x0112, kind, 1, orientation) + struct.pack("<I", following)
    return _segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + tags)


def _turned(orientation: int, kind: int) -> bytes:
    return _jpeg_with(_exif(orientation, kind))


def _icc(parts: int) -> bytes:
    return b"".join(
        _segment(0xE2, b"ICC_PROFILE\0" + bytes([number % 256, parts % 256]) + bytes(65_000)) for number in range(parts)
    )


def _zip(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("picture.png", data)
        archive.writestr("zeros", bytes(10 << 20))
    return file.getvalue()


def _saved(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (48, 48), "white").save(file, kind)
    return file.getvalue()


def _b64(data: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        data = base64.b64encode(data)
    return data


def _wrong_magic(name: str, body: str) -> Callable[[], bytes]:
    return lambda: _MAGIC[name] + picture(body)[len(_MAGIC[name]) :]


DISGUISES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one byte": lambda: b"\x89",
    **{f"beginning of a {name} alone": partial(bytes, magic) for name, magic in _MAGIC.items()},
    **{
        f"{body} that begins as {name}": _wrong_magic(name, body)
        for name in _MAGIC
        for body in ("png", "jpeg", "webp", "tiff")
        if name != body
    },
    "svg": lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9e9" height="9e9"/>',
    "svg that names a file": lambda: b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "zip": lambda: _zip(picture()),
    "gzip": lambda: gzip.compress(picture()),
    "elf": lambda: b"\x7fELF\x02\x01\x01" + bytes(200),
    "python pickle": lambda: b"\x80\x04\x95\x1a\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "ico": lambda: _saved("ICO"),
    "jpeg 2000 head": lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
    "eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(/etc/passwd) run\n",
    "path": lambda: b"/etc/passwd",
    "url": lambda: b"http://127.0.0.1:8000/v2",
    "jpeg and zip at once": lambda: picture("jpeg") + _zip(b"x"),
    "png and pdf at once": lambda: picture() + b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n",
    "gif and script at once": lambda: b"GIF89a/*" + bytes(90) + b"*/=1;" + _SCRIPT,
    "bmp and png at once": lambda: b"BM" + bytes(52) + picture(),
    "jpeg in the comment of a jpeg": lambda: _jpeg_with(_segment(0xFE, picture("jpeg"))),
    "script in the comment of a jpeg": lambda: _jpeg_with(_segment(0xFE, _SCRIPT)),
    "jpeg, 25 MiB of EXIF": lambda: _jpeg_with(_segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 400),
    "jpeg, 5000 segments": lambda: _jpeg_with(_segment(0xE5, b"") * 5000),
    "jpeg, colour profile of 16 MiB": lambda: _jpeg_with(_icc(255)),
    "jpeg, colour profile of 600 parts": lambda: _jpeg_with(_icc(600)),
    "jpeg, 2000 scans": lambda: picture("jpeg")[:-2] + b"\xff\xda\0\x02\0" * 2000 + b"\xff\xd9",
    **{
        f"jpeg turned by EXIF {value}, type {kind}": partial(_turned, value, kind)
        for value, kind in ((0, 3), (6, 3), (9, 3), (65535, 3), (0xFFFFFFFF, 4), (1, 2), (1, 200), (1, 0))
    },
    "jpeg, EXIF in a ring": lambda: _jpeg_with(_exif(6, 3, following=8)),
    "base64": lambda: _b64(picture()),
    "base64 of base64": lambda: _b64(picture(), 2),
    "base64 ten times": lambda: _b64(picture(), 10),
    "data URL": lambda: b"data:image/png;base64," + _b64(picture()),
    "data URL of a data URL": lambda: b"data:image/png;base64," + _b64(b"data:image/png;base64," + _b64(picture())),
    "data URL, not base64": lambda: b"data:image/svg+xml,<svg/>",
    "base64 without its end": lambda: _b64(picture())[:-3],
    "base64 with a NUL": lambda: _b64(picture())[:40] + b"\0" + _b64(picture())[40:],
    "base64 in UTF-16": lambda: _b64(picture()).decode().encode("utf-16"),
    "base64 of 20 MiB of spaces": lambda: b" " * (20 << 20) + _b64(picture()),
    "20 MiB of A": lambda: b"A" * (20 << 20),
    "20 MiB of =": lambda: b"=" * (20 << 20),
    "zeros": lambda: bytes(1 << 20),
}
