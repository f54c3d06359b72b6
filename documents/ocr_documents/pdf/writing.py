"""A searchable PDF is written in a process of its own, as pages are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from ocr_documents.document import PageResult
from ocr_documents.limits import Limits
from ocr_documents.pdf.child import Child, ChildEndedError
from ocr_documents.pdf.document import body_of, source_fields


def write_searchable(
    source: Path | bytes,
    pages: Iterable[PageResult],
    target: BinaryIO,
    *,
    replace_text: bool,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> None:
    """Write a document as a PDF file whose text can be searched; see `ocr_documents.pdf.text_layer`.

    Args:
        source: a PDF file, a picture or a TIFF file.
        pages: what stands on its pages; asked for one by one.
        target: what is written to, from its beginning to its end.
        replace_text: whether invisible text that the document has is taken out.
        limits: of the process that writes.

    Raises:
        EncryptedDocument, SignedDocument, BrokenDocument: the document cannot be written.
        DocumentTooLarge: writing takes too much memory or time.
        OSError: the target takes no more.
    """
    child, left = Child(limits), iter(pages)
    request: dict[str, Any] = {**source_fields(source, "write"), "replace_text": replace_text}
    body = body_of(source)
    try:
        while True:
            answer, data = child.ask(request, body)
            if answer["want"] == "page":
                page = next(left, None)
                request, body = {"page": None if page is None else page.to_dict()}, b""
            elif answer["want"] == "write":
                target.write(data)
                request = {"written": len(data)}
            else:
                return
    except ChildEndedError as ended:
        raise ended.as_error("cannot be made a searchable PDF", limits) from ended
    finally:
        child.end()
