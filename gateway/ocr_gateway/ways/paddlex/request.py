"""What a request of PaddleX asks for."""

from __future__ import annotations

import base64
import binascii
import string
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ocr_contract.errors import InvalidOption
from ocr_contract.options import OPTIONS, parse_option
from ocr_gateway.reading import Kind
from ocr_gateway.refusals import NotUnderstood

_URL = ("http://", "https://")
_DATA_URL, _BASE64_MARK = "data:", ";base64,"
_PDF = 0
_WHITE_SPACE = string.whitespace.encode()


class InferRequest(BaseModel):
    """A request's body. On the wire the names are those of the options in camelCase; what is null is not asked for.

    Attributes:
        file: base64 of a file, or the URL of one.
        file_type: 0 for PDF, 1 for pictures, TIFF files among them.
        log_id: comes back in the answer.
        visualize: whether pictures of what was read come with it.
    """

    model_config = ConfigDict(alias_generator=to_camel)

    file: str
    file_type: Literal[0, 1] | None = None
    use_doc_orientation_classify: bool | None = None
    use_doc_unwarping: bool | None = None
    use_textline_orientation: bool | None = None
    text_det_limit_side_len: int | None = None
    text_det_limit_type: str | None = None
    text_det_thresh: float | None = None
    text_det_box_thresh: float | None = None
    text_det_unclip_ratio: float | None = None
    text_rec_score_thresh: float | None = None
    return_word_box: bool | None = None
    visualize: bool | None = None
    log_id: str | None = None

    @property
    def url(self) -> str | None:
        """The address of the file, where `file` is one."""
        return self.file if self.file.startswith(_URL) else None

    def content(self) -> bytes:
        """The file, where `file` is its base64. Line breaks in it, and what a data URL begins with, do not matter.

        Raises:
            NotUnderstood: it is not base64.
        """
        text = self.file
        if text.startswith(_DATA_URL):
            text = text[text.find(_BASE64_MARK) + len(_BASE64_MARK) :] if _BASE64_MARK in text[:200] else text
        try:
            return base64.b64decode(text.encode("ascii").translate(None, _WHITE_SPACE), validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise NotUnderstood("file is neither base64 nor an http or https URL") from error

    def check_kind(self, kind: Kind) -> None:
        """See that the file is what `fileType` says.

        Raises:
            NotUnderstood: it is another one.
        """
        if self.file_type is not None and (kind == "pdf") != (self.file_type == _PDF):
            said, found = ("a PDF file", "a picture") if self.file_type == _PDF else ("a picture", "a PDF file")
            raise NotUnderstood(f"fileType {self.file_type} says that the file is {said}, but it is {found}")

    def options(self) -> dict[str, Any]:
        """The options of the reader that are asked for, checked.

        Raises:
            NotUnderstood: a value is out of range, or asks for what is not there.
        """
        if self.use_doc_unwarping:
            raise NotUnderstood("useDocUnwarping: pages cannot be unwarped here; send false, or leave it out")
        return {name: _parsed(name, value) for name in OPTIONS if (value := getattr(self, name, None)) is not None}


def _parsed(name: str, value: Any) -> Any:
    try:
        return parse_option(name, value)
    except InvalidOption as error:
        raise NotUnderstood(str(error).replace(name, to_camel(name), 1)) from error
