"""Searchable PDF, seen through pdfminer.six and pdfium, which know nothing of how it was made."""

import io

import img2pdf
import numpy as np
import pikepdf
import pypdfium2
import pytest
from pdfminer.high_level import extract_text
from pikepdf import Array, Dictionary, Encryption, Name, Permissions
from PIL import Image, ImageDraw, ImageOps
from tests.documents.pages import HEIGHT, SIZE, WIDTH, box, page, turned
from tests.documents.pdf_files import filled_form

from ocr_documents.document import PageResult
from ocr_documents.errors import BrokenDocument, EncryptedDocument, NoSuchPage, SignedDocument
from ocr_documents.pdf.text_layer import write_searchable

DPI = 100
UNIT = 72 / DPI  # user space units a pixel


def searchable(source, *pages, replace_text=False):
    target = io.BytesIO()
    write_searchable(source, pages, target, replace_text=replace_text)
    assert not pikepdf.open(io.BytesIO(target.getvalue())).check_pdf_syntax()
    return target.getvalue()


def scan(**entries):
    """A PDF of one scanned page with bars for lines, WIDTH x HEIGHT pixels; entries are of its page."""
    picture = Image.new("L", (WIDTH, HEIGHT), 230)
    for top in range(100, HEIGHT - 100, 90):
        ImageDraw.Draw(picture).rectangle((80, top, WIDTH - 200, top + 25), fill=20)
    stored = io.BytesIO()
    picture.save(stored, "PNG", dpi=(DPI, DPI))
    return changed(img2pdf.convert(stored.getvalue()), **entries)


def changed(data, **entries):
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for key, value in entries.items():
            pdf.pages[0].obj["/" + key] = value
        return saved(pdf)


def saved(pdf, **options):
    written = io.BytesIO()
    pdf.save(written, **options)
    return written.getvalue()


def drawn(data):
    """All pages as arrays."""
    with pypdfium2.PdfDocument(data) as pdf:
        return [np.asarray(page.render(scale=1).to_pil()) for page in pdf]


def same_pictures(before, after):
    return all(np.array_equal(a, b) for a, b in zip(drawn(before), drawn(after), strict=True))


def pdfium_text(data, number=1):
    with pypdfium2.PdfDocument(data) as pdf:
        return pdf[number - 1].get_textpage().get_text_range()


def pdfium_boxes(data, number=1):
    """Characters with their boxes (left, bottom, right, top) in user space."""
    with pypdfium2.PdfDocument(data) as pdf:
        text = pdf[number - 1].get_textpage()
        return [(text.get_text_range(i, 1), text.get_charbox(i)) for i in range(text.count_chars())]


def words_on(text, left, top, size=SIZE, gap=None):
    """A line's words where a typewriter puts them: [(text, box, 0)]; by another gap in pixels than a space."""
    at, words = left, []
    for word in text.split():
        words.append((word, box(at, top, len(word) * size / 2, size), 0))
        at += len(word) * size / 2 + (size / 2 if gap is None else gap)
    return words


def whole_line(text, words):
    """The line of words in a row."""
    first, last = np.array(words[0][1]), np.array(words[-1][1])
    return text, [first[0], last[1], last[2], first[3]]


def read(text, left=100, top=100, turn=0, **more):
    """A page of one line."""
    words = words_on(text, left, top, **more)
    line = whole_line(text, words)
    if turn:
        (line,) = turned([line], turn)
        words = [(word, quad, 0) for word, quad in turned([(word, quad) for word, quad, _ in words], turn)]
    return page(line, words=words)


def lines(*texts, left=100, top=100, pitch=26):
    """A page of lines with words, one under the other."""
    every, words = [], []
    for number, text in enumerate(texts):
        own = words_on(text, left, top + number * pitch)
        every.append(whole_line(text, own))
        words += [(word, quad, number) for word, quad, _ in own]
    return page(*every, words=words)


SOME = ("Tea is picked by hand", "one bud and one leaf", "12.50 a pound, at noon")


