"""The detector's input: size, tiles, and the map put together again."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.tiles import MARGIN, MAX_TILE_SIDE, cut_tile, join_tile, plan_tiles


def plan(height, width, limit_side_len=736, limit_type="min", max_side_limit=2000):
    limits = {"limit_side_len": limit_side_len, "limit_type": limit_type, "max_side_limit": max_side_limit}
    return plan_tiles(height, width, **limits)


@pytest.mark.parametrize(
    ("picture_hw", "limits", "expected"),
    [
        ((1000, 1500), (736, "min", 2000), (992, 1504)),  # already large enough
        ((400, 600), (736, "min", 2000), (736, 1088)),  # 1104 / 32 = 34.5, rounded to even as PaddleOCR does
        ((3000, 4000), (736, "min", 2000), (1504, 1984)),  # 2000 is no multiple of 32, and never exceeded
        ((3000, 4000), (960, "max", 4000), (704, 960)),  # 720 / 32 = 22.5, rounded to even
        ((400, 600), (960, "max", 4000), (384, 608)),
        ((1, 1), (736, "min", 2000), (32, 32)),
        ((28, 37), (736, "min", 2000), (160, 224)),  # a small picture is not blown up to 736
        ((1, 1000), (960, "max", 4000), (32, 960)),
        (
            (3296, 935),
            (736, "min", 2000),
            (1984, 576),
        ),  # a long receipt is reduced a little more than its short side asks
    ],
)
def test_an_ordinary_picture_is_one_tile(picture_hw, limits, expected):
    made = plan(*picture_hw, *limits)
    assert made.scaled_hw == made.tile_hw == expected
    assert len(made.tiles) == 1


@pytest.mark.parametrize(
    ("picture_hw", "max_side_limit", "scaled_hw", "tiles"),
    [
        ((22880, 1080), 2000, (15584, 736), 9),  # the short side is as long as its limit wants it
        ((800, 20000), 2000, (736, 18400), 11),
        ((12848, 253), 2000, (12832, 256), 8),  # and a narrower one is not scaled at all
        ((24, 1536), 2000, (96, 6144), 4),  # unless its text would fill the detector's input from edge to edge
        ((30, 2000), 2000, (96, 6400), 4),
        ((1, 100_000), 2000, (32, 1984), 1),  # no letter has room in it
        ((3, 100_000), 2000, (32, 1984), 1),
        ((6000, 8000), 8000, (6016, 8000), 20),
        ((6000, 8000), 2000, (1504, 1984), 1),
    ],
)
def test_strips_and_plans_are_cut_into_tiles(picture_hw, max_side_limit, scaled_hw, tiles):
    made = plan(*picture_hw, max_side_limit=max_side_limit)
    assert made.scaled_hw == scaled_hw
    assert len(made.tiles) == tiles
    assert max(made.tile_hw) <= MAX_TILE_SIDE


sides = st.integers(1, 30_000)


@given(sides, sides, st.integers(32, 4000), st.sampled_from(["min", "max"]), st.integers(32, 20_000))
def test_tiles_answer_for_every_pixel_once_and_share_a_margin(
    height, width, limit_side_len, limit_type, max_side_limit
):
    made = plan(height, width, limit_side_len, limit_type, max_side_limit)
    assert all(side % 32 == 0 and 32 <= side <= MAX_TILE_SIDE for side in made.tile_hw)
    for axis, own_of in ((0, "own_rows"), (1, "own_columns")):
        starts = sorted({(tile.top, tile.left)[axis] for tile in made.tiles})
        owns = sorted({getattr(tile, own_of) for tile in made.tiles})
        length = made.tile_hw[axis]
        assert starts[0] == owns[0][0] == 0
        assert owns[-1][1] == made.scaled_hw[axis]
        assert starts[-1] + length >= made.scaled_hw[axis]
        assert all(before[1] == after[0] for before, after in pairwise(owns))
        for start, (first, last), is_first, is_last in zip(
            starts, owns, [True] + [False] * len(starts), [False] * (len(starts) - 1) + [True], strict=False
        ):
            assert is_first or first - start >= MARGIN // 2 - 16  # sides are rounded to multiples of 32
            assert is_last or start + length - last >= MARGIN // 2 - 16


def test_the_tensor_has_a_batch_axis_and_stays_uint8():
    made = plan(100, 200, 64, "max")
    (tile,) = made.tiles
    det_image = cut_tile(np.full((100, 200, 3), 7, np.uint8), made, tile)
    assert det_image.shape == (1, 32, 64, 3)
    assert det_image.dtype == np.uint8
    assert (det_image == 7).all()


@pytest.mark.parametrize(("height", "width"), [(9000, 900), (700, 12000)])
def test_a_tile_shows_what_the_whole_picture_scaled_would(height, width):
    coarse = np.random.default_rng(3).integers(0, 256, (height // 50, width // 50, 3), dtype=np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    made = plan(height, width)
    whole = cv2.resize(picture, made.scaled_hw[::-1], interpolation=cv2.INTER_LINEAR)
    assert len(made.tiles) > 3
    for tile in made.tiles:
        shown = cut_tile(picture, made, tile)[0].astype(int)
        expected = whole[tile.top : tile.top + made.tile_hw[0], tile.left : tile.left + made.tile_hw[1]]
        difference = np.abs(shown[: expected.shape[0], : expected.shape[1]] - expected)
        assert difference.mean() < 1
        assert difference.max() < 12


def test_maps_are_put_together_to_that_of_the_whole_picture():
    made = plan(9000, 900)
    prob = np.random.default_rng(4).random(made.scaled_hw, dtype=np.float32)
    prob[100, 100] = np.nan
    whole = np.empty(made.scaled_hw, np.uint8)
    height, width = made.tile_hw
    for tile in made.tiles:
        shown = np.zeros(made.tile_hw, np.float32)
        part = prob[tile.top : tile.top + height, tile.left : tile.left + width]
        shown[: part.shape[0], : part.shape[1]] = part
        join_tile(whole, tile, shown)
    assert np.abs(whole / 255 - np.nan_to_num(prob)).max() <= 0.5 / 255 + 1e-6
