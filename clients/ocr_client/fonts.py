"""The font that overlays are lettered in."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from ocr_client.errors import FontError

# Noto Sans CJK letters Chinese, Japanese, Korean, Latin, Greek and Cyrillic; the package mplfonts carries it.
_PACKAGE, _FILE = "mplfonts", Path("fonts", "NotoSansCJKsc-Regular.otf")

FontOfSize = Callable[[int], ImageFont.FreeTypeFont]


def find_font() -> Path:
    """Return the path of the font that comes with the client's packages.

    Raises:
        FontError: when the package is not installed or lacks the file.
    """
    spec = importlib.util.find_spec(_PACKAGE)  # importing it would import matplotlib
    for folder in (spec.submodule_search_locations if spec is not None else None) or []:
        if (path := Path(folder) / _FILE).is_file():
            return path
    raise FontError(
        f"no font for overlays: {_FILE.name} of the package {_PACKAGE} is not installed; "
        "install triton-paddleocr[client], or name a .ttf or .otf file that has your script (--font FILE)"
    )


def open_font(path: Path | None = None) -> FontOfSize:
    """Return a function from a size in pixels to the font in that size.

    Args:
        path: font file; None is the one that comes with the client's packages.

    Raises:
        FontError: when the file is missing or is not a font.
    """
    path = find_font() if path is None else path
    try:
        font = ImageFont.truetype(str(path), 16)
    except OSError as error:
        raise FontError(f"cannot letter overlays with {str(path)!r}: {error}") from error

    @lru_cache(maxsize=256)
    def of_size(size_px: int) -> ImageFont.FreeTypeFont:
        return font.font_variant(size=size_px)

    return of_size
