"""ZIP files (also .cbz) as folders: which members are documents, and their bytes, within limits."""

from __future__ import annotations

import re
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path, PurePath

from ocr_documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument

ARCHIVE_SUFFIXES = frozenset([".zip", ".cbz"])
MOST_BYTES = 512 << 20  # of a member, and of what comes through a pipe: it is held in memory
_ENCRYPTED = 0x1  # bit of a member's flags
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


def members(archive: Path) -> list[zipfile.ZipInfo]:
    """Return the members of an archive that are no folders.

    Raises:
        BrokenDocument: it is not an archive, or not a whole one.
    """
    try:
        return [member for member in _opened(archive).infolist() if not member.is_dir()]
    except _BROKEN as error:
        raise BrokenDocument(f"not a ZIP file, or a broken one: {_reason(error)}") from error


def safe_path(member: zipfile.ZipInfo) -> PurePath:
    """Return where a member lies below a folder of the archive's own: a name cannot lead out of it."""
    parts = [part for part in re.split(r"[/\\]", member.filename) if part not in ("", ".", "..")]
    return PurePath(*(part.replace(":", "_") for part in parts)) if parts else PurePath("member")


def read_member(archive: Path, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member.

    Raises:
        EncryptedDocument: it needs a password.
        DocumentTooLarge: it is larger than MOST_BYTES, whatever the archive says of its size.
        BrokenDocument: it cannot be unpacked.
    """
    if member.flag_bits & _ENCRYPTED:
        raise EncryptedDocument("is encrypted in its archive: unpack it first")
    try:
        with _opened(archive).open(member) as file:
            content = file.read(MOST_BYTES + 1)
    except _BROKEN as error:
        raise BrokenDocument(f"cannot be unpacked: {_reason(error)}") from error
    if len(content) > MOST_BYTES:
        raise DocumentTooLarge(f"unpacks to more than {MOST_BYTES >> 20} MiB")
    return content


def _opened(archive: Path) -> zipfile.ZipFile:
    """An archive, kept open while its members are read one after the other; it may be read from several threads."""
    status = archive.stat()
    return _open(archive, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=4)
def _open(archive: Path, _state: tuple[int, ...]) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
