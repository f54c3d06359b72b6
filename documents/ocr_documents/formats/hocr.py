"""hOCR 1.2 (kba.github.io/hocr-spec/1.2): XHTML whose elements say where they stand on the page."""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree as ET

import numpy as np

from ocr_contract import __version__
from ocr_documents.blocks import Paragraph, blocks_of
from ocr_documents.document import PageResult
from ocr_documents.formats.format import Format
from ocr_documents.formats.measures import Box, angle, baseline, bounds, fills_bounds, is_upright, within
from ocr_documents.texts import is_right_to_left, one_line
from ocr_documents.words import Word, words_of_lines

_CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_dir ocrp_poly"
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
 <head>
  <title>{title}</title>
  <meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
  <meta name="ocr-system" content="triton-paddleocr {version}" />
  <meta name="ocr-capabilities" content="{capabilities}" />
{pages} </head>
 <body>
"""
_PAGES = '  <meta name="ocr-number-of-pages" content="{pages}" />\n'


class Hocr(Format):
    """Pages, areas, paragraphs, lines and words, with the identifiers that Tesseract gives them."""

    meaning = "hOCR 1.2: pages, blocks, paragraphs, lines and words"
    suffix = ".hocr"
    needs_words = True

    def __init__(self) -> None:
        self._name = ""

    def head(self, name: str, pages: int | None = None) -> str:
        """Up to the body's first element."""
        self._name = one_line(name)
        return _HEAD.format(
            title=escape(self._name),
            version=__version__,
            capabilities=_CAPABILITIES,
            pages="" if pages is None else _PAGES.format(pages=pages),
        )

    def page(self, page: PageResult) -> str:
        """An element `ocr_page`."""
        image = re.sub('[";%]', lambda match: f"%{ord(match[0]):02X}", self._name)
        properties = [f'image "{image}"', f"bbox 0 0 {page.width_px} {page.height_px}", f"ppageno {page.number - 1}"]
        if page.dpi is not None:
            properties.append("scan_res {0} {0}".format(round(page.dpi)))
        root = _element(None, "div", "ocr_page", f"page_{page.number}", properties)
        result, words = page.result, words_of_lines(page.result)
        numbers = _Numbers(page.number)
        for block in blocks_of(result):
            bbox = _bbox(result.boxes[[*block.lines]], page)
            area = _element(root, "div", "ocr_carea", numbers.next("block"), [bbox])
            for paragraph in block.paragraphs:
                element = _paragraph(area, paragraph, page, numbers)
                for line in paragraph.lines:
                    _line(element, result.boxes[line], words[line], page, numbers)
        return ET.tostring(root, encoding="unicode")

    def tail(self) -> str:
        """The end of the body."""
        return " </body>\n</html>\n"


class _Numbers:
    """Identifiers: what it is, the page's number, and a number from 1 on."""

    def __init__(self, page: int) -> None:
        self._page = page
        self._reached: dict[str, int] = {}

    def next(self, what: str) -> str:
        number = self._reached[what] = self._reached.get(what, 0) + 1
        return f"{what}_{self._page}_{number}"


def _paragraph(area: ET.Element, paragraph: Paragraph, page: PageResult, numbers: _Numbers) -> ET.Element:
    lines = [*paragraph.lines]
    element = _element(area, "p", "ocr_par", numbers.next("par"), [_bbox(page.result.boxes[lines], page)])
    if is_right_to_left("".join(page.result.texts[line] for line in lines)):
        element.set("dir", "rtl")
    return element


def _line(paragraph: ET.Element, box: Box, words: list[Word], page: PageResult, numbers: _Numbers) -> None:
    """A line, its words on one line of the file: white space stands between them where the text has it."""
    left, _, _, bottom = bounds(box, page)
    properties = [_bbox(box, page)]
    if is_upright(box):
        (x0, y0), (x1, y1) = baseline(box).tolist()
        slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
        properties.append(f"baseline {_decimal(slope)} {round(y0 + slope * (left - x0) - bottom)}")
    else:
        properties.append(f"textangle {_decimal(angle(box) % 360)}")
    if not fills_bounds(box):
        properties.append("poly " + " ".join(f"{x} {y}" for x, y in within(box, page)))
    line = _element(paragraph, "span", "ocr_line", numbers.next("line"), properties)
    for word, following in zip(words, [*words[1:], None], strict=True):
        title = [_bbox(word.box, page), f"x_wconf {round(100 * word.score)}"]
        element = _element(line, "span", "ocrx_word", numbers.next("word"), title)
        element.text = one_line(word.text)
        element.tail = " " if following and following.after_space else None


def _element(parent: ET.Element | None, tag: str, kind: str, number: str, properties: list[str]) -> ET.Element:
    """An element on a line of its own, and its parts likewise unless it is a `span`."""
    attributes = {"class": kind, "id": number, "title": "; ".join(properties)}
    element = ET.Element(tag, attributes) if parent is None else ET.SubElement(parent, tag, attributes)
    element.text, element.tail = None if tag == "span" else "\n", "\n"
    return element


def _bbox(boxes: Box, page: PageResult) -> str:
    return "bbox " + " ".join(map(str, bounds(boxes, page)))


def _decimal(value: float) -> str:
    return np.format_float_positional(round(value, 3) + 0.0, trim="-")
