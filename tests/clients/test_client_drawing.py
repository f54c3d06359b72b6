import io
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ocr_client import FontError, ImageError
from ocr_client.drawing.fonts import FontOfSize, open_font
from ocr_client.drawing.lettering import letter
from ocr_client.drawing.overlay import colour, draw_overlay, save_overlay, zoom

Pixels = npt.NDArray[np.uint8]
NONE = np.zeros((0, 4, 2), np.float32)


@pytest.fixture(scope="module")
def font() -> FontOfSize:
    return open_font()


def quad(x: float, y: float, width: float, height: float, degrees: float = 0) -> npt.NDArray[np.float32]:
    """A rectangle around (x, y), turned clockwise as seen on the picture."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
    return (corners @ np.array([[cos, sin], [-sin, cos]]) + [x, y]).astype(np.float32)


def ink(text: str, box: npt.NDArray[np.float32], font: FontOfSize) -> npt.NDArray[np.int64]:
    """Points (n, 2) x, y of the page that a text's letters cover."""
    mask, left, top = letter(text, box, font)
    rows, columns = np.nonzero(np.asarray(mask) > 128)
    return np.stack([columns + left, rows + top], axis=1)


@pytest.mark.parametrize("text", ["Hello", "发票号码", "かな漢字", "한국어", "a text far too long for its box"])
@pytest.mark.parametrize("degrees", [0, 12, -35, 90, 180, 270])
def test_letters_stay_inside_their_box(text: str, degrees: float, font: FontOfSize) -> None:
    box = quad(200, 200, 240, 36, degrees)
    points = ink(text, box, font)
    assert len(points) > 100
    inside = [cv2.pointPolygonTest(box, (float(x), float(y)), True) for x, y in points]
    assert min(inside) > -2


@pytest.mark.parametrize("text", ["Hi", "图"])
@pytest.mark.parametrize(("degrees", "toward"), [(0, (-1, 0)), (30, (-0.87, -0.5)), (180, (1, 0)), (-90, (0, 1))])
def test_a_short_text_begins_at_the_boxs_first_corner(
    text: str, degrees: float, toward: tuple[float, float], font: FontOfSize
) -> None:
    offset = ink(text, quad(200, 200, 240, 36, degrees), font).mean(axis=0) - 200
    assert float(offset @ np.array(toward)) > 70


def test_chinese_that_runs_down_is_written_in_upright_letters(font: FontOfSize) -> None:
    down, tall = quad(100, 200, 240, 36, 90), quad(100, 200, 36, 240)
    assert np.array_equal(ink("竖排文字", down, font), ink("竖排文字", tall, font))
    top, single = ink("三竖排文字", tall, font), ink("三", quad(100, 100, 36, 48), font)
    top = top[top[:, 1] < 128]
    assert np.ptp(top[:, 0]) > np.ptp(top[:, 1]) * 0.9  # three level strokes, not three standing ones
    assert np.ptp(single[:, 0]) == pytest.approx(np.ptp(top[:, 0]), abs=4)


def test_latin_that_runs_down_is_turned(font: FontOfSize) -> None:
    points = ink("Turned", quad(100, 200, 36, 240), font)
    assert np.ptp(points[:, 1]) > 2.5 * np.ptp(points[:, 0])


def test_brackets_of_vertical_text_lie_down(font: FontOfSize) -> None:
    points = ink("（一）", quad(100, 200, 40, 120), font)
    first = points[points[:, 1] < 175]
    assert np.ptp(first[:, 0]) > 1.5 * np.ptp(first[:, 1])


def picture(width: int = 400, height: int = 300) -> Pixels:
    return np.full((height, width, 3), 200, np.uint8)


def test_picture_and_page_stand_side_by_side(font: FontOfSize) -> None:
    overlay = np.asarray(draw_overlay(picture(), quad(200, 150, 200, 26)[None], ["中文 text"], font))
    height, width = overlay.shape[:2]
    assert (height, width) == (300, 806)
    assert (overlay[5, 5] == 200).all()  # the picture, untouched outside the box
    assert (overlay[5, -5] == 255).all()  # white paper
    outline = overlay[:, 406:][150, 100:301].astype(int)
    assert (outline.min(axis=1) < 60).any()  # ink
    assert np.abs(overlay[137, 200].astype(int) - colour(0)).max() < 40  # the box's upper edge on the picture
    assert np.abs(overlay[137, 606].astype(int) - colour(0)).max() < 40  # and on the page


