"""Dictionaries: the characters that a rec model's classes stand for."""

from pathlib import Path

from ocr_convert.errors import ModelFolderError

SPACE = " "
BLANKS = 1  # CTC's class 0


def read_dictionary(path: Path) -> tuple[str, ...]:
    r"""Read a dictionary file: one character a line, cut at "\n" alone and never stripped.

    Raises:
        ModelFolderError: it cannot be read as UTF-8 text
    """
    try:
        return split_lines(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"the dictionary {path} cannot be read as UTF-8 text: {error}") from error


def split_lines(text: str) -> tuple[str, ...]:
    r"""Return the characters of a dictionary's text, one a line; a last line feed is not a character."""
    # Not splitlines(): dictionaries hold U+2028 and other characters that it takes for ends of lines.
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return tuple(line.removesuffix("\r") for line in lines)


def dictionary_text(characters: tuple[str, ...], classes: int) -> str:
    r"""Return the text of dictionary.txt: the line i is class i + 1, the last one is the space.

    Args:
        characters: the dictionary without blank and space
        classes: the number of classes of the rec network

    Raises:
        ModelFolderError: the dictionary is not of this network
    """
    if BLANKS + len(characters) + 1 != classes:
        raise ModelFolderError(
            f"the dictionary does not fit the rec model: with blank and space {len(characters)} characters "
            f"make {BLANKS + len(characters) + 1} classes, but the model has {classes}"
        )
    if any("\n" in character for character in characters):
        raise ModelFolderError("the dictionary holds a line feed, which no line of text has: it is damaged")
    return "\n".join([*characters, SPACE])
