"""What has to be known of characters, by those who make words and by those who write them."""

import unicodedata
from collections.abc import Iterator, Sequence


def stands_alone(character: str) -> bool:
    """Whether a character is a word by itself: wide ones are, but Korean is written in words."""
    return unicodedata.east_asian_width(character[0]) in "WFH" and "HANGUL" not in unicodedata.name(character[0], "")


def word_slices(characters: Sequence[str]) -> Iterator[slice]:
    """The words of characters: spaces part them, and a character that stands alone is one by itself."""
    begin = 0
    for at, character in enumerate([*characters, " "]):
        is_space = character.isspace()
        if is_space or stands_alone(character) or (at > begin and stands_alone(characters[at - 1])):
            if at > begin:
                yield slice(begin, at)
            begin = at + is_space
