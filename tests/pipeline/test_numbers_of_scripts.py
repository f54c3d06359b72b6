"""Numbers with signs in lines that are written from right to left."""

import pytest
from bidi import get_display

from ocr_pipeline.stages.scripts import in_reading_order

LINES = (
    "50% خصم",
    "خصم 50%",
    "خصم 50% اليوم",
    "السعر $5",
    "السعر 5$",
    "+966 خط",
    "صفحة #3",
    "25°C حرارة",
    "Windows نظام 11",
)


@pytest.mark.parametrize("line", LINES)
def test_what_is_shown_is_stored_again(line):
    assert in_reading_order(get_display(line, base_dir="R")) == line
