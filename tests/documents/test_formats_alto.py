"""ALTO: what its schema 4.4 says of the elements that are written, and their values."""

import io

import pytest
from lxml import etree
from tests.documents.pages import HEIGHT, WIDTH, box, page, prose, turned, written

from ocr_documents.formats.alto import Alto

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
LINE = ("Longjing tea", box(50, 100, 240))
WORDS = [("Longjing", box(50, 100, 160), 0), ("tea", box(230, 100, 60), 0)]
# The content models of alto-4-4.xsd, of the elements and attributes that are used here.
PLACE = "HPOS NMTOKEN #REQUIRED VPOS NMTOKEN #REQUIRED WIDTH NMTOKEN #REQUIRED HEIGHT NMTOKEN #REQUIRED"
DTD = f"""
<!ELEMENT alto (Description?, Styles?, Tags?, ReadingOrder?, Layout)>
<!ATTLIST alto SCHEMAVERSION CDATA #FIXED "4.4" xmlns CDATA #IMPLIED xmlns:xsi CDATA #IMPLIED
  xsi:schemaLocation CDATA #IMPLIED>
<!ELEMENT Description (MeasurementUnit, sourceImageInformation?, OCRProcessing*, Processing*)>
<!ELEMENT MeasurementUnit (#PCDATA)>
<!ELEMENT sourceImageInformation (fileName?)>
<!ELEMENT fileName (#PCDATA)>
<!ELEMENT Processing (processingCategory?, processingSoftware?)>
<!ATTLIST Processing ID ID #REQUIRED>
<!ELEMENT processingCategory (#PCDATA)>
<!ELEMENT processingSoftware (softwareCreator?, softwareName?, softwareVersion?)>
<!ELEMENT softwareName (#PCDATA)>
<!ELEMENT softwareVersion (#PCDATA)>
<!ELEMENT Layout (Page+)>
<!ELEMENT Page (TopMargin?, LeftMargin?, RightMargin?, BottomMargin?, PrintSpace?)>
<!ATTLIST Page ID ID #REQUIRED PHYSICAL_IMG_NR NMTOKEN #REQUIRED PROCESSINGREFS IDREFS #IMPLIED
  WIDTH NMTOKEN #IMPLIED HEIGHT NMTOKEN #IMPLIED>
<!ELEMENT PrintSpace (Shape?, (TextBlock | ComposedBlock)*)>
<!ATTLIST PrintSpace {PLACE}>
<!ELEMENT ComposedBlock (Shape?, (TextBlock | ComposedBlock)*)>
<!ATTLIST ComposedBlock ID ID #REQUIRED {PLACE}>
<!ELEMENT TextBlock (Shape?, TextLine*)>
<!ATTLIST TextBlock ID ID #REQUIRED ROTATION NMTOKEN #IMPLIED BASEDIRECTION (ltr | rtl | ttb | btt) #IMPLIED {PLACE}>
<!ELEMENT TextLine (Shape?, (String, SP?)+)>
<!ATTLIST TextLine ID ID #REQUIRED BASELINE CDATA #IMPLIED {PLACE}>
<!ELEMENT String (Shape?)>
<!ATTLIST String CONTENT CDATA #REQUIRED WC NMTOKEN #IMPLIED {PLACE}>
<!ELEMENT SP EMPTY>
<!ELEMENT Shape (Polygon)>
<!ELEMENT Polygon EMPTY>
<!ATTLIST Polygon POINTS CDATA #REQUIRED>
"""


def tree(*pages, **options):
    return etree.fromstring(written(Alto, *pages, **options).encode())


def all_of(root, tag):
    return list(root.iter(ALTO + tag))


@pytest.mark.parametrize("degrees", [0, 3, 30, 90, 180, 270])
def test_a_file_keeps_to_the_schema(degrees):
    lines = turned(
        [*prose(300, 500, 400, "One bud and one leaf are taken at a time"), ("春茶", box(600, 500, 40))], degrees
    )
    root = tree(page(*lines), page(number=2), page(*lines, number=3, origin="document"))
    etree.DTD(io.StringIO(DTD)).assertValid(root)


def test_the_description_names_file_unit_and_software():
    root = tree(page(LINE), name="a & b <c>.pdf")
    found = {tag: all_of(root, tag)[0].text for tag in ("fileName", "MeasurementUnit", "softwareName")}
    assert found == {"fileName": "a & b <c>.pdf", "MeasurementUnit": "pixel", "softwareName": "triton-paddleocr"}


def test_pages_have_number_size_and_origin():
    read, carried = all_of(tree(page(LINE, number=3), page(LINE, number=4, origin="document")), "Page")
    assert dict(read.attrib) == {
        **{"ID": "page_3", "PHYSICAL_IMG_NR": "3", "PROCESSINGREFS": "ocr"},
        **{"WIDTH": str(WIDTH), "HEIGHT": str(HEIGHT)},
    }
    assert "PROCESSINGREFS" not in carried.attrib


def test_words_have_content_place_and_confidence_and_spaces_between():
    (line,) = all_of(tree(page(LINE, words=WORDS)), "TextLine")
    assert [child.tag.removeprefix(ALTO) for child in line] == ["String", "SP", "String"]
    assert dict(line[0].attrib) == {
        **{"CONTENT": "Longjing", "WC": "0.7500"},
        **{"HPOS": "50", "VPOS": "100", "WIDTH": "160", "HEIGHT": "20"},
    }
    assert line.get("BASELINE") == "50,116 290,116"


def test_characters_of_chinese_have_no_spaces_between():
    words = [("绿", box(50, 100, 20), 0), ("茶", box(70, 100, 20), 0)]
    (line,) = all_of(tree(page(("绿茶", box(50, 100, 40)), words=words)), "TextLine")
    assert [child.get("CONTENT") for child in line] == ["绿", "茶"]


def test_a_tilted_line_has_the_shape_of_its_box():
    (line,) = all_of(tree(page(("tilted", [[100, 100], [500, 200], [495, 220], [95, 120]]))), "TextLine")
    assert line[0][0].get("POINTS") == "100,100 500,200 495,220 95,120"


@pytest.mark.parametrize(
    ("text", "degrees", "expected"),
    [
        ("tea", 0, {}),
        ("tea", 90, {"ROTATION": "270.0"}),
        ("tea", 180, {"ROTATION": "180.0"}),
        ("tea", 270, {"ROTATION": "90.0"}),
        ("春眠不覺曉", 90, {"BASEDIRECTION": "ttb"}),
        ("שלום עולם", 0, {"BASEDIRECTION": "rtl"}),
    ],
)
def test_blocks_say_where_their_text_runs(text, degrees, expected):
    (block,) = all_of(tree(page(*turned([(text, box(400, 700, 200))], degrees))), "TextBlock")
    assert {key: value for key, value in block.attrib.items() if key in ("ROTATION", "BASEDIRECTION")} == expected
