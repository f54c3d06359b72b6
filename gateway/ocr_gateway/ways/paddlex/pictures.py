"""The pictures that PaddleX gives to look at, with `visualize`."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ocr_client.drawing.fonts import FontOfSize
from ocr_client.drawing.overlay import decode, overlay_of
from ocr_contract.reader import Picture
from ocr_gateway.ways.paddlex.answer import ReadPage
from ocr_gateway.ways.paddlex.quads import Size

MAX_SIDE_PX = 2000  # of every picture, as in PaddleX
_JPEG_QUALITY = 90
_CAPTION_PX, _CAPTION_SIZE_PX, _MARGIN_PX = 30, 20, 10
_INK = (24, 28, 34)
_TURNED_BACK = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}


def pictures(picture: Picture, page: ReadPage, font: FontOfSize, *, words: bool, turns: bool) -> dict[str, str]:
    """Return the fields of a page that hold pictures: base64 of JPEG files.

    Args:
        picture: the page as it was sent.
        page: what was read of it.
        font: of the texts.
        words: whether the boxes of words are drawn too.
        turns: whether the page was to be turned upright.

    Raises:
        ImageError: the picture cannot be decoded.
    """
    sent_size = page.size if page.quarters % 2 == 0 else (page.size[1], page.size[0])
    sent = _reduced(decode(picture), sent_size)
    upright = sent if not page.quarters else sent.transpose(_TURNED_BACK[page.quarters])
    scale = np.divide(upright.size, page.size, dtype=np.float32)
    rank = {int(line): number for number, line in enumerate(page.kept)}
    marked = [(word, rank[line]) for line in rank for word in page.words[line].tolist()] if words else []
    overlay = overlay_of(
        upright,
        page.kept_boxes * scale,
        page.kept_texts,
        font,
        word_boxes=page.result.word_boxes[[word for word, _ in marked]] * scale,
        word_lines=[line for _, line in marked],
    )
    fields = {"ocrImage": _jpeg(overlay)}
    if turns:
        captions = ("as sent", f"upright: turned counter-clockwise by {90 * page.quarters}", "not unwarped")
        fields["docPreprocessingImage"] = _jpeg(_side_by_side([sent, upright, upright], captions, font))
    fields["inputImage"] = _jpeg(sent)
    return fields


def _reduced(picture: Image.Image, size: Size = (MAX_SIDE_PX, MAX_SIDE_PX)) -> Image.Image:
    """The picture made no larger than a width and height, and than the limit."""
    width, height = size
    picture.thumbnail((min(width, MAX_SIDE_PX), min(height, MAX_SIDE_PX)), Image.Resampling.BICUBIC)
    return picture


def _side_by_side(shown: Sequence[Image.Image], captions: Sequence[str], font: FontOfSize) -> Image.Image:
    """Pictures beside each other, with a line of text below each."""
    high = max(picture.height for picture in shown)
    size: Size = (sum(picture.width for picture in shown), high + _CAPTION_PX)
    both = Image.new("RGB", size, "white")
    draw, left = ImageDraw.Draw(both), 0
    for picture, caption in zip(shown, captions, strict=True):
        both.paste(picture, (left, 0))
        draw.text((left + _MARGIN_PX, high), caption, _INK, font(_CAPTION_SIZE_PX))
        left += picture.width
    return both


def _jpeg(picture: Image.Image) -> str:
    file = io.BytesIO()
    _reduced(picture).save(file, "JPEG", quality=_JPEG_QUALITY)
    return base64.b64encode(file.getvalue()).decode("ascii")
