"""Best-path CTC decoding (Graves et al. 2006; PaddleOCR's `CTCLabelDecode`)."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import INSTALL_HINT, InvalidModel

BLANK = 0


def read_dictionary(path: Path) -> tuple[str, ...]:
    """The recogniser's characters; number i is class i + 1, class 0 is the CTC blank.

    Raises:
        InvalidModel: the file is missing, cannot be read, or is not UTF-8.
    """
    try:
        return split_dictionary(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as error:
        raise InvalidModel(f"{path} is missing; {INSTALL_HINT}") from error
    except OSError as error:
        raise InvalidModel(f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InvalidModel(f"{path} is not UTF-8 ({error}); {INSTALL_HINT}") from error


def split_dictionary(text: str) -> tuple[str, ...]:
    """The characters of a dictionary's text, one a line.

    Lines are cut at "\\n" and never stripped: dictionaries hold U+3000, U+2028 and other spaces.
    """
    return tuple(text.split("\n"))


def join_dictionary(characters: tuple[str, ...]) -> str:
    """The text that `split_dictionary` makes these characters of."""
    return "\n".join(characters)


def ctc_decode(
    index: npt.NDArray[np.int64],
    score: npt.NDArray[np.float32],
    steps: npt.NDArray[np.int64],
    dictionary: tuple[str, ...],
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Most likely class per step, repeats merged, blanks dropped.

    Args:
        index: (S,) int64, the winning class of each step, line after line.
        score: (S,) float32, 0..1, its probability.
        steps: (N,) int64, how many steps each line has; S is their sum.
        dictionary: characters of the classes after the blank.

    Returns:
        texts: N strings, empty where every step is blank.
        scores: (N,) float32, 0..1, mean probability of the characters kept; 0 for an empty text.

    Raises:
        InvalidModel: a class lies outside the dictionary.
    """
    check_classes(index, dictionary)
    kept, count, scores = _characters(index, score, steps)
    characters = np.array(("", *dictionary), dtype=object)[index[kept]]
    texts = ["".join(text) for text in np.split(characters, np.cumsum(count)[:-1])] if len(steps) else []
    return texts, scores


def ctc_scores(
    index: npt.NDArray[np.int64], score: npt.NDArray[np.float32], steps: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """The scores of `ctc_decode` alone."""
    return _characters(index, score, steps)[2]


def _characters(
    index: npt.NDArray[np.int64], score: npt.NDArray[np.float32], steps: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """(S,) the steps that begin a character, and (N,) how many characters each line has and their mean probability."""
    line = np.repeat(np.arange(len(steps)), steps)
    kept = index != BLANK
    kept[1:] &= (index[1:] != index[:-1]) | (line[1:] != line[:-1])
    count = np.bincount(line[kept], minlength=len(steps))
    total = np.bincount(line[kept], score[kept], minlength=len(steps))
    return kept, count, (total / np.maximum(count, 1)).astype(np.float32)


def check_classes(index: npt.NDArray[np.int64], dictionary: tuple[str, ...]) -> None:
    """See that every class has its character.

    Raises:
        InvalidModel: a class lies outside the dictionary.
    """
    if index.max(initial=BLANK) > len(dictionary) or index.min(initial=BLANK) < BLANK:
        raise InvalidModel(
            f"the recogniser answered class {index.max()}, but its dictionary has {len(dictionary)} characters; "
            "run ocr-convert to install model and dictionary together"
        )