class TestText:
    def test_is_found_line_by_line_in_reading_order(self):
        made = searchable(scan(), lines(*SOME))
        assert extract_text(io.BytesIO(made)).split("\n\n")[0].splitlines() == list(SOME)
        assert pdfium_text(made).splitlines() == list(SOME)

    def test_of_columns_stays_in_the_order_of_the_result(self):
        left, right = lines(*SOME, left=80), lines("and so on", "to the end", left=420)
        both = page(
            *zip(left.result.texts + right.result.texts, [*left.result.boxes, *right.result.boxes], strict=True),
            words=[
                *zip(left.result.words, left.result.word_boxes, left.result.word_lines, strict=True),
                *zip(right.result.words, right.result.word_boxes, right.result.word_lines + 3, strict=True),
            ],
        )
        assert pdfium_text(searchable(scan(), both)).splitlines() == [*SOME, "and so on", "to the end"]

    def test_of_lines_without_words_is_written_as_well(self):
        made = searchable(scan(), page(("Tea is picked by hand", box(100, 100, 400))))
        assert pdfium_text(made) == "Tea is picked by hand"

    def test_in_any_script_comes_back_as_it_is(self):
        texts = ("naïve Łódź", "цена чая", "𠮷野家 😀", "ราคาชา", "mañana ½ €")
        found = pdfium_text(searchable(scan(), lines(*texts, pitch=40))).splitlines()
        assert found == list(texts)

    def test_of_chinese_has_no_spaces_between_its_characters_though_they_stand_apart(self):
        text = "春眠不觉晓"
        words = [(character, box(100 + 30 * i, 100, 20), 0) for i, character in enumerate(text)]
        made = searchable(scan(), page((text, box(100, 100, 140)), words=words))
        assert extract_text(io.BytesIO(made)).strip() == text
        assert pdfium_text(made) == text

    def test_has_its_spaces_though_the_boxes_of_words_touch(self):
        made = searchable(scan(), read("so close they touch", gap=0))
        assert extract_text(io.BytesIO(made)).strip() == "so close they touch"
        assert pdfium_text(made) == "so close they touch"

    @pytest.mark.parametrize("upright", [False, True])
    def test_of_a_vertical_column_is_one_line_from_top_to_bottom(self, upright):
        text = "茶摘八十八夜"
        quads = [box(500, 100 + 22 * i, 20, 22) for i in range(len(text))]
        line = box(500, 100, 20, 22 * len(text))
        if not upright:  # as the pipeline gives them: begun at the corner where the turned line begins
            quads, line = [np.roll(quad, -1, axis=0) for quad in quads], np.roll(line, -1, axis=0)
        made = searchable(scan(), page((text, line), words=[(c, q, 0) for c, q in zip(text, quads, strict=True)]))
        assert pdfium_text(made) == text
        tops = [char_box[3] for _, char_box in pdfium_boxes(made)]
        assert tops == sorted(tops, reverse=True)

    def test_from_right_to_left_comes_back_as_it_is_read(self):
        words = [("שלום", box(500, 100, 60), 0), ("עולם", box(420, 100, 60), 0), ("123", box(370, 100, 30), 0)]
        made = searchable(scan(), page(("שלום עולם 123", box(370, 100, 190)), words=words))
        assert pdfium_text(made) == "שלום עולם 123"
        assert "שלום עולם" in extract_text(io.BytesIO(made))

    def test_that_no_file_can_hold_is_replaced(self):
        made = searchable(scan(), page(("a\x00b\ud800c", box(100, 100, 100))))
        assert extract_text(io.BytesIO(made)).strip() == "a\ufffdb\ufffdc"


