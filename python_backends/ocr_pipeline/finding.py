"""From a picture to the boxes of its lines, whatever way up it is; `ocr_pipeline.upright` turns it first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr_contract.options import Options
from ocr_contract.result import DetectionResult
from ocr_pipeline.clock import Clock
from ocr_pipeline.stages.crops import from_own_top_left
from ocr_pipeline.stages.db_postprocess import MAX_LINES, PLAIN_DB, DbVariant, ProbabilityMap, boxes_from_prob
from ocr_pipeline.stages.decode import decode_image, pixels_of_array, pixels_of_rgb
from ocr_pipeline.stages.large_letters import coarse_plan, put_large_letters
from ocr_pipeline.stages.tiles import TilePlan, cut_tile, join_tile, plan_tiles

Pixels = npt.NDArray[np.uint8]
# (1, h, w, 3) uint8 to (1, h, w) float32, 0..1; sides are multiples of 32
Detector = Callable[[Pixels], npt.NDArray[np.float32]]
# (B, height, width, 3) uint8 to labels (B,) int64 and scores (B,) float32
Classifier = Callable[[Pixels], tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]


def open_picture(
    picture: bytes | npt.NDArray[Any], clock: Clock, *, max_pixels: int, max_bytes: int, page: int = 0
) -> Pixels:
    """(H, W, 3) uint8, BGR, of an encoded picture, its base64 text, or an array as `Picture` describes it.

    `page` says which picture of a file of several; see `decode_image`.

    Raises:
        InvalidImage: it is not a picture, or not a whole one.
        ImageTooLarge: it has more pixels or bytes than these limits allow.
    """
    with clock.stage("decode"):
        if isinstance(picture, np.ndarray):
            return pixels_of_array(picture, max_pixels)
        return decode_image(picture, max_pixels, max_bytes, page)


def open_rgb(rgb: Pixels, clock: Clock, *, max_pixels: int) -> Pixels:
    """(H, W, 3) uint8, BGR, of (H, W, 3) uint8, RGB.

    Raises:
        InvalidImage: it has no pixels.
        ImageTooLarge: it has more than the limit allows.
    """
    with clock.stage("decode"):
        return pixels_of_rgb(rgb, max_pixels)


def tile_plan(pixels: Pixels, options: Options) -> TilePlan:
    """How a picture (H, W, 3) is given to the detector."""
    return plan_tiles(
        pixels.shape[0],
        pixels.shape[1],
        limit_side_len=options["text_det_limit_side_len"],
        limit_type=options["text_det_limit_type"],
        max_side_limit=options["text_det_max_side_limit"],
    )


def probability_map(pixels: Pixels, detect: Detector, options: Options, clock: Clock) -> ProbabilityMap:
    """The detector's answer to a picture (H, W, 3) uint8: (h, w) float32, 0..1, or, of several tiles, uint8, 0..255."""
    plan = tile_plan(pixels, options)
    whole = np.empty(plan.scaled_hw if len(plan.tiles) > 1 else (0, 0), np.uint8)
    for tile in plan.tiles:
        with clock.stage("det_resize"):
            det_image = cut_tile(pixels, plan, tile)
        with clock.stage("det"):
            prob = detect(det_image)[0]
        if len(plan.tiles) == 1:
            return prob
        join_tile(whole, tile, prob)
    if coarse := coarse_plan(plan):
        with clock.stage("det_resize"):
            det_image = cut_tile(pixels, coarse, coarse.tiles[0])
        with clock.stage("det"):
            prob = detect(det_image)[0]
        put_large_letters(
            whole,
            prob,
            thresh=options["text_det_thresh"],
            box_thresh=options["text_det_box_thresh"],
            unclip_ratio=options["text_det_unclip_ratio"],
        )
    return whole


def find_boxes(
    prob: ProbabilityMap,
    picture_hw: tuple[int, int],
    options: Options,
    clock: Clock,
    *,
    variant: DbVariant = PLAIN_DB,
    max_lines: int = MAX_LINES,
) -> DetectionResult:
    """The text lines of a picture, each begun at the text's own top-left corner.

    Args:
        prob: the detector's answer, as `probability_map` gives it.
        picture_hw: height and width of the picture in pixels.
        options: of the request.
        clock: times the stage.
        variant: the kind of post-processing that the model set states.
        max_lines: a picture with more is refused.

    Raises:
        TooMuchText: there are more lines.
    """
    with clock.stage("db_postprocess"):
        found = boxes_from_prob(
            prob,
            picture_hw,
            thresh=options["text_det_thresh"],
            box_thresh=options["text_det_box_thresh"],
            unclip_ratio=options["text_det_unclip_ratio"],
            variant=variant,
            max_lines=max_lines,
        )
        return replace(found, boxes=from_own_top_left(found.boxes))
