"""ALTO 4.4 (loc.gov/standards/alto): XML for libraries and archives."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree as ET

from ocr_contract import __version__
from ocr_contract.characters import stands_alone
from ocr_documents.blocks import Paragraph, blocks_of
from ocr_documents.document import PageResult
from ocr_documents.formats.format import Format
from ocr_documents.formats.measures import Box, angle, baseline, bounds, fills_bounds, is_upright, within
from ocr_documents.texts import is_right_to_left, one_line
from ocr_documents.words import Word, words_of_lines

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.loc.gov/standards/alto/ns-v4# http://www.loc.gov/standards/alto/v4/alto-4-4.xsd" \
SCHEMAVERSION="4.4">
 <Description>
  <MeasurementUnit>pixel</MeasurementUnit>
  <sourceImageInformation>
   <fileName>{name}</fileName>
  </sourceImageInformation>
  <Processing ID="ocr">
   <processingCategory>contentGeneration</processingCategory>
   <processingSoftware>
    <softwareName>triton-paddleocr</softwareName>
    <softwareVersion>{version}</softwareVersion>
   </processingSoftware>
  </Processing>
 </Description>
 <Layout>
"""


class Alto(Format):
    """Blocks as `ComposedBlock`, paragraphs as `TextBlock`, lines, and words as `String`."""

    meaning = "ALTO 4.4: pages, blocks, paragraphs, lines and words"
    suffix = ".xml"
    needs_words = True

    def head(self, name: str, pages: int | None = None) -> str:
        """Up to the first page."""
        return _HEAD.format(name=escape(one_line(name), quote=False), version=__version__)

    def page(self, page: PageResult) -> str:
        """An element `Page`."""
        result, words = page.result, words_of_lines(page.result)
        size = {"WIDTH": str(page.width_px), "HEIGHT": str(page.height_px)}
        root = ET.Element(
            "Page", {"ID": f"page_{page.number}", "PHYSICAL_IMG_NR": str(page.number), "PROCESSINGREFS": "ocr", **size}
        )
        if page.origin == "document":
            del root.attrib["PROCESSINGREFS"]  # nobody read it
        space = ET.SubElement(root, "PrintSpace", {"HPOS": "0", "VPOS": "0", **size})
        paragraph_number = line_number = 0
        for block_number, block in enumerate(blocks_of(result), 1):
            name = f"block_{page.number}_{block_number}"
            area = _placed(space, "ComposedBlock", result.boxes[[*block.lines]], page, ID=name)
            for paragraph in block.paragraphs:
                paragraph_number += 1
                text_block = _text_block(area, paragraph, page, f"par_{page.number}_{paragraph_number}")
                for line in paragraph.lines:
                    line_number += 1
                    _line(text_block, result.boxes[line], words[line], page, f"line_{page.number}_{line_number}")
        ET.indent(root, " ", level=2)
        return f"  {ET.tostring(root, encoding='unicode')}\n"

    def tail(self) -> str:
        """The end of the layout."""
        return " </Layout>\n</alto>\n"


def _text_block(area: ET.Element, paragraph: Paragraph, page: PageResult, name: str) -> ET.Element:
    lines = [*paragraph.lines]
    element = _placed(area, "TextBlock", page.result.boxes[lines], page, ID=name)
    text, first = "".join(page.result.texts[line] for line in lines), page.result.boxes[lines[0]]
    if is_right_to_left(text):
        element.set("BASEDIRECTION", "rtl")
    elif -135 < angle(first) < -45 and sum(map(stands_alone, text)) > len(text) / 2:
        element.set("BASEDIRECTION", "ttb")  # a column of CJK characters, each of which is upright
    elif not is_upright(first):
        element.set("ROTATION", f"{angle(first) % 360:.1f}")
    return element


def _line(paragraph: ET.Element, box: Box, words: list[Word], page: PageResult, name: str) -> None:
    line = _placed(paragraph, "TextLine", box, page, ID=name, BASELINE=_points(baseline(box), page))
    _shape(line, box, page)
    for word in words:
        if word.after_space:
            ET.SubElement(line, "SP")
        string = _placed(line, "String", word.box, page, CONTENT=one_line(word.text), WC=f"{word.score:.4f}")
        _shape(string, word.box, page)


def _placed(parent: ET.Element, tag: str, boxes: Box, page: PageResult, **attributes: str) -> ET.Element:
    left, top, right, bottom = bounds(boxes, page)
    place = {"HPOS": left, "VPOS": top, "WIDTH": right - left, "HEIGHT": bottom - top}
    return ET.SubElement(parent, tag, attributes, **{key: str(value) for key, value in place.items()})


def _shape(element: ET.Element, box: Box, page: PageResult) -> None:
    """The corners of what does not fill its bounding box."""
    if not fills_bounds(box):
        ET.SubElement(ET.SubElement(element, "Shape"), "Polygon", POINTS=_points(box, page))


def _points(points: Box, page: PageResult) -> str:
    return " ".join(f"{x},{y}" for x, y in within(points, page))
