"""The engine: pages that OCRmyPDF has drawn, read by this project's models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ocrmypdf.exceptions import ExitCodeException
from ocrmypdf.models.ocr_element import OcrElement
from ocrmypdf.pluginspec import OcrEngine, OrientationConfidence
from PIL import Image

from ocr_client.ocrmypdf_plugin.elements import page_element
from ocr_client.ocrmypdf_plugin.readers import ENGINE, ReaderChoice, open_reader
from ocr_contract import __version__
from ocr_contract.errors import OcrError
from ocr_contract.frame import Floats, weighted_median
from ocr_contract.quads import sides
from ocr_contract.reader import Reader
from ocr_contract.result import FloatArray, OcrResult
from ocr_documents.document import PageResult
from ocr_documents.formats import FORMATS

_SURE = 100.0  # of OCRmyPDF's scale of confidence, on which --rotate-pages-threshold is 14 by default


class TritonPaddleOcrEngine(OcrEngine):
    """PaddleOCR's models behind a Triton server, or in this process, as an engine of OCRmyPDF.

    Which languages it reads is the model set's matter, so OCRmyPDF's --language has no effect.
    """

    @staticmethod
    def version() -> str:
        """Version of this project."""
        return __version__

    @staticmethod
    def creator_tag(options: Any) -> str:
        """What the PDF's metadata say of the engine."""
        return f"{ENGINE} {__version__}"

    def __str__(self) -> str:
        return f"{ENGINE} {__version__}"

    @staticmethod
    def languages(options: Any) -> set[str]:
        """The empty set: OCRmyPDF then takes any --language."""
        return set()

    @staticmethod
    def get_orientation(input_file: Path, options: Any) -> OrientationConfidence:
        """How far the page is turned, from the direction of its lines, and how many of them agree (0..100)."""
        with _errors_of_ocrmypdf():
            boxes = _reader(options).detect(input_file, use_doc_orientation_classify=True).boxes
        return _orientation(boxes)

    @staticmethod
    def get_deskew(input_file: Path, options: Any) -> float:
        """Degrees by which the picture must be turned counter-clockwise for its lines to lie level."""
        with _errors_of_ocrmypdf():
            boxes = _reader(options).detect(input_file).boxes
        return _skew(boxes)

    @staticmethod
    def supports_generate_ocr() -> bool:
        """True: the text comes as a tree of elements."""
        return True

    @staticmethod
    def generate_ocr(input_file: Path, options: Any, page_number: int = 0) -> tuple[OcrElement, str]:
        """Read a page.

        Returns:
            Its lines and words as OCRmyPDF's elements, and its text, a line each.
        """
        page = _read(input_file, options, page_number)
        return page_element(page), "".join(f"{text}\n" for text in page.result.texts)

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:
        """Read a page into a hOCR file and a text file."""
        page = _read(input_file, options, 0)
        hocr = FORMATS["hocr"]()
        output_hocr.write_text(hocr.head(input_file.name) + hocr.page(page) + hocr.tail(), encoding="utf-8")
        output_text.write_text("".join(f"{text}\n" for text in page.result.texts), encoding="utf-8")

    @staticmethod
    def generate_pdf(input_file: Path, output_pdf: Path, output_text: Path, options: Any) -> None:
        """Not offered; `check_options` has refused the renderer that would ask for it."""
        raise NotImplementedError(f"{ENGINE} leaves it to OCRmyPDF to make the PDF")


def _reader(options: Any) -> Reader:
    return open_reader(ReaderChoice.of(options))


def _read(input_file: Path, options: Any, page_number: int) -> PageResult:
    """Read a picture with its words; pages count from 0 here, as in OCRmyPDF."""
    with Image.open(input_file) as picture:
        width, height = picture.size
        dpi = float(picture.info.get("dpi", (72, 72))[0])
    with _errors_of_ocrmypdf():
        result: OcrResult = _reader(options).ocr(input_file, return_word_box=True)
    return PageResult(page_number + 1, width, height, dpi, "ocr", result)


@contextmanager
def _errors_of_ocrmypdf() -> Iterator[None]:
    """Let OCRmyPDF end with the message of an error instead of a traceback."""
    try:
        yield
    except OcrError as error:
        raise ExitCodeException(f"{ENGINE}: {error}") from error


def _directions(boxes: FloatArray) -> tuple[Floats, Floats]:
    """(N,) degrees by which lines are turned clockwise, -180..180, and (N,) their lengths, from boxes (N, 4, 2)."""
    along, _ = sides(boxes.astype(np.float64))
    return np.degrees(np.arctan2(along[:, 1], along[:, 0])), np.hypot(along[:, 0], along[:, 1])


def _orientation(boxes: FloatArray) -> OrientationConfidence:
    degrees, lengths = _directions(boxes)
    if not lengths.sum():
        return OrientationConfidence(0, 0.0)
    share = np.bincount(np.rint(degrees / 90).astype(int) % 4, lengths, 4) / lengths.sum()
    # A page with its head to the right (lines downwards) is turned by 90 clockwise; OCRmyPDF turns it by as much back.
    return OrientationConfidence(int(share.argmax()) * 90, _SURE * float(2 * share.max() - 1))


def _skew(boxes: FloatArray) -> float:
    degrees, lengths = _directions(boxes)
    if not lengths.sum():
        return 0.0
    tilt = (degrees + 45) % 90 - 45
    return weighted_median(tilt, lengths)
