"""Dictionaries: the characters that a rec model's classes stand for."""

import re
from collections.abc import Sequence
from pathlib import Path

from ocr_convert.errors import ModelFolderError
from ocr_convert.paddle.small_file import read_text
from ocr_pipeline.stages.ctc import split_dictionary

SPACE = " "
MAX_LENGTH = 64  # of an entry: some are words, such as the commands of formulas
BLANKS = 1  # CTC's class 0
BYTE_ORDER_MARK = "\ufeff"  # some editors put it at the head of a file
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which UTF-8 has no bytes for; YAML can write one


def read_dictionary(path: Path) -> tuple[str, ...]:
    """Read a dictionary file: one character a line.

    Raises:
        ModelFolderError: it cannot be read as UTF-8 text, or is too large for one
    """
    return split_lines(read_text(path))


def split_lines(text: str) -> tuple[str, ...]:
    """Return the characters of a dictionary's text, one a line; a last line feed is not a character."""
    lines = split_dictionary(text)
    if lines[-1] == "":
        lines = lines[:-1]
    return without_mark([line.removesuffix("\r") for line in lines])


def without_mark(characters: Sequence[str]) -> tuple[str, ...]:
    """Return the characters without the byte order mark before the first of them."""
    # A first entry that is nothing else is a character that the network knows.
    return tuple(entry.removeprefix(BYTE_ORDER_MARK) or entry for entry in characters[:1]) + tuple(characters[1:])


def class_characters(characters: tuple[str, ...], classes: int) -> tuple[str, ...]:
    """Return the characters of the classes after the blank, the space among them where the network has it.

    PaddleOCR adds the space to a dictionary where a network was trained with `use_space_char`. The number of classes
    tells whether it was.

    Args:
        characters: the dictionary
        classes: the number of classes of the rec network

    Raises:
        ModelFolderError: the dictionary is not of this network
    """
    if not characters:
        raise ModelFolderError("the dictionary of the rec model is empty")
    if any("\n" in character or SURROGATE.search(character) for character in characters):
        raise ModelFolderError("the dictionary holds a line feed or half a character: it is damaged")
    if max(map(len, characters)) > MAX_LENGTH:
        raise ModelFolderError(f"the dictionary has an entry of more than {MAX_LENGTH} characters: it is damaged")
    without_space = BLANKS + len(characters)
    if classes not in (without_space, without_space + 1):
        raise ModelFolderError(
            f"the dictionary does not fit the rec model: with the blank {len(characters)} characters make "
            f"{without_space} classes, {without_space + 1} with a space at the end, but the model has {classes}"
        )
    return characters if classes == without_space else (*characters, SPACE)
