"""What the two ends of a pipe say to each other: a JSON object, and bytes beside it.

Nothing is unpickled: the process that a hostile file may have taken over says no more than values.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct(">QQ")  # bytes of the object, bytes beside it
CHUNK_BYTES = 1 << 20  # of a file that is sent in pieces
MAX_HEAD_BYTES = 256 << 20  # the text of a page is in the object


def write_frame(stream: IO[bytes], head: dict[str, Any], body: bytes | memoryview = b"") -> None:
    """Write an object and the bytes beside it.

    Raises:
        OSError: the other end is gone.
    """
    encoded = json.dumps(head).encode("ascii")
    stream.write(_LENGTHS.pack(len(encoded), len(body)) + encoded)
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes], max_body_bytes: int) -> tuple[dict[str, Any], bytearray]:
    """Read an object and the bytes beside it.

    Raises:
        EOFError: the other end is gone, also in the middle of a frame.
        ValueError: it is longer than it may be, or not JSON.
    """
    head_bytes, body_bytes = _LENGTHS.unpack(_read(stream, _LENGTHS.size))
    if head_bytes > MAX_HEAD_BYTES or body_bytes > max_body_bytes:
        raise ValueError(f"a frame of {head_bytes} and {body_bytes} bytes is longer than it may be")
    return json.loads(_read(stream, head_bytes)), _read(stream, body_bytes)


def _read(stream: IO[bytes], length: int) -> bytearray:
    buffer = bytearray(length)
    view, done = memoryview(buffer), 0
    while done < length:
        count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError("the pipe has ended")
        done += count
    return buffer
