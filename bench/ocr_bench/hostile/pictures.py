"""Small pictures of every format that the server opens, and how they are damaged."""

from __future__ import annotations

import io
from functools import cache
from random import Random

from PIL import Image, ImageDraw

SIZE = (96, 40)  # pixels, so that reading what is left of a damaged one takes no time
_FORMATS: dict[str, tuple[str, dict[str, object]]] = {
    "jpeg": ("JPEG", {"quality": 80}),
    "progressive jpeg": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "bmp": ("BMP", {}),
    "gif": ("GIF", {}),
    "webp": ("WEBP", {}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {}),
    "tiff, deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "tiff, lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff, jpeg": ("TIFF", {"compression": "jpeg"}),
}
_RGB_ALONE = "tiff, jpeg"  # its library says so on standard error
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")
FORMATS = tuple(_FORMATS)


@cache
def picture(name: str = "png", mode: str = "RGB", frames: int = 1) -> bytes:
    """A small picture with a word on it, as a file.

    Args:
        name: of FORMATS.
        mode: Pillow's; a format that does not know it gets RGB.
        frames: pictures in the file, where its format holds several.
    """
    mode = "RGB" if name == _RGB_ALONE else mode
    image = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(image).text((12, 8), "Total 42", fill="black", font_size=18)
    kind, options = _FORMATS[name]
    more = [image.rotate(180 * number) for number in range(1, frames)]
    several = {"save_all": True, "append_images": more} if more and kind in ("GIF", "WEBP", "TIFF", "PNG") else {}
    file = io.BytesIO()
    try:
        (image if several else image.convert(mode)).save(file, kind, **options, **several)
    except (OSError, ValueError, KeyError):  # the format does not know the mode
        return picture(name, frames=frames)
    return file.getvalue()


def damaged(random: Random) -> tuple[str, bytes]:
    """A picture, broken in some way: what was done to it, and the file."""
    name = random.choice(FORMATS)
    data = picture(name, random.choice(_MODES), random.choice((1, 1, 1, 3)))
    how, data = damage(data, random)
    return f"{name}, {how}", data


def damage(data: bytes, random: Random) -> tuple[str, bytes]:
    """A file, broken in some way: what was done to it, and the file."""
    how = random.choice(
        ("truncated", "bits flipped", "header changed", "piece lost", "piece doubled", "number changed")
    )
    broken = bytearray(data)
    at = random.randrange(len(broken))
    if how == "truncated":
        del broken[at:]
    elif how == "bits flipped":
        for _ in range(random.choice((1, 1, 3, 10, 100))):
            broken[random.randrange(len(broken))] ^= 1 << random.randrange(8)
    elif how == "header changed":
        broken[random.randrange(min(64, len(broken)))] = random.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif how == "piece lost":
        del broken[at : at + random.randint(1, 40)]
    elif how == "piece doubled":
        piece = broken[at : at + random.randint(1, 200)]
        broken[at:at] = piece * random.choice((1, 2, 50))
    else:
        size = random.choice((2, 4, 8))
        number = random.choice((0, 1, (1 << 8 * size) - 1, 1 << (8 * size - 1), (1 << (8 * size - 1)) - 1))
        broken[at : at + size] = number.to_bytes(size, random.choice(("big", "little")))
    return how, bytes(broken)
