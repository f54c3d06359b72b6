"""Text files beside a network: settings and dictionaries."""

from pathlib import Path

from ocr_convert.errors import ModelFolderError

MAX_BYTES = 4 << 20  # the largest of PaddleOCR, with a dictionary of 18,000 characters in it, has 0.2 MB


def read_text(path: Path) -> str:
    """The text of a small file, its line ends as they are.

    Raises:
        ModelFolderError: it is no file, is too large, or cannot be read as UTF-8 text.
    """
    try:
        if not path.is_file():
            raise ModelFolderError(f"{path} is not a file")
        if path.stat().st_size > MAX_BYTES:
            raise ModelFolderError(f"{path} is larger than {MAX_BYTES >> 20} MiB: it belongs to no network")
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFolderError(f"{path} cannot be read as UTF-8 text: {error}") from error
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be read: {error.strerror}") from error
