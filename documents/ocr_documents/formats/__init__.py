"""What pages can be written as; a format more is a module here, and an entry in `FORMATS`."""

from collections.abc import Mapping
from types import MappingProxyType

from ocr_documents.formats.alto import Alto
from ocr_documents.formats.format import Format
from ocr_documents.formats.hocr import Hocr
from ocr_documents.formats.json import Json
from ocr_documents.formats.markdown import Markdown
from ocr_documents.formats.text import Text
from ocr_documents.formats.tsv import Tsv

FORMATS: Mapping[str, type[Format]] = MappingProxyType(
    {"text": Text, "json": Json, "tsv": Tsv, "hocr": Hocr, "alto": Alto, "markdown": Markdown}
)

__all__ = ["FORMATS", "Format"]
