"""Large letters across tiles: the coarse look at the whole picture, and what of it goes into the map."""

import numpy as np
import pytest

from ocr_pipeline.clock import NO_CLOCK
from ocr_pipeline.finding import probability_map
from ocr_pipeline.stages.db_postprocess import boxes_from_prob
from ocr_pipeline.stages.large_letters import coarse_plan, put_large_letters
from ocr_pipeline.stages.tiles import MARGIN, MAX_TILE_SIDE, plan_tiles

LIMITS = {"thresh": 0.3, "box_thresh": 0.5, "unclip_ratio": 1.8}
HEIGHT, WIDTH = 704, 4000


def plan(height, width, max_side_limit=2000):
    return plan_tiles(height, width, limit_side_len=736, limit_type="min", max_side_limit=max_side_limit)


def boxes(whole):
    """Left, top, right and bottom of each box, from left to right."""
    found = boxes_from_prob(whole, whole.shape, **LIMITS).boxes
    return sorted((*box.min(axis=0).round().tolist(), *box.max(axis=0).round().tolist()) for box in found)


def strokes_and_line():
    """What tiles make of a line of large letters, and the coarse map in which it is one."""
    whole = np.zeros((HEIGHT, WIDTH), np.uint8)
    for at in range(500, 3300, 400):
        whole[200:500, at : at + 60] = 230
        whole[330:400, at + 80 : at + 240] = 230
    coarse = np.zeros((HEIGHT // 4, WIDTH // 4), np.float32)
    coarse[70:105, 130:850] = 0.9
    return whole, coarse


def test_strokes_of_large_letters_become_their_line():
    whole, coarse = strokes_and_line()
    assert len(boxes(whole)) == 14
    put_large_letters(whole, coarse, **LIMITS)
    ((left, top, right, bottom),) = boxes(whole)
    assert left < 500 and right > 3140
    assert bottom - top > MARGIN
    assert 200 < (top + bottom) / 2 < 500


def test_small_text_beside_and_among_large_letters_stays():
    whole, coarse = strokes_and_line()
    whole[600:610, 500:900] = 250
    whole[250:260, 1480:1680] = 250
    put_large_letters(whole, coarse, **LIMITS)
    assert len(boxes(whole)) == 3


@pytest.mark.parametrize(("line_height", "pitch"), [(8, 30), (20, 60)])
def test_lines_of_a_paragraph_or_on_a_watermark_stay(line_height, pitch):
    whole, coarse = np.zeros((HEIGHT, WIDTH), np.uint8), strokes_and_line()[1]
    for top in range(270, 440, pitch):
        whole[top : top + line_height, 600:3000] = 250
    before = whole.copy()
    put_large_letters(whole, coarse, **LIMITS)
    assert np.array_equal(whole, before)


@pytest.mark.parametrize("change", ["low", "doubtful", "nan"])
def test_what_is_no_line_of_large_letters_changes_nothing(change):
    whole, coarse = strokes_and_line()
    before = whole.copy()
    if change == "low":  # a line that tiles see whole
        coarse[80:] = 0
    else:
        coarse[coarse > 0] = 0.4 if change == "doubtful" else np.nan
    put_large_letters(whole, coarse, **LIMITS)
    assert np.array_equal(whole, before)


def test_letters_at_the_border_of_the_picture_are_written():
    whole, coarse = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT // 4, WIDTH // 4), np.float32)
    coarse[:40, :300] = coarse[-40:, -300:] = 1
    put_large_letters(whole, coarse, **LIMITS)
    assert whole[3, 3] == whole[-4, -4] == 255
    assert len(boxes(whole)) == 2


@pytest.mark.parametrize(
    ("picture_hw", "max_side_limit"), [((1200, 9000), 2000), ((6000, 8000), 8000), ((60_000, 800), 2000)]
)
def test_the_coarse_look_is_one_small_tile(picture_hw, max_side_limit):
    made = plan(*picture_hw, max_side_limit)
    coarse = coarse_plan(made)
    (tile,) = coarse.tiles
    assert coarse.scaled_hw == coarse.tile_hw == (tile.own_rows[1], tile.own_columns[1])
    assert max(coarse.tile_hw) <= MAX_TILE_SIDE
    assert np.prod(coarse.tile_hw) <= 0.5 * np.prod(made.tile_hw)


@pytest.mark.parametrize("picture_hw", [(1000, 1500), (3000, 4000), (28, 37), (30, 4000)])
def test_pictures_of_one_tile_and_thin_ones_are_looked_at_once(picture_hw):
    assert coarse_plan(plan(*picture_hw)) is None


def test_a_picture_in_tiles_is_given_to_the_detector_whole_at_last():
    options = {"text_det_limit_side_len": 736, "text_det_limit_type": "min", "text_det_max_side_limit": 2000}
    options |= {"text_det_thresh": 0.3, "text_det_box_thresh": 0.5, "text_det_unclip_ratio": 1.8}
    shapes = []

    def detect(det_image):
        shapes.append(det_image.shape[1:3])
        is_coarse = min(shapes[-1]) < 200
        return np.full((1, *shapes[-1]), 0.9 if is_coarse else 0, np.float32)

    whole = probability_map(np.zeros((1200, 9000, 3), np.uint8), detect, options, NO_CLOCK)
    assert len(set(shapes[:-1])) == 1
    assert shapes[-1] == coarse_plan(plan(1200, 9000)).tile_hw
    assert whole.max() > 200
