"""What has to be known of the world's scripts."""

import re

from bidi import get_display

# What stands before a number: a mark there, of Hebrew or of Arabic, settles how its signs are shown.
MARKS = ("\u200f", "\u061c")
BEFORE_NUMBER = re.compile(r"(?<!\S)(?=[^\w\s]*\d)")


def in_reading_order(text: str) -> str:
    """A right-to-left line, whose characters come as they stand from left to right, as it is read and stored.

    The Unicode bidirectional algorithm (UAX 9) turns stored order into what is shown. Turned once more, what is shown
    becomes stored order again: runs of Latin letters and of digits keep theirs, and brackets their meaning. The sign of
    a number (50%) may end up on its wrong side, as that depends on the letters before it: then what is stored is the
    order that is shown as this line is.
    """
    stored = _turned(text)
    if _turned(stored) == text:
        return stored
    for mark in MARKS:
        other = _turned(BEFORE_NUMBER.sub(mark, text)).replace(mark, "")
        if _turned(other) == text:
            return other
    return stored


def _turned(text: str) -> str:
    return str(get_display(text, base_dir="R"))
