"""Transparency laid on a gray that what can be seen stands out from.

White text is lost on white and black text on black, so the pixels themselves choose. Those tell that lie near
transparent ones: what stands in the middle of a logo or a photo needs no ground. Of a stroke its core tells, not its
rim: outlined letters, and those around which white paper was made transparent, are read best where the rim is lost.
"""

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr_pipeline.stages.bands import bands, rgb_in_bands

CELL = 8  # pixels that are looked at together, less than small letters are apart
RIMS = (3, 5)  # pixels: sides of the squares in which all is visible around a pixel of a core
CORE_SHARE = 10  # how much more the pixels of each next core count
ENOUGH = 128  # levels of contrast; more of it reads no better
MORE = 1 / 300  # what a level beyond ENOUGH counts: black or white where one of them is as good as a gray


def on_ground(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR of a picture with transparency, on the level of `ground_level`."""
    if "A" in picture.getbands() and picture.getchannel("A").getextrema() == (255, 255):
        return rgb_in_bands(picture, lambda band: band.convert("RGB"))
    level = ground_level(picture)

    def lay(band: Image.Image) -> Image.Image:
        layer = band.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (level, level, level)), layer).convert("RGB")

    return rgb_in_bands(picture, lay)


def ground_level(picture: Image.Image) -> int:
    """The gray, 0..255, from which the visible pixels beside transparent ones differ most; 255 where there are none."""
    seen = np.zeros(256)  # how much there is of each level
    for _, band in bands(picture, multiple_of=CELL):
        gray, alpha = (np.asarray(part) for part in band.convert("LA").split())
        cells = -(-band.width // CELL), -(-band.height // CELL)
        visible = alpha.astype(np.float32) / 255
        core = np.ones_like(visible)
        for rim in RIMS:
            core = 1 + CORE_SHARE * core * (cv2.erode(alpha, np.ones((rim, rim), np.uint8)).astype(np.float32) / 255)
        core *= visible
        share, weight, light = (
            cv2.resize(part, cells, interpolation=cv2.INTER_AREA).ravel() for part in (visible, core, core * gray)
        )
        level = np.rint(light / np.maximum(weight, np.finfo(np.float32).tiny)).astype(np.int64)
        seen += np.bincount(np.clip(level, 0, 255), share * (1 - share), 256)
    grounds = np.arange(255, -1, -1)
    contrast = np.abs(grounds[:, None] - np.arange(256))
    worth = np.minimum(contrast, ENOUGH) + MORE * np.maximum(contrast - ENOUGH, 0)
    return int(grounds[np.argmax(worth @ seen)])
