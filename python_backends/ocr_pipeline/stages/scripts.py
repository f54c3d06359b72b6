"""What has to be known of the world's scripts."""

from bidi import get_display


def in_reading_order(text: str) -> str:
    """A right-to-left line, whose characters come as they stand from left to right, as it is read and stored.

    The Unicode bidirectional algorithm (UAX 9) turns stored order into what is shown. Turned once more, what is shown
    becomes stored order again: runs of Latin letters and of digits keep theirs, and brackets their meaning.
    """
    return str(get_display(text, base_dir="R"))
