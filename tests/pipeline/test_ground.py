"""Transparency: nothing that a person sees on a picture with transparent parts is lost on the ground it is laid on."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_pipeline.stages.bands import BAND_PIXELS
from ocr_pipeline.stages.ground import ground_level, on_ground

WHITE, BLACK, RED, BLUE, YELLOW = (255,) * 3, (0,) * 3, (220, 0, 0), (0, 0, 200), (255, 235, 0)
FONT = ImageFont.load_default(24)


def written(colours, alpha=255, size=(400, 300), draw_first=None):
    """Lines of text of these colours on a transparent picture."""
    picture = Image.new("RGBA", size)
    draw = ImageDraw.Draw(picture)
    if draw_first is not None:
        draw_first(draw)
    for number, colour in enumerate(colours):
        draw.text((20, 10 + 30 * number), f"Order {number} 7316", font=FONT, fill=(*colour, alpha))
    return picture


def contrast(picture, colour):
    """Levels between a colour and the ground."""
    return abs(ground_level(picture) - np.asarray(Image.new("RGB", (1, 1), colour).convert("L"))[0, 0].astype(int))


def logo(colour):
    return lambda draw: draw.ellipse((240, 20, 390, 170), fill=(*colour, 255))


def block(colour):
    return lambda draw: draw.rectangle((0, 150, 399, 299), fill=(*colour, 255))


@pytest.mark.parametrize(
    ("colours", "ground"), [([BLACK], 255), ([BLUE], 255), ([RED], 255), ([WHITE], 0), ([YELLOW], 0)]
)
@pytest.mark.parametrize("alpha", [255, 100])
def test_text_of_one_brightness_is_laid_on_black_or_white(colours, ground, alpha):
    assert ground_level(written(colours, alpha)) == ground


@pytest.mark.parametrize("colours", [[WHITE, BLACK], [WHITE, BLACK, RED], [WHITE] + [BLACK] * 8, [BLACK] + [WHITE] * 8])
def test_light_and_dark_text_both_stand_out(colours):
    assert min(contrast(written(colours), colour) for colour in colours) >= 60


@pytest.mark.parametrize("text", [WHITE, BLACK])
@pytest.mark.parametrize("other", [WHITE, BLACK, RED])
@pytest.mark.parametrize("shape", [logo, block])
def test_text_stands_out_whatever_opaque_part_is_beside_it(shape, other, text):
    picture = written([text] * 3, draw_first=shape(other))
    assert contrast(picture, text) >= 100


def test_what_stands_inside_an_opaque_part_has_no_say():
    picture = Image.new("RGBA", (400, 300), (*BLACK, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 400, 40))
    plain = ground_level(picture)
    ImageDraw.Draw(picture).rectangle((60, 100, 340, 280), fill=(*WHITE, 255))
    assert ground_level(picture) == plain == 255


def test_the_pale_rim_of_dark_text_does_not_speak_for_it():
    """As when somebody has made the white of a picture transparent."""
    paper = Image.new("RGB", (400, 300), "white")
    for number in range(9):
        ImageDraw.Draw(paper).text((20, 10 + 30 * number), "Order 7316", font=FONT, fill=BLACK)
    paper = paper.resize((800, 600), Image.Resampling.BICUBIC)
    alpha = Image.fromarray((np.asarray(paper)[..., 0] < 250) * np.uint8(255))
    paper.putalpha(alpha)
    assert contrast(paper, BLACK) >= 100


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_the_modes_of_a_picture_give_the_same(mode):
    picture = written([WHITE, BLACK])
    picture = picture.quantize(8) if mode == "P" else picture.convert(mode)
    assert 100 <= ground_level(picture) <= 155


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (1_500_000, 2)])
def test_a_picture_without_anything_to_see_is_white_whatever_its_size(size):
    assert (on_ground(Image.new("RGBA", size)) == 255).all()


def test_large_pictures_are_looked_at_whole():
    height = 3 * BAND_PIXELS // 400
    picture = written([WHITE] * 3, size=(400, height))
    picture.paste(written([BLACK] * 3), (0, height - 300))
    assert min(contrast(picture, WHITE), contrast(picture, BLACK)) >= 100