def test_a_wide_picture_has_its_page_below(font: FontOfSize) -> None:
    assert draw_overlay(picture(900, 100), NONE, [], font).size == (900, 206)


def test_small_lines_are_enlarged_and_large_pictures_reduced() -> None:
    assert zoom((400, 300), quad(100, 100, 80, 13)[None]) == pytest.approx(2)
    assert zoom((400, 300), quad(100, 100, 80, 2)[None]) == 3
    assert zoom((4000, 3000), quad(100, 100, 800, 130)[None]) == pytest.approx(0.4)
    assert zoom((4000, 3000), quad(100, 100, 800, 26)[None]) == pytest.approx(1)
    assert zoom((8000, 300), quad(100, 100, 80, 13)[None]) == pytest.approx(0.5)
    assert zoom((400, 300), NONE) == 1


@pytest.mark.parametrize(("size", "both"), [((1, 1), (8, 1)), ((400, 1), (400, 8)), ((1, 400), (8, 400))])
def test_the_smallest_pictures_are_drawn(size: tuple[int, int], both: tuple[int, int], font: FontOfSize) -> None:
    image = picture(*size)
    assert draw_overlay(image, NONE, [], font).size == both
    point = np.zeros((1, 4, 2), np.float32)
    assert min(draw_overlay(image, point, ["x"], font).size) >= 3  # enlarged: a line of no height is a small one


def test_boxes_beyond_the_edge_are_cut_off(font: FontOfSize) -> None:
    boxes = np.stack([quad(0, 0, 200, 26), quad(400, 300, 200, 26, 45), quad(900, 900, 50, 26)])
    assert draw_overlay(picture(), boxes, ["left", "right", "away"], font).size == (806, 300)


def test_exif_orientation_is_applied(font: FontOfSize) -> None:
    pixels = Image.new("RGB", (60, 40), "white")
    pixels.paste((255, 0, 0), (0, 0, 10, 10))  # red where the file begins: top-right once it is turned
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    data = io.BytesIO()
    pixels.save(data, "JPEG", exif=exif, quality=95)
    overlay = np.asarray(draw_overlay(data.getvalue(), NONE, [], font))
    assert overlay.shape[:2] == (60, 86)
    assert overlay[5, 35, 0] > 200 and overlay[5, 35, 2] < 100
    assert (overlay[5, 5] > 200).all()


def test_one_text_a_box_is_required(font: FontOfSize) -> None:
    with pytest.raises(ValueError, match="1 boxes and 2 texts"):
        draw_overlay(picture(), quad(9, 9, 9, 9)[None], ["a", "b"], font)


def test_lines_that_were_not_read_are_drawn_on_the_picture_alone(font: FontOfSize) -> None:
    white = np.full((1600, 900, 3), 255, np.uint8)
    drawn = draw_overlay(white, quad(400, 300, 200, 26)[None], None, font)
    assert drawn.size == (900, 1600)
    assert np.asarray(drawn)[300, 400].min() < 250
    assert np.asarray(drawn)[900, 400].min() == 255


def test_bytes_that_are_no_picture_are_an_error(font: FontOfSize) -> None:
    with pytest.raises(ImageError, match="cannot draw on the picture"):
        draw_overlay(b"no picture", NONE, [], font)


def test_an_overlay_is_saved_in_new_folders(tmp_path: Path) -> None:
    save_overlay(tmp_path / "a" / "b" / "c.jpg", Image.new("RGB", (40, 30)))
    with Image.open(tmp_path / "a" / "b" / "c.jpg") as saved:
        assert saved.size == (40, 30)
    with pytest.raises(ImageError, match="the overlay: cannot write"):
        save_overlay(tmp_path / "a" / "b" / "c.jpg" / "d.jpg", Image.new("RGB", (40, 30)))


