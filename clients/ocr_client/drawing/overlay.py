"""Pictures to look at: the boxes on the picture, and beside it a white page with each text at its place."""

from __future__ import annotations

import colorsys
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps

from ocr_client.drawing.fonts import FontOfSize
from ocr_client.drawing.lettering import Quad, letter
from ocr_client.errors import ImageError
from ocr_client.picture import picture_bytes
from ocr_contract.reader import Picture
from ocr_documents.errors import CannotWrite
from ocr_documents.output import NewFile, writing

_TEXT_HEIGHT_PX = 26  # the median line is drawn this high where the limits below allow it
_LONG_SIDE_PX = 1600  # larger pictures are made smaller, down to this, when their lines stay legible
_LARGEST_SIDE_PX = 4000
_LARGEST_ZOOM = 3.0
_GAP_PX = 6
_GAP_COLOUR, _INK = (205, 205, 205), (24, 28, 34)  # RGB
_FILL, _TINT = 0.22, 0.10  # opacity of the boxes on the picture and on the page
_FINER, _FINE_PIXELS = 4, 4_000_000  # boxes are drawn this many times larger, within so many pixels, then reduced
_GOLDEN_RATIO = 0.618034
NO_BOXES = np.empty((0, 4, 2), np.float32)

Colour = tuple[int, int, int]


def draw_overlay(
    image: Picture,
    boxes: npt.NDArray[np.float32],
    texts: Sequence[str] | None,
    font: FontOfSize,
    *,
    word_boxes: npt.NDArray[np.float32] = NO_BOXES,
    word_lines: Sequence[int] | npt.NDArray[np.int32] = (),
    page: int = 0,
) -> Image.Image:
    """Draw what was read.

    Args:
        image: the picture that was sent; an image file's bytes, not their base64 text.
        boxes: (N, 4, 2) float32, pixels (x, y) of the picture with its EXIF orientation applied.
        texts: N strings; None where the lines were found and not read.
        font: from fonts.open_font.
        word_boxes: (M, 4, 2) float32, outlined thinly on the picture.
        word_lines: M indices of the lines that the words are of; a word has its line's colour.
        page: of the file, from 1 on; 0 for its first picture.

    Returns:
        RGB: picture and page side by side, or one below the other when the picture is wide. Without texts, the picture.

    Raises:
        ImageError: when the picture cannot be decoded.
        ValueError: when boxes and texts, or words and their lines, differ in number.
    """
    return overlay_of(decode(image, page), boxes, texts, font, word_boxes=word_boxes, word_lines=word_lines)


