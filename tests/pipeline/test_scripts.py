"""What is known of the world's scripts."""

import pytest

from ocr_contract.characters import stands_alone
from ocr_pipeline.stages.scripts import in_reading_order


@pytest.mark.parametrize(("characters", "alone"), [("中文，。（ｱあ", True), ("abcÄ1.한글عП Ａｚ０．％￥", False)])
def test_wide_characters_stand_alone_but_for_korean_and_wide_latin(characters, alone):
    assert {stands_alone(character) for character in characters} == {alone}


@pytest.mark.parametrize(
    ("shown", "stored"),
    [
        ("", ""),
        ("ملاعلاب ابحرم", "مرحبا بالعالم"),
        ("رالود 123.50 رعسلا", "السعر 123.50 دولار"),
        ("نآلا Windows 11 مدختسا", "استخدم Windows 11 الآن"),
        ("10:30 ةعاسلا 2025/03/18 خيرات", "تاريخ 2025/03/18 الساعة 10:30"),
        ("ةماه )ةظحالم(", "(ملاحظة) هامة"),
        ("Windows 11", "Windows 11"),
    ],
)
def test_what_stands_from_left_to_right_is_put_in_the_order_in_which_it_is_read(shown, stored):
    assert in_reading_order(shown) == stored
