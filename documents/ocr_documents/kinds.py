"""What a file is, told by what it holds and not by its name."""

from __future__ import annotations

from typing import BinaryIO, Literal

from ocr_contract.tiff import TiffLayout
from ocr_documents.pictures import is_picture

_PDF_MARK, _PDF_REACH = b"%PDF-", 1024  # readers look for the mark in the first 1024 bytes: mails leave junk before it


def kind_of(stream: BinaryIO) -> Literal["pdf", "tiff", "picture"]:
    """Tell what a file is, from its start, where it is left: a picture is what is neither of the others.

    A picture in which the mark of a PDF file stands is a picture.
    """
    head = stream.read(_PDF_REACH)
    stream.seek(0)
    if TiffLayout.of(head) is not None:
        return "tiff"
    return "picture" if _PDF_MARK not in head or is_picture(stream) else "pdf"
