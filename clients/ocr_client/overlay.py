"""Pictures to look at: the boxes on the picture, and beside it a white page with each text at its place."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr_client.errors import ImageError
from ocr_client.fonts import FontOfSize
from ocr_client.lettering import Quad, letter
from ocr_client.picture import picture_bytes
from ocr_contract.errors import InvalidInput
from ocr_contract.reader import Picture
from ocr_pipeline.stages.decode import decode_image

_TEXT_HEIGHT_PX = 26  # the median line is drawn this high where the limits below allow it
_LONG_SIDE_PX = 1600  # larger pictures are made smaller, down to this, when their lines stay legible
_LARGEST_SIDE_PX = 4000
_LARGEST_ZOOM = 3.0
_GAP_PX = 6
_GAP_COLOUR, _INK = (205, 205, 205), (34, 28, 24)  # BGR
_FILL, _TINT = 0.22, 0.10  # opacity of the boxes on the picture and on the page
_SUBPIXEL_BITS = 4
_GOLDEN_RATIO = 0.618034
_NO_LIMIT = 1 << 40  # the server has already taken the picture

Pixels = npt.NDArray[np.uint8]


def draw_overlay(image: Picture, boxes: npt.NDArray[np.float32], texts: Sequence[str], font: FontOfSize) -> Pixels:
    """Draw what was read.

    Args:
        image: the picture that was sent.
        boxes: (N, 4, 2) float32, pixels (x, y) of the picture with its EXIF orientation applied.
        texts: N strings.
        font: from fonts.open_font.

    Returns:
        (h, w, 3) uint8, BGR: picture and page side by side, or one below the other when the picture is wide.

    Raises:
        ImageError: when the picture cannot be decoded.
        ValueError: when boxes and texts differ in number.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4, 2)
    if len(boxes) != len(texts):
        raise ValueError(f"one text a box expected, got {len(boxes)} boxes and {len(texts)} texts")
    pixels = decode(image)
    scale = zoom(pixels.shape[:2], boxes)
    if scale != 1:
        method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        size = [max(round(side * scale), 1) for side in pixels.shape[1::-1]]
        pixels = cv2.resize(pixels, size, interpolation=method).astype(np.uint8, copy=False)
    quads = boxes * np.float32(scale)
    colours = [colour(i) for i in range(len(quads))]
    thickness = max(1, round(max(pixels.shape[:2]) / 900))
    picture = _outlined(pixels, quads, colours, _FILL, thickness)
    page = _outlined(np.full_like(pixels, 255), quads, colours, _TINT, 1)
    for text, quad in zip(texts, quads, strict=True):
        _write(page, text, quad, font)
    return _side_by_side(picture, page)


def save_overlay(path: Path, overlay: Pixels) -> None:
    """Write an overlay as JPEG, with full colour resolution so that thin outlines stay clean.

    Raises:
        ImageError: when the file cannot be written.
    """
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    written, data = cv2.imencode(".jpg", overlay, parameters)
    if not written:
        raise ImageError(f"an overlay of {overlay.shape[1]} x {overlay.shape[0]} pixels is too large for a JPEG file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise ImageError(f"cannot write the overlay {str(path)!r}: {error.strerror}") from error


def decode(image: Picture) -> Pixels:
    """Decode a picture with the server's own decoder, so that boxes and pixels agree: (H, W, 3) uint8, BGR.

    Raises:
        ImageError: when the picture cannot be decoded.
    """
    try:
        return decode_image(picture_bytes(image), max_pixels=_NO_LIMIT, max_bytes=_NO_LIMIT)
    except InvalidInput as error:
        raise ImageError(f"cannot draw on the picture: {error}") from error


def zoom(shape: tuple[int, ...], boxes: npt.NDArray[np.float32]) -> float:
    """Return the factor from the picture's pixels to the overlay's.

    Args:
        shape: height and width of the picture.
        boxes: (N, 4, 2) float32, clockwise from the text's own top-left corner.
    """
    long_side = max(shape)
    shrink = min(1.0, _LONG_SIDE_PX / long_side)
    if not len(boxes):
        return shrink
    sides = np.linalg.norm(boxes - np.roll(boxes, -1, axis=1), axis=2)
    heights = np.minimum(np.maximum(sides[:, 0], sides[:, 2]), np.maximum(sides[:, 1], sides[:, 3]))
    wanted = _TEXT_HEIGHT_PX / max(float(np.median(heights)), 1.0)
    return min(max(wanted, shrink), _LARGEST_ZOOM, _LARGEST_SIDE_PX / long_side)


def colour(index: int) -> tuple[int, int, int]:
    """Return the BGR colour of a line: hues far apart for neighbours, dark enough to show on white."""
    red, green, blue = colorsys.hls_to_rgb((0.58 + index * _GOLDEN_RATIO) % 1.0, 0.42, 0.85)
    return round(blue * 255), round(green * 255), round(red * 255)


def _outlined(
    pixels: Pixels, quads: npt.NDArray[np.float32], colours: Sequence[tuple[int, int, int]], fill: float, thickness: int
) -> Pixels:
    """Return the pixels with tinted and outlined quads; neighbours that overlap are tinted once."""
    layer = pixels.copy()
    points = np.rint(quads * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    for quad, bgr in zip(points, colours, strict=True):
        cv2.fillPoly(layer, [quad], bgr, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    layer = cv2.addWeighted(layer, fill, pixels, 1 - fill, 0).astype(np.uint8, copy=False)
    for quad, bgr in zip(points, colours, strict=True):
        cv2.polylines(layer, [quad], True, bgr, thickness, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    return layer


def _write(page: Pixels, text: str, quad: Quad, font: FontOfSize) -> None:
    """Write a text on the page, in place; what would lie outside the page is cut off."""
    if not text.strip():
        return
    mask, left, top = letter(text, quad, font)
    rows = slice(max(top, 0), min(top + mask.shape[0], page.shape[0]))
    columns = slice(max(left, 0), min(left + mask.shape[1], page.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    ink = mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, None] / np.float32(255)
    part = page[rows, columns]
    part[:] = np.rint(part * (1 - ink) + np.array(_INK, np.float32) * ink).astype(np.uint8)


def _side_by_side(picture: Pixels, page: Pixels) -> Pixels:
    """Join picture and page, with a gray rule between them, along the shorter side of the picture."""
    height, width = picture.shape[:2]
    below = width > 1.8 * height
    gap = np.full((_GAP_PX, width, 3) if below else (height, _GAP_PX, 3), _GAP_COLOUR, np.uint8)
    return np.concatenate([picture, gap, page], axis=0 if below else 1)
