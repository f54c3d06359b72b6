"""Pages of many lines, and figures of a long run."""

import cv2
import numpy as np
import pytest

from ocr_bench.endurance import Endurance
from ocr_bench.endurance import table as endurance_table
from ocr_bench.lines import PAGE_PX, LinesPoint, page
from ocr_bench.lines import table as lines_table


@pytest.mark.parametrize("lines", [0, 1, 10, 333, 1000])
def test_a_page_has_as_many_separate_lines_as_asked_for(lines: int) -> None:
    pixels = page(lines)
    assert pixels.shape == (PAGE_PX, PAGE_PX, 3)
    ink = (pixels[..., 0] < 200).astype(np.uint8)
    joined = cv2.dilate(ink, np.ones((3, 19), np.uint8))  # letters of a line touch, lines do not
    count, _ = cv2.connectedComponents(joined)
    assert count - 1 == lines


def test_more_lines_than_places_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1000 lines, not 1001"):
        page(1001)


def test_lines_by_hand() -> None:
    points = [LinesPoint(10, 10, 100.0), LinesPoint(20, 30, 140.0), LinesPoint(40, 30, 150.0)]
    assert lines_table(points).rows == (
        (10, 10, 100.0, 10.0, 1.0, None),
        (20, 30, 140.0, 140 / 30, 140 / 300, 2.0),
        (40, 30, 150.0, 5.0, 0.5, None),
    )


def test_endurance_by_hand() -> None:
    found = Endurance(4.0, 300.0, 200.0, 100, 2, ((0, 500.0), (49, 800.0), (80, 1000.0), (100, 880.0)))
    assert found.peak_mib == 1000
    assert found.growth == pytest.approx(1.1)
    (ratio,) = (row[1] for row in endurance_table(found).rows if row[0] == "first / steady")
    assert ratio == pytest.approx(1.5)
    assert found.as_dict()["peak_mib"] == 1000
