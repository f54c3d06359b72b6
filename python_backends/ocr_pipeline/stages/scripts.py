"""What has to be known of the world's scripts."""

import unicodedata

from bidi import get_display

CJK_PUNCTUATION = "，！？：；（）［］｛｝"  # full-width signs of Chinese and Japanese text; the others go with numbers


def stands_alone(character: str) -> bool:
    """Whether a character is a word by itself: wide ones are.

    Korean is written in words. So are Latin letters, digits and signs in their full-width forms.
    """
    width = unicodedata.east_asian_width(character[0])
    if width == "F":
        return character[0] in CJK_PUNCTUATION
    return width in "WH" and "HANGUL" not in unicodedata.name(character[0], "")


def in_reading_order(text: str) -> str:
    """A right-to-left line, whose characters come as they stand from left to right, as it is read and stored.

    The Unicode bidirectional algorithm (UAX 9) turns stored order into what is shown. Turned once more, what is shown
    becomes stored order again: runs of Latin letters and of digits keep theirs, and brackets their meaning.
    """
    return str(get_display(text, base_dir="R"))