class TestPlace:
    @pytest.mark.parametrize("turn", [0, 3, -8, 10, 25, 90, -90])
    def test_of_every_word_is_where_it_is_printed(self, turn):
        result = read("along the tilt it goes", left=400, top=700, turn=turn)
        made = searchable(scan(), result)
        spans = [[], [], [], [], []]
        word = 0
        for character, char_box in pdfium_boxes(made):
            if character.isspace():
                word += character == " "
            else:
                spans[word].append(char_box)
        for number, quad in enumerate(result.result.word_boxes):
            boxes = np.array(spans[number])
            found = [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]
            printed = np.array([quad[:, 0] * UNIT, (HEIGHT - quad[:, 1]) * UNIT]).T
            middle = (found[0] + found[2]) / 2, (found[1] + found[3]) / 2
            assert np.abs(printed.mean(axis=0) - middle).max() < 0.25 * SIZE * UNIT

    @pytest.mark.parametrize("turns", [0, 1, 2, 3, -1, 5])
    @pytest.mark.parametrize("boxes", [{}, {"CropBox": [30, 50, 600, 900]}, {"MediaBox": [-80, 40, 640, 1048]}])
    def test_follows_the_page_as_it_is_shown(self, turns, boxes):
        """A dark square on the shown page, a word on it: they meet in the page's own coordinates."""
        with pikepdf.open(io.BytesIO(scan(Rotate=90 * turns, **boxes))) as pdf:
            pdf.pages[0].contents_add(b"1 g 0 0 2000 2000 re f 0 g 200 300 40 20 re f")
            source = saved(pdf)
        (picture,) = drawn(source)
        rows, columns = np.nonzero(picture[..., 0] < 128)
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        shown = page(("Tea", [[left, top], [right, top], [right, bottom], [left, bottom]]))
        height, width = picture.shape[:2]
        made = searchable(source, type(shown)(1, width, height, 72.0, "ocr", shown.result))
        found = np.array([char_box for _, char_box in pdfium_boxes(made)])
        assert found[:, 0].min() == pytest.approx(200, abs=8)
        assert found[:, 2].max() == pytest.approx(240, abs=8)
        assert found[:, 1].min() == pytest.approx(300, abs=8)
        assert found[:, 3].max() == pytest.approx(320, abs=8)
        assert same_pictures(source, made)


def with_content(*contents, resources=None):
    """A PDF of a page with these content streams, and Helvetica as /F."""
    with pikepdf.new() as pdf:
        made = pdf.add_blank_page(page_size=(WIDTH * UNIT, HEIGHT * UNIT)).obj
        helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        made.Resources = Dictionary(Font=Dictionary(F=helvetica), **(resources or {}))
        made.Contents = Array([pdf.make_stream(content) for content in contents])
        return saved(pdf)


class TestPage:
    def test_looks_as_before_and_keeps_its_own_streams(self):
        own = [b"q 0.5 g 100 100 200 200 re", b" f Q BT /F 30 Tf 100 500 Td (Visible) Tj ET"]
        source = with_content(*own)
        made = searchable(source, read("Tea"))
        with pikepdf.open(io.BytesIO(made)) as pdf:
            assert [stream.read_bytes() for stream in pdf.pages[0].Contents][1:] == own
        assert same_pictures(source, made)

    def test_shares_its_resources_with_others_that_stay_as_they_are(self):
        with pikepdf.open(io.BytesIO(with_content(b"BT /F 30 Tf 100 500 Td (One) Tj ET"))) as pdf:
            first = pdf.pages[0].obj
            pdf.pages.append(pdf.pages[0])
            tree = pdf.Root.Pages
            tree.Resources = pdf.make_indirect(first.Resources)
            for each in pdf.pages:
                del each.obj["/Resources"]
            source = saved(pdf)
        made = searchable(source, read("Tea"))
        with pikepdf.open(io.BytesIO(made)) as pdf:
            assert set(pdf.pages[0].Resources.Font.keys()) == {"/F", "/OcrText"}
            assert set(pdf.pages[1].Resources.Font.keys()) == {"/F"}
        assert same_pictures(source, made)
        assert [pdfium_text(made, number) for number in (1, 2)] == ["Tea\r\nOne", "One"]

    def test_whose_font_has_our_name_keeps_it(self):
        source = with_content(b"BT /OcrText 30 Tf 100 500 Td (One) Tj ET", resources={})
        with pikepdf.open(io.BytesIO(source)) as pdf:
            fonts = pdf.pages[0].Resources.Font
            fonts["/OcrText"] = fonts["/F"]
            source = saved(pdf)
        assert same_pictures(source, searchable(source, read("Tea")))

    def test_without_content_gets_text(self):
        assert pdfium_text(searchable(with_content(), read("Tea"))) == "Tea"

    def test_that_was_not_read_stays_as_it_is(self):
        source = with_content(b"BT /F 30 Tf 100 500 Td (One) Tj ET")
        carried = page(("Tea", box(100, 100, 100)), origin="document")
        assert searchable(source, carried) == source

    def test_that_does_not_exist_is_an_error(self):
        with pytest.raises(NoSuchPage, match="page 2"):
            searchable(scan(), page(("Tea", box(100, 100, 100)), number=2))


