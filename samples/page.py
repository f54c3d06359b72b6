"""A picture that remembers where each of its text lines stands: the labels come out of the drawing itself."""

from __future__ import annotations

import importlib.util
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int] | tuple[int, int, int, int]
INK: Colour = (44, 40, 38)
GREY: Colour = (112, 106, 100)
EXIF_ORIENTATION = 0x0112
ROTATE_BACK_90_CW = 6  # EXIF: the stored picture has to be turned 90 degrees clockwise to stand upright
FONT_FILES = {"sans": "NotoSansCJKsc-Regular.otf", "serif": "NotoSerifCJKsc-Regular.otf"}


@dataclass(frozen=True)
class Line:
    """One line of text.

    Attributes:
        text: what is written.
        quad: (4, 2) float64, pixels (x, y), clockwise from the text's own top-left corner.
    """

    text: str
    quad: npt.NDArray[np.float64]


@lru_cache(maxsize=64)
def load_font(face: str, size_px: int) -> ImageFont.FreeTypeFont:
    """One of the faces that mplfonts carries. The package is located, not imported: that would start matplotlib.

    Raises:
        FileNotFoundError: mplfonts is not installed.
    """
    spec = importlib.util.find_spec("mplfonts")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the fonts of the package mplfonts are needed to draw; install the extra `dev`")
    path = Path(next(iter(spec.submodule_search_locations))) / "fonts" / FONT_FILES[face]
    # Basic layout: Raqm is not part of every Pillow wheel, and the two place letters differently.
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)


class Page:
    """An RGBA picture and the lines written on it."""

    def __init__(self, size: tuple[int, int], fill: Colour | Image.Image = (0, 0, 0, 0)) -> None:
        self.picture = fill.convert("RGBA") if isinstance(fill, Image.Image) else Image.new("RGBA", size, fill)
        self.lines: list[Line] = []

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        """For everything that is not text."""
        return ImageDraw.Draw(self.picture)

    def text(
        self,
        xy: tuple[float, float],
        text: str,
        size_px: int,
        colour: Colour,
        *,
        anchor: str = "ls",
        face: str = "sans",
        bold: bool = False,
    ) -> None:
        """Write one line and label it with its ink box, plus a margin as a person would leave when labelling.

        `anchor` is Pillow's: l, m or r for the horizontal side, s for the baseline, m for the middle.
        """
        font = load_font(face, size_px)
        stroke = max(1, size_px // 45) if bold else 0
        self.draw.text(xy, text, fill=colour, font=font, anchor=anchor, stroke_width=stroke)
        left, top, right, bottom = self.draw.textbbox(xy, text, font=font, anchor=anchor, stroke_width=stroke)
        margin = 1 + size_px // 16
        x0, y0, x1, y1 = left - margin, top - margin, right + margin, bottom + margin
        self.lines.append(Line(text, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)))

    def place(self, other: Page, centre: tuple[float, float], degrees: float = 0.0, shadow_px: int = 0) -> None:
        """Lay another page on this one, turned clockwise about its centre; its lines come along."""
        turned = other.picture.rotate(-degrees, resample=Image.Resampling.BICUBIC, expand=True)
        corner = (round(centre[0] - turned.width / 2), round(centre[1] - turned.height / 2))
        if shadow_px:
            self._cast_shadow(turned, corner, shadow_px)
        self.picture.alpha_composite(turned, corner)
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn = np.array([[cos, sin], [-sin, cos]])  # row vectors, y down: positive is clockwise
        old_centre = np.array(other.picture.size) / 2
        new_centre = np.array(corner) + np.array(turned.size) / 2
        self.lines += [Line(line.text, (line.quad - old_centre) @ turn + new_centre) for line in other.lines]

    def _cast_shadow(self, shape: Image.Image, corner: tuple[int, int], shadow_px: int) -> None:
        shadow = Image.new("RGBA", self.picture.size)
        dark = Image.new("RGBA", shape.size, (20, 14, 8, 120))
        shadow.paste(dark, (corner[0] + shadow_px // 2, corner[1] + shadow_px), shape.getchannel("A"))
        self.picture.alpha_composite(shadow.filter(ImageFilter.GaussianBlur(shadow_px)))

    def label(self, name: str) -> str:
        """One row of PaddleOCR's Label.txt: the file's name, a tab, its lines as JSON."""
        lines = [{"transcription": line.text, "points": np.rint(line.quad).astype(int).tolist()} for line in self.lines]
        return f"{name}\t{json.dumps(lines, ensure_ascii=False)}"

    def save(self, path: Path, *, stored_sideways: bool = False) -> None:
        """Write a JPEG, or a PNG with a palette of 256 colours (a third of the bytes), by the file's suffix.

        With `stored_sideways` the pixels are turned and EXIF orientation 6 says so, as a telephone held upright does;
        labels are those of the picture as a person sees it.
        """
        picture = self.picture.convert("RGB")
        exif = Image.Exif()
        if stored_sideways:
            picture = picture.transpose(Image.Transpose.ROTATE_90)
            exif[EXIF_ORIENTATION] = ROTATE_BACK_90_CW
        if path.suffix == ".jpg":
            picture.save(path, quality=82, exif=exif, optimize=True)
        else:
            palette = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            palette.save(path, optimize=True)
