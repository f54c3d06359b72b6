"""What has to be known of characters, by those who make words and by those who write them."""

import unicodedata


def stands_alone(character: str) -> bool:
    """Whether a character is a word by itself: wide ones are, but Korean is written in words."""
    return unicodedata.east_asian_width(character[0]) in "WFH" and "HANGUL" not in unicodedata.name(character[0], "")