class TestEarlierText:
    LAYER = b"q BT 3 Tr /F 12 Tf 1 0 0 1 72 900 Tm (Old words) Tj 1 0 0 1 72 880 Tm [(of an) -300 (OCR)] TJ ET Q"

    def test_is_replaced_and_what_is_seen_stays(self):
        source = with_content(b"0.5 g 100 100 200 200 re f", self.LAYER, b"BT /F 30 Tf 100 500 Td (Seen) Tj ET")
        made = searchable(source, read("Tea"), replace_text=True)
        assert pdfium_text(made).split() == ["Tea", "Seen"]
        assert same_pictures(source, made)

    def test_is_kept_unless_it_is_to_be_replaced(self):
        made = searchable(with_content(self.LAYER), read("Tea"))
        assert "Old words" in pdfium_text(made)

    def test_that_comes_before_text_which_goes_on_from_it_is_kept(self):
        source = with_content(b"BT /F 30 Tf 100 500 Td 3 Tr (Before) Tj 0 Tr (After) Tj 0 -40 Td 3 Tr (Gone) Tj ET")
        made = searchable(source, read("Tea"), replace_text=True)
        assert same_pictures(source, made)
        assert "Gone" not in pdfium_text(made)

    def test_of_lines_set_one_after_the_other_leaves_the_next_in_its_place(self):
        source = with_content(b"BT /F 30 Tf 40 TL 100 500 Td 3 Tr (a) ' 5 2 (b) \" 0 Tr (Seen here) ' ET")
        made = searchable(source, read("Tea"), replace_text=True)
        assert same_pictures(source, made)
        assert pdfium_text(made).split() == ["Tea", "Seen", "here"]

    def test_in_a_form_is_replaced_for_the_page_alone(self):
        with pikepdf.open(io.BytesIO(with_content(b"q /Fm Do Q"))) as pdf:
            form = pdf.make_stream(self.LAYER + b" 0.2 g 300 300 50 50 re f")
            form.Subtype, form.BBox = Name.Form, Array([0, 0, 720, 1008])
            form.Resources = pdf.pages[0].Resources
            pdf.pages[0].Resources = Dictionary(XObject=Dictionary(Fm=form))
            pdf.pages.append(pdf.pages[0])
            source = saved(pdf)
        made = searchable(source, read("Tea"), replace_text=True)
        assert pdfium_text(made, 1) == "Tea"
        assert "Old words" in pdfium_text(made, 2)
        assert same_pictures(source, made)

    def test_of_our_own_does_not_pile_up(self):
        once = searchable(scan(), lines(*SOME), replace_text=True)
        again = searchable(once, lines(*SOME), replace_text=True)
        assert pdfium_text(again) == pdfium_text(once)
        assert abs(len(again) - len(once)) < 300

    @pytest.mark.parametrize("turns", [0, 1, 2, 3])
    def test_is_not_written_over_text_that_is_seen(self, turns):
        source = with_content(b"BT /F 30 Tf 100 500 Td (Seen) Tj ET BT /F 8 Tf 400 400 Td (x) Tj ET")
        source = changed(source, Rotate=90 * turns, CropBox=[50, 60, 650, 900])
        (picture,) = drawn(source)
        rows, columns = np.nonzero(picture[..., 0] < 128)
        far = columns < 0
        for axis, value in ((0, rows), (1, columns)):
            far |= np.abs(value - np.median(value)) > 60 + 0 * axis
        left, top, right, bottom = columns[~far].min(), rows[~far].min(), columns[~far].max(), rows[~far].max()
        height, width = picture.shape[:2]
        seen = [[left, top], [right, top], [right, bottom], [left, bottom]]
        result = page(("Seen", seen), ("Tea", box(10, 10, 30)))
        made = searchable(source, type(result)(1, width, height, 72.0, "ocr", result.result), replace_text=True)
        assert sorted(pdfium_text(made).split()) == ["Seen", "Tea", "x"]

    def test_is_not_written_over_what_a_form_field_shows(self):
        """The field stands at (150, 690) to (350, 715) of 612 x 792 points; pdfminer.six does not look into it."""
        words = [("seen", box(152, 82, 30, 16)), ("beside", box(400, 82, 60, 16))]
        made = searchable(filled_form(b"seen in the field"), PageResult(1, 612, 792, 72.0, "ocr", page(*words).result))
        assert "beside" in extract_text(io.BytesIO(made))
        assert "seen" not in extract_text(io.BytesIO(made))