def overlay_of(
    picture: Image.Image,
    boxes: npt.NDArray[np.float32],
    texts: Sequence[str] | None,
    font: FontOfSize,
    *,
    word_boxes: npt.NDArray[np.float32] = NO_BOXES,
    word_lines: Sequence[int] | npt.NDArray[np.int32] = (),
) -> Image.Image:
    """Return `draw_overlay` of a picture that has been decoded, RGB."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4, 2)
    if texts is not None and len(boxes) != len(texts):
        raise ValueError(f"one text a box expected, got {len(boxes)} boxes and {len(texts)} texts")
    scale = zoom(picture.size, boxes)
    if scale != 1:
        width, height = (max(round(side * scale), 1) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    quads = boxes * np.float32(scale)
    thickness = max(1, round(max(picture.size) / 900))
    outlined = _outlined(picture, quads, _FILL, thickness)
    for quad, line in zip(word_boxes * np.float32(scale), word_lines, strict=True):
        _paste(outlined, quad, colour(int(line)), 1)
    if texts is None:
        return outlined
    lettered = _outlined(Image.new("RGB", picture.size, "white"), quads, _TINT, 1)
    for text, quad in zip(texts, quads, strict=True):
        if text.strip():
            mask, left, top = letter(text, quad, font)
            lettered.paste(_INK, (left, top), mask)
    return _side_by_side(outlined, lettered)


def save_overlay(path: Path, overlay: Image.Image) -> None:
    """Write an overlay as JPEG, with full colour resolution so that thin outlines stay clean.

    Raises:
        ImageError: when the file cannot be written.
    """
    try:
        with NewFile(path) as file, writing(path):
            overlay.save(file.file, "JPEG", quality=92, subsampling="4:4:4")
    except CannotWrite as error:
        raise ImageError(f"the overlay: {error}") from error


def decode(image: Picture, page: int = 0) -> Image.Image:
    """The picture, or a page of its file, as a person sees it, RGB: turned as EXIF says, transparency laid on white.

    Raises:
        ImageError: when the picture cannot be decoded.
    """
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 2:
        return Image.fromarray(image).convert("RGB")
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] == (3,):
        return Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    try:
        with Image.open(io.BytesIO(picture_bytes(image))) as file:
            file.seek(max(page - 1, 0))
            picture = ImageOps.exif_transpose(file)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ImageError(f"cannot draw on the picture: {error}") from error
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "gray"), layer)  # light and dark text is seen
    return picture.convert("RGB")


def zoom(size: tuple[int, int], boxes: npt.NDArray[np.float32]) -> float:
    """Return the factor from the picture's pixels to the overlay's.

    Args:
        size: width and height of the picture.
        boxes: (N, 4, 2) float32, clockwise from the text's own top-left corner.
    """
    long_side = max(size)
    shrink = min(1.0, _LONG_SIDE_PX / long_side)
    if not len(boxes):
        return shrink
    sides = np.linalg.norm(boxes - np.roll(boxes, -1, axis=1), axis=2)
    heights = np.minimum(np.maximum(sides[:, 0], sides[:, 2]), np.maximum(sides[:, 1], sides[:, 3]))
    wanted = _TEXT_HEIGHT_PX / max(float(np.median(heights)), 1.0)
    return min(max(wanted, shrink), _LARGEST_ZOOM, _LARGEST_SIDE_PX / long_side)


def colour(index: int) -> Colour:
    """Return the RGB colour of a line: hues far apart for neighbours, dark enough to show on white."""
    red, green, blue = colorsys.hls_to_rgb((0.58 + index * _GOLDEN_RATIO) % 1.0, 0.42, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)


def _outlined(picture: Image.Image, quads: npt.NDArray[np.float32], fill: float, thickness: int) -> Image.Image:
    """The picture with tinted and outlined quads; where neighbours overlap, the later one tints."""
    tinted = picture.copy()
    for i, quad in enumerate(quads):
        _paste(tinted, quad, colour(i), None)
    outlined = Image.blend(picture, tinted, fill)
    for i, quad in enumerate(quads):
        _paste(outlined, quad, colour(i), thickness)
    return outlined


def _paste(picture: Image.Image, quad: Quad, rgb: Colour, thickness: int | None) -> None:
    """Lay a quad, or its outline, on a picture, with smooth edges: Pillow draws hard ones, so draw it larger."""
    edge = thickness or 0
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int) - edge, 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + edge + 1, picture.size)
    width, height = (high - low).tolist()
    if width <= 0 or height <= 0:
        return
    finer = max(1, min(_FINER, math.isqrt(_FINE_PIXELS // (width * height))))
    mask = Image.new("L", (width * finer, height * finer))
    corners = [(float(x), float(y)) for x, y in (quad - low + 0.5) * finer - 0.5]
    draw = ImageDraw.Draw(mask)
    if thickness is None:
        draw.polygon(corners, fill=255)
    else:
        draw.line([*corners, *corners[:2]], fill=255, width=thickness * finer, joint="curve")
    picture.paste(rgb, (int(low[0]), int(low[1])), mask.reduce(finer) if finer > 1 else mask)


def _side_by_side(picture: Image.Image, page: Image.Image) -> Image.Image:
    """Join picture and page, with a gray rule between them, along the shorter side of the picture."""
    width, height = picture.size
    below = width > 1.8 * height
    right, down = (0, height + _GAP_PX) if below else (width + _GAP_PX, 0)
    both = Image.new("RGB", (width + right, height + down), _GAP_COLOUR)
    both.paste(picture, (0, 0))
    both.paste(page, (right, down))
    return both