def test_neighbouring_lines_differ_in_colour() -> None:
    colours = np.array([colour(i) for i in range(50)], int)
    assert np.abs(np.diff(colours, axis=0)).max(axis=1).min() > 80


def test_the_font_has_chinese_japanese_korean_and_latin(font: FontOfSize) -> None:
    missing = font(32).getmask("\U000f0000")
    for character in "测试かけ한字Aé":
        assert bytes(font(32).getmask(character)) != bytes(missing), character


def test_letters_have_the_weight_of_running_text(font: FontOfSize) -> None:
    share = np.asarray(font(100).getmask("测试文字")).mean() / 255
    assert 0.15 < share < 0.35  # of ink; the thinnest weight, which a file with all of them begins with, has 0.1


def test_a_font_that_is_missing_or_none_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_font = tmp_path / "x.otf"
    with pytest.raises(FontError, match=r"x\.otf"):
        open_font(no_font)
    no_font.write_bytes(b"no font")
    with pytest.raises(FontError, match=r"x\.otf"):
        open_font(no_font)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("ocr_client.drawing.fonts._OF_THE_SYSTEM", ("no-such-font.ttc",))
    with pytest.raises(FontError, match=r"fonts-noto-cjk.*--font FILE"):
        open_font()


def test_a_font_of_the_system_is_used_where_the_extra_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = open_font()(16).path
    folder = tmp_path / "fonts" / "noto"
    folder.mkdir(parents=True)
    (folder / "NotoSansCJK-VF.otf.ttc").symlink_to(str(here))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert open_font()(16).getname()[0] == "Noto Sans CJK SC"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_picture_the_server_reads_can_be_drawn_on(mode: str, font: FontOfSize) -> None:
    file = io.BytesIO()
    gray = Image.new("L", (40, 30), 255)
    made = Image.fromarray(np.full((30, 40), 65535, np.uint16)) if mode == "I;16" else gray.convert(mode)
    made.save(file, "TIFF" if mode == "CMYK" else "PNG")
    overlay = np.asarray(draw_overlay(file.getvalue(), NONE, [], font))
    assert (overlay[5, 5] > 250).all()


def test_what_is_transparent_is_gray_so_that_light_and_dark_text_are_seen(font: FontOfSize) -> None:
    overlay = np.asarray(draw_overlay(np.zeros((30, 40, 4), np.uint8), NONE, [], font))
    assert (overlay[5, 5] == 128).all()


def test_words_are_outlined_inside_their_line_in_its_colour(font: FontOfSize) -> None:
    line = quad(200, 150, 300, 40)[None]
    word = quad(120, 150, 80, 40)[None]
    plain, words = (
        np.asarray(draw_overlay(picture(), line, [""], font, word_boxes=boxes, word_lines=[0] * len(boxes)))
        for boxes in (NONE, word)
    )
    changed = np.argwhere((plain != words).any(axis=2))[:, ::-1]
    scale = plain.shape[0] / 300
    left, right = 80 * scale, 160 * scale
    assert len(changed)
    assert (np.minimum(np.abs(changed[:, 0] - left), np.abs(changed[:, 0] - right)) < 3).any()
    assert changed[:, 0].max() < right + 3  # nothing on the lettered page, and nothing beyond the word
    x, y = round(right), round(150 * scale)
    nearest = np.abs(words[y, x - 2 : x + 3].astype(int) - colour(0)).max(axis=1).min()
    assert nearest < 100


def test_words_without_lines_are_refused(font: FontOfSize) -> None:
    with pytest.raises(ValueError, match="argument 2"):
        draw_overlay(picture(), NONE, [], font, word_boxes=quad(9, 9, 9, 9)[None])


def test_a_page_of_a_file_is_drawn_on(font: FontOfSize) -> None:
    file = io.BytesIO()
    pages = [Image.new("L", (40, 30), gray) for gray in (0, 255)]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    first, second = (np.asarray(draw_overlay(file.getvalue(), NONE, [], font, page=page))[5, 5] for page in (1, 2))
    assert (first == 0).all()
    assert (second == 255).all()
