"""The font that overlays are lettered in: Noto Sans CJK, for Chinese, Japanese, Korean, Latin, Greek and Cyrillic."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from ocr_client.errors import FontError

_PACKAGE, _FILE = "manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc"  # what the extra `draw` installs
# Files that Pillow looks for in the folders of this system's fonts; Debian's fonts-noto-cjk has the first.
_OF_THE_SYSTEM = ("NotoSansCJK-Regular.ttc", _FILE, "NotoSansCJKsc-Regular.otf", "PingFang.ttc", "msyh.ttc")
_SIMPLIFIED = 2  # face of a Noto Sans CJK collection, after Japanese and Korean
_REGULAR = 400  # weight of a face that has all of them
_ANY_PX = 16

FontOfSize = Callable[[int], ImageFont.FreeTypeFont]


def open_font(path: Path | None = None) -> FontOfSize:
    """Return a function from a size in pixels to the font in that size.

    Args:
        path: font file; None for Noto Sans CJK of the extra `draw`, or else a font of this system.

    Raises:
        FontError: the file is missing or is not a font, or there is no font for Chinese on this system.
    """
    name = _find_font() if path is None else str(path)
    try:
        face = ImageFont.truetype(name, _ANY_PX)
        if face.getname()[0] == "Noto Sans CJK JP":
            face = ImageFont.truetype(name, _ANY_PX, index=_SIMPLIFIED)
    except OSError as error:
        raise FontError(f"cannot letter overlays with {name!r}: {error}") from error

    @lru_cache(maxsize=256)
    def of_size(size_px: int) -> ImageFont.FreeTypeFont:
        font = face.font_variant(size=size_px)
        if name.endswith(_FILE):
            font.set_variation_by_axes([_REGULAR])
        return font

    return of_size


def _find_font() -> str:
    """Path of the font of the extra `draw`, else a name by which Pillow finds one of this system.

    Raises:
        FontError: there is none.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations if spec is not None else None) or []:
        if (path := Path(folder) / _FILE).is_file():
            return str(path)
    for name in _OF_THE_SYSTEM:
        try:
            ImageFont.truetype(name, _ANY_PX)
        except OSError:
            continue
        return name
    raise FontError(
        "no font that has Chinese to letter overlays with: pip install 'triton-paddleocr-client[draw]', "
        "or apt-get install fonts-noto-cjk, or name a font file that has your script (--font FILE)"
    )
