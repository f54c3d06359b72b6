"""What can be wrong with a document.

OcrError (ocr_contract.errors)
├── InvalidInput
│   └── DocumentError
│       ├── BrokenDocument      not a document of a known kind, or one that cannot be opened or drawn
│       ├── EncryptedDocument   it needs a password, or may not be changed without one
│       ├── SignedDocument      a text layer would break its digital signature
│       ├── DocumentTooLarge    more pages, pixels, memory or time than the limits allow
│       └── NoSuchPage          a page was asked for that it does not have
├── CannotWrite                 a result, or a note of what was read, cannot be written: the disk is full, say
└── JobInUse                    another process works on the same outputs
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ocr_contract.errors import InvalidInput, OcrError

DECRYPT = "decrypt it first, for example with: qpdf --decrypt --password=PASSWORD in.pdf out.pdf"
NEEDS_PASSWORD = f"is encrypted and needs a password; {DECRYPT}"


class DocumentError(InvalidInput):
    """Base of all of them: this document cannot be read or written; others can."""


class BrokenDocument(DocumentError):
    """The bytes are no document of a known kind, or one that cannot be opened or drawn."""


class EncryptedDocument(DocumentError):
    """The document needs a password, or may not be changed without one."""


class SignedDocument(DocumentError):
    """The document is signed, and what was asked for would break the signature."""


class DocumentTooLarge(DocumentError):
    """The document passes a limit: pages, pixels of a page, memory, or time to draw a page."""


class NoSuchPage(DocumentError):
    """A page was asked for that the document does not have."""


class CannotWrite(OcrError):
    """A result, or a note of what was read, cannot be written: the disk is full, or the folder is not to be written."""


class JobInUse(OcrError):
    """Another process works on the same outputs, with the notes that this one would go on with."""


@contextmanager
def reading() -> Iterator[None]:
    """Turn a failure to read a file into a `DocumentError`."""
    try:
        yield
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}") from error
