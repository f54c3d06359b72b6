"""Size of the detector's input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_pipeline.stages.det_preprocess import det_size, resize_for_det


@pytest.mark.parametrize(
    ("picture_hw", "resize", "expected"),
    [
        ((1000, 1500), (736, "min", 2000), (992, 1504)),  # already large enough
        ((400, 600), (736, "min", 2000), (736, 1088)),  # 1104 / 32 = 34.5, rounded to even as PaddleOCR does
        ((3000, 4000), (736, "min", 2000), (1504, 1984)),  # 2000 is no multiple of 32, and never exceeded
        ((3000, 4000), (960, "max", 4000), (704, 960)),  # 720 / 32 = 22.5, rounded to even
        ((400, 600), (960, "max", 4000), (384, 608)),
        ((1, 1), (736, "min", 2000), (736, 736)),
        ((1, 1000), (736, "min", 2000), (32, 1984)),
        ((1, 1000), (960, "max", 4000), (32, 960)),
    ],
)
def test_size(picture_hw, resize, expected):
    assert det_size(*picture_hw, *resize) == expected


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(32, 4000), st.integers(32, 4000))
def test_sides_are_multiples_of_32_within_the_limit(height, width, limit_side_len, max_side_limit):
    for limit_type in ("min", "max"):
        size = det_size(height, width, limit_side_len, limit_type, max_side_limit)
        assert all(side % 32 == 0 and 32 <= side <= max_side_limit for side in size)


def test_the_tensor_has_a_batch_axis_and_stays_uint8():
    det_image = resize_for_det(np.full((100, 200, 3), 7, np.uint8), (32, 64))
    assert det_image.shape == (1, 32, 64, 3)
    assert det_image.dtype == np.uint8
    assert (det_image == 7).all()
