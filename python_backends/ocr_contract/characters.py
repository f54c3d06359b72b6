"""What has to be known of characters, by those who make words and by those who write them."""

import unicodedata
from collections.abc import Iterator, Sequence

CJK_PUNCTUATION = "，！？：；（）［］｛｝"  # full-width signs of Chinese and Japanese text; the others go with numbers


def stands_alone(character: str) -> bool:
    """Whether a character is a word by itself: wide ones are.

    Korean is written in words. So are Latin letters, digits and signs in their full-width forms.
    """
    width = unicodedata.east_asian_width(character[0])
    if width == "F":
        return character[0] in CJK_PUNCTUATION
    return width in "WH" and "HANGUL" not in unicodedata.name(character[0], "")


def word_slices(characters: Sequence[str]) -> Iterator[slice]:
    """The words of characters: spaces part them, and a character that stands alone is one by itself."""
    begin = 0
    for at, character in enumerate([*characters, " "]):
        is_space = character.isspace()
        if is_space or stands_alone(character) or (at > begin and stands_alone(characters[at - 1])):
            if at > begin:
                yield slice(begin, at)
            begin = at + is_space
