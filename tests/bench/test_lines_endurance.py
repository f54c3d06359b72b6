"""Pages of many lines, and figures of a long run."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_bench.measurements.endurance import Endurance, Life
from ocr_bench.measurements.lines import PAGE_PX, Lines, LinesPoint, page


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
    assert Lines().table(points).rows == (
        (10, 10, 100.0, 10.0, 1.0, None),
        (20, 30, 140.0, 140 / 30, 140 / 300, 2.0),
        (40, 30, 150.0, 5.0, 0.5, None),
    )


def test_endurance_by_hand() -> None:
    found = Life(3, 4.0, 300.0, 200.0, ((0, 500.0), (49, 800.0), (80, 1000.0), (100, 880.0)))
    assert found.peak_mib == 1000
    assert found.growth == pytest.approx(1.1)
    table = Endurance(pictures=[Path("a.png")], requests=100).table(found)
    assert dict(table.rows)["first / steady"] == pytest.approx(1.5)
    assert dict(table.rows)["PSS after 100 requests, 2 in flight, MiB"] == 880