class TestChange:
    def test_of_a_document_that_needs_a_password_is_refused(self):
        with pikepdf.open(io.BytesIO(scan())) as pdf:
            source = saved(pdf, encryption=Encryption(user="a", owner="b"))
        with pytest.raises(EncryptedDocument, match="needs a password"):
            searchable(source, read("Tea"))

    def test_that_the_owner_has_not_allowed_is_refused(self):
        with pikepdf.open(io.BytesIO(scan())) as pdf:
            rights = Encryption(user="", owner="b", allow=Permissions(modify_other=False))
            source = saved(pdf, encryption=rights)
        with pytest.raises(EncryptedDocument, match="owner's password"):
            searchable(source, read("Tea"))

    def test_that_the_owner_has_allowed_keeps_the_encryption(self):
        with pikepdf.open(io.BytesIO(scan())) as pdf:
            source = saved(pdf, encryption=Encryption(user="", owner="b"))
        made = searchable(source, read("Tea"))
        assert pdfium_text(made) == "Tea"
        with pikepdf.open(io.BytesIO(made)) as pdf:
            assert pdf.is_encrypted

    @pytest.mark.parametrize(("flags", "value"), [(3, True), (0, True), (3, False), (1, None)])
    def test_of_a_signed_document_is_refused(self, flags, value):
        with pytest.raises(SignedDocument, match="is signed"):
            searchable(with_form(flags, value), read("Tea"))

    def test_of_a_document_that_waits_to_be_signed_is_made(self):
        assert pdfium_text(searchable(with_form(1, False), read("Tea"))) == "Tea"

    @pytest.mark.parametrize("source", [b"", b"no document", b"%PDF-1.7 and no more", b"II*\0\xff\xff\xff\x7f"])
    def test_of_what_is_no_document_is_refused(self, source):
        with pytest.raises(BrokenDocument):
            searchable(source, read("Tea"))

    def test_that_cannot_be_written_raises_the_error_of_the_target(self):
        class Full(io.BytesIO):
            def write(self, data):
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space left"):
            write_searchable(scan(), [read("Tea")], Full(), replace_text=False)

    def test_of_a_file_whose_end_is_lost_is_refused_as_drawing_it_is(self):
        source = scan()
        with pytest.raises(BrokenDocument, match="is not a PDF file, or a broken one"):
            searchable(source[: source.rindex(b"xref\n", 0, source.rindex(b"startxref"))], read("Tea"))

    def test_gives_the_same_bytes_again(self, tmp_path):
        source = scan()
        (tmp_path / "scan.pdf").write_bytes(source)
        assert searchable(source, lines(*SOME)) == searchable(tmp_path / "scan.pdf", lines(*SOME))


def with_form(flags, value):
    """A scan with a form: a signature field with or without a value, or None for no field at all."""
    with pikepdf.open(io.BytesIO(scan())) as pdf:
        fields = []
        if value is not None:
            signature = Dictionary(FT=Name.Sig, T="signature")
            if value:
                signature.V = Dictionary(Type=Name.Sig, Contents=b"signed")
            signature = pdf.make_indirect(signature)
            signature.Parent = pdf.make_indirect(Dictionary(T="group", Kids=Array([signature])))
            fields = [signature.Parent]
        pdf.Root.AcroForm = Dictionary(Fields=Array(fields), SigFlags=flags)
        return saved(pdf)


