"""Parts of JPEG and PNG files, counted before a library goes through them: servers and clients have the same bounds.

A picture has some tens of parts; a file may hold millions, and every library goes through them one by one.
"""

MAX_JPEG_SEGMENTS, MAX_JPEG_SCANS, MAX_PNG_CHUNKS = 4096, 256, 65_536
MAX_JPEG_FILL = 4096  # bytes of padding before a marker
MAX_JPEG_EXIF = 32  # segments; Pillow copies what it has of them for each one anew

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_START_OF_SCAN, _APP1, _EXIF = 0xDA, 0xE1, b"Exif\0\0"


def bound_parts(data: bytes) -> None:
    """See that a file is not made of too many parts; files that are neither JPEG nor PNG pass.

    Raises:
        ValueError: a JPEG file of too many segments or scans, or a PNG file of too many chunks.
    """
    if data.startswith(JPEG):
        if data.count(b"\xff\xda", scan_offset(data)) > MAX_JPEG_SCANS:
            raise ValueError(f"a JPEG file of more than {MAX_JPEG_SCANS} scans")
    elif data.startswith(PNG):
        offset, chunks = len(_PNG_HEAD), 0
        while offset < len(data):
            offset += 12 + int.from_bytes(data[offset : offset + 4], "big")  # length, type and checksum around it
            chunks += 1
            if chunks > MAX_PNG_CHUNKS:
                raise ValueError(f"a PNG file of more than {MAX_PNG_CHUNKS} chunks")


def scan_offset(data: bytes) -> int:
    """Offset of the first scan of a JPEG file, or its length when there is none.

    Raises:
        ValueError: there are too many segments before it, or too much padding between them.
    """
    offset, exif = 2, 0
    for _ in range(MAX_JPEG_SEGMENTS):
        offset = data.find(b"\xff", offset)
        if offset < 0:
            return len(data)
        rest = data[offset : offset + MAX_JPEG_FILL].lstrip(b"\xff")
        if not rest:
            break
        offset += min(MAX_JPEG_FILL, len(data) - offset) - len(rest) - 1  # at the last byte of padding
        marker = rest[0]
        if marker == _START_OF_SCAN:
            return offset
        exif += marker == _APP1 and data.startswith(_EXIF, offset + 4)
        if exif > MAX_JPEG_EXIF:
            raise ValueError(f"a JPEG file of more than {MAX_JPEG_EXIF} segments of EXIF")
        standalone = marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8
        offset += 2 if standalone else 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
        if offset >= len(data):
            return len(data)
    raise ValueError(f"a JPEG file of more than {MAX_JPEG_SEGMENTS} segments, or of padding")
