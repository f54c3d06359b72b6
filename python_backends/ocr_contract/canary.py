"""A small picture whose text every model set reads: whoever reads it right can read pictures."""

from importlib.resources import files

from ocr_contract.result import OcrResult

TEXT = "12345"  # digits are in every dictionary of PaddleOCR


def picture() -> bytes:
    """Return the picture's file: black digits on white, 256 x 64 pixels, PNG."""
    return files(__package__).joinpath("canary.png").read_bytes()


def is_right(result: OcrResult) -> bool:
    """Whether this is what stands on the picture."""
    return "".join(result.texts) == TEXT