def stored(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def coloured():
    pixels = np.full((60, 100, 3), 255, np.uint8)
    pixels[5:20, 5:40], pixels[30:50, 60:95] = (200, 30, 30), (20, 20, 160)
    return Image.fromarray(pixels)


def transparent():
    picture = coloured().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


class TestPictures:
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_stand_as_a_person_sees_them(self, form, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = stored(coloured(), form, exif=exif, quality=100, lossless=True)
        expected = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
        self.check(file, [expected])

    @pytest.mark.parametrize(
        ("picture", "form", "options"),
        [
            (transparent(), "PNG", {}),
            (transparent().convert("LA"), "PNG", {}),
            (transparent(), "WEBP", {"lossless": True}),
            (coloured().quantize(8), "PNG", {"transparency": 0}),
            (coloured().quantize(8), "GIF", {}),
            (coloured(), "BMP", {}),
            (coloured().convert("1"), "TIFF", {"compression": "group4"}),
            (coloured().convert("L"), "PNG", {}),
        ],
    )
    def test_are_the_same_in_every_form(self, picture, form, options):
        file = stored(picture, form, **options)
        self.check(file, [Image.open(io.BytesIO(file))])

    def test_of_a_tiff_file_are_its_pages(self):
        pages = [coloured(), coloured().convert("L").rotate(90, expand=True), transparent()]
        self.check(stored(pages[0], "TIFF", save_all=True, append_images=pages[1:]), pages)

    def test_of_a_jpeg_file_are_its_own_bytes(self):
        file = stored(coloured(), "JPEG", exif=b"")
        with pikepdf.open(io.BytesIO(searchable(file, read("Tea")))) as pdf:
            assert pdf.pages[0].Resources.XObject.Im0.read_raw_bytes() == file

    def test_of_sixteen_bits_keep_them(self):
        gray = Image.fromarray(np.arange(6000, dtype=np.uint16).reshape(60, 100))
        for form in ("PNG", "TIFF"):
            with pikepdf.open(io.BytesIO(searchable(stored(gray, form), read("Tea")))) as pdf:
                image = pdf.pages[0].Resources.XObject.Im0
                assert image.BitsPerComponent == 16
                assert np.array_equal(np.asarray(Image.open(io.BytesIO(self.png(image)))), np.asarray(gray))

    @pytest.mark.parametrize(
        ("dpi", "inches"), [((300, 300), 1 / 3), ((1, 1), 100 / 96), ((1e7, 1e7), 100 / 96), (None, 100 / 96)]
    )
    def test_are_as_large_as_their_files_say_where_that_can_be(self, dpi, inches):
        made = searchable(stored(coloured(), "PNG", **({} if dpi is None else {"dpi": dpi})), read("Tea"))
        with pypdfium2.PdfDocument(made) as pdf:
            assert pdf[0].get_width() / 72 == pytest.approx(inches, rel=1e-3)

    def test_carry_their_text_in_place(self):
        made = searchable(stored(Image.new("L", (WIDTH, HEIGHT), 255), "PNG", dpi=(DPI, DPI)), read("Tea", 100, 200))
        boxes = np.array([char_box for _, char_box in pdfium_boxes(made)])
        assert boxes[:, 0].min() == pytest.approx(100 * UNIT, abs=1)
        assert boxes[:, [1, 3]].mean() == pytest.approx((HEIGHT - 210) * UNIT, abs=2)

    @staticmethod
    def png(image):
        """The PNG file whose pixel data a PDF's picture holds."""
        return stored(pikepdf.PdfImage(image).as_pil_image(), "PNG")

    @staticmethod
    def check(file, expected):
        """Whether a picture file becomes a PDF of these pictures, on white."""
        with pypdfium2.PdfDocument(searchable(file)) as pdf:
            assert len(pdf) == len(expected)
            for made, picture in zip(pdf, expected, strict=True):
                on_white = Image.new("RGBA", picture.size, "white")
                on_white.alpha_composite(picture.convert("RGBA"))
                scale = 4 * picture.width / made.get_width()
                seen = made.render(scale=scale).to_pil().convert("RGB").resize(picture.size, Image.Resampling.BOX)
                difference = np.asarray(seen, int) - np.asarray(on_white.convert("RGB"), int)
                assert np.abs(difference).mean() < 1
