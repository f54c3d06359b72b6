"""Whether a PDF may be changed: encryption and digital signatures."""

from __future__ import annotations

from collections.abc import Iterator

from pikepdf import Array, Dictionary, Name, Object, Pdf

from ocr_documents.errors import DECRYPT, EncryptedDocument, SignedDocument
from ocr_documents.pdf.resources import dictionary

_SIGNATURES_EXIST, _APPEND_ONLY = 1, 2  # flags of a form


def check_changeable(pdf: Pdf) -> None:
    """See that a document that has been opened may be written with changes.

    Raises:
        EncryptedDocument: its owner has not allowed changes.
        SignedDocument: it is signed, or certified.
    """
    if pdf.is_encrypted and not (pdf.owner_password_matched or pdf.allow.modify_other):
        raise EncryptedDocument(f"is encrypted and may not be changed without its owner's password; {DECRYPT}")
    form = dictionary(pdf.Root.get("/AcroForm"))
    signatures = [field for field in _fields(form) if field.get("/FT") == Name.Sig]
    flags = form.get("/SigFlags", 0)
    flags = int(flags) if isinstance(flags, int) else 0
    # The first flag is also set where fields for signatures wait to be signed.
    told = flags & _APPEND_ONLY or (flags & _SIGNATURES_EXIST and not signatures)
    if told or "/Perms" in pdf.Root or any(field.get("/V") is not None for field in signatures):
        raise SignedDocument("is signed, and a text layer would break the signature; formats other than pdf work")


def _fields(form: Object) -> Iterator[Object]:
    """Every field of a form, also those of broken forms whose fields are their own descendants."""
    waiting, seen = [form.get("/Fields")], set()
    while waiting:
        fields = waiting.pop()
        for field in fields if isinstance(fields, Array) else ():
            if not isinstance(field, Dictionary) or (field.is_indirect and field.objgen in seen):
                continue
            seen.add(field.objgen)
            yield field
            waiting.append(field.get("/Kids"))
