"""A small picture whose text every model set reads: whoever reads it right can read pictures."""

from collections.abc import Sequence
from importlib.resources import files

TEXT = "12345"  # digits are in every dictionary of PaddleOCR


def picture() -> bytes:
    """Return the picture's file: black digits on white, 256 x 64 pixels, PNG."""
    return files(__package__).joinpath("canary.png").read_bytes()


def is_right(texts: Sequence[str]) -> bool:
    """Whether these lines are what stands on the picture."""
    return "".join(texts) == TEXT
