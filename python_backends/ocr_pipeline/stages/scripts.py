"""What has to be known of the world's scripts."""

import unicodedata


def stands_alone(character: str) -> bool:
    """Whether a character is a word by itself: wide ones are, but Korean is written in words."""
    return unicodedata.east_asian_width(character[0]) in "WF" and "HANGUL" not in unicodedata.name(character[0], "")
