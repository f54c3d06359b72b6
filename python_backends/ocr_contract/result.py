"""What the three endpoints answer, as objects whose lengths agree.

`N` is the number of text lines, also 0. Boxes are in pixels of the picture as a person sees it (EXIF orientation
applied), clockwise from the text's own top-left corner. The lines of a page stand in reading order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidResult

FloatArray = npt.NDArray[np.float32]
Tensors = Mapping[str, npt.NDArray[Any] | None]
_Result = TypeVar("_Result", bound="_ResultBase")
Indices = npt.NDArray[np.int32]


_TEXTS, _BOXES, _INDICES = ("texts", "words"), ("boxes", "word_boxes"), ("word_lines",)


class _ResultBase:
    """Reading, checking, comparing and writing what the results have in common: one field per tensor.

    Fields of lines have one length, and so have fields of words, whose names begin with "word".
    """

    def __post_init__(self) -> None:
        lengths: dict[bool, dict[str, int]] = {False: {}, True: {}}
        for name in self.tensor_names():
            value = getattr(self, name)
            if name in _TEXTS:
                if not isinstance(value, tuple):
                    raise TypeError(f"{name}: expected a tuple of str, got {type(value).__name__}")
            else:
                value = _checked(name, value)
                object.__setattr__(self, name, value)
            lengths[name.startswith("word")][name] = len(value)
        for of_words, what in ((False, "text line"), (True, "word")):
            if len(set(lengths[of_words].values())) > 1:
                raise InvalidResult(f"one entry per {what} expected in every field, got {lengths[of_words]}")
        for name in _INDICES:
            if name in lengths[True]:
                self._check_lines(name, getattr(self, name))

    def _check_lines(self, name: str, lines: Indices) -> None:
        """See that words are of lines that there are, in the lines' order."""
        if len(lines) and (lines.min() < 0 or lines.max() >= len(self) or (np.diff(lines) < 0).any()):
            raise InvalidResult(f"{name}: expected lines from 0 to {len(self) - 1} in their order, got {_shown(lines)}")

    def __len__(self) -> int:
        return len(getattr(self, self.tensor_names()[0]))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.tensor_names())

    __hash__ = None  # type: ignore[assignment]  # arrays do not hash

    @classmethod
    def tensor_names(cls) -> tuple[str, ...]:
        """Names of the endpoint's outputs, which are the fields' names."""
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type]

    @classmethod
    def empty(cls: type[_Result]) -> _Result:
        """Return the result of a picture without text: length 0, right shapes."""
        return cls.from_dict(dict.fromkeys(cls.tensor_names(), ()))

    @classmethod
    def from_tensors(cls: type[_Result], tensors: Tensors) -> _Result:
        """Read the endpoint's output tensors; `texts` is an array of UTF-8 bytes.

        Raises:
            InvalidResult: when a tensor is missing, a text is not UTF-8, or shapes and lengths disagree.
        """
        values: dict[str, Any] = {}
        for name in cls.tensor_names():
            tensor = tensors.get(name)
            if tensor is not None:
                values[name] = tuple(_text(name, item) for item in tensor.reshape(-1)) if name in _TEXTS else tensor
            elif not name.startswith("word"):
                raise InvalidResult(f"the answer lacks the tensor {name!r}; it holds {sorted(tensors)}")
        return cls(**values)

    def to_tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the endpoint's output tensors by name; texts are arrays of UTF-8 bytes."""
        return {
            name: _utf8(getattr(self, name)) if name in _TEXTS else getattr(self, name) for name in self.tensor_names()
        }

    @classmethod
    def from_dict(cls: type[_Result], document: Mapping[str, Any]) -> _Result:
        """Read what `to_dict` wrote; other keys are left alone.

        Raises:
            InvalidResult: when a key is missing, or shapes and lengths disagree.
        """
        missing = [name for name in cls.tensor_names() if name not in document and not name.startswith("word")]
        if missing:
            raise InvalidResult(f"the document lacks {missing}; it holds {sorted(document)}")
        return cls(
            **{name: tuple(v) if name in _TEXTS else v for name, v in document.items() if name in cls.tensor_names()}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, strings and numbers, ready for json.dumps; `from_dict` gives the same result back.

        Words are left out where there are none.
        """
        return {
            name: list(getattr(self, name)) if name in _TEXTS else _plain(getattr(self, name))
            for name in self.tensor_names()
            if len(getattr(self, name)) or not name.startswith("word")
        }


def _no_boxes() -> FloatArray:
    return np.empty((0, 4, 2), np.float32)


def _no_scores() -> FloatArray:
    return np.empty(0, np.float32)


def _no_lines() -> Indices:
    return np.empty(0, np.int32)


@dataclass(frozen=True, eq=False)
class OcrResult(_ResultBase):
    """Text lines of one picture: the answer of the endpoint `ocr`.

    Attributes:
        boxes: (N, 4, 2) float32, pixels (x, y), clockwise from the text's own top-left corner.
        texts: N strings.
        scores: (N,) float32, 0..1, how sure the recogniser is of the text.
        box_scores: (N,) float32, 0..1, how sure the detector is of the box.
        words: M strings, the lines' words in their order: runs of letters, digits and signs, or single CJK characters.
            Empty unless the option return_word_box asks for them.
        word_boxes: (M, 4, 2) float32, as `boxes`; each lies in its line's box and begins where the word does.
        word_scores: (M,) float32, 0..1, how sure the recogniser is of the word.
        word_lines: (M,) int32, 0..N - 1, the line that each word is of; never less than that of the word before.
    """

    boxes: FloatArray
    texts: tuple[str, ...]
    scores: FloatArray
    box_scores: FloatArray
    words: tuple[str, ...] = ()
    word_boxes: FloatArray = field(default_factory=_no_boxes)
    word_scores: FloatArray = field(default_factory=_no_scores)
    word_lines: Indices = field(default_factory=_no_lines)


@dataclass(frozen=True, eq=False)
class DetectionResult(_ResultBase):
    """Where text is on one picture: the answer of the endpoint `text_detection`. Fields as in OcrResult."""

    boxes: FloatArray
    box_scores: FloatArray


@dataclass(frozen=True, eq=False)
class RecognitionResult(_ResultBase):
    """What text N line pictures hold: the answer of the endpoint `text_recognition`.

    Fields as in OcrResult. The lines stand in the order of the request, and word_boxes are in pixels of the picture of
    the word's own line.
    """

    texts: tuple[str, ...]
    scores: FloatArray
    words: tuple[str, ...] = ()
    word_boxes: FloatArray = field(default_factory=_no_boxes)
    word_scores: FloatArray = field(default_factory=_no_scores)
    word_lines: Indices = field(default_factory=_no_lines)


Result = OcrResult | DetectionResult | RecognitionResult


def _checked(name: str, value: Any) -> npt.NDArray[Any]:
    """A copy of a field's array, read-only, of its own type and shape."""
    tail = (4, 2) if name in _BOXES else ()
    array = np.array(value).astype(np.int32 if name in _INDICES else np.float32)
    if name in _INDICES and not np.array_equal(array, value):
        raise InvalidResult(f"{name}: expected whole numbers, got {_shown(value)}")
    if array.size == 0 and array.shape[:1] == (0,):
        array = array.reshape(0, *tail)
    if array.shape[1:] != tail or array.ndim != len(tail) + 1:
        raise InvalidResult(f"{name}: expected shape {('N', *tail)}, got {array.shape}")
    array.setflags(write=False)
    return array


def _shown(values: Any) -> str:
    return np.array2string(np.asarray(values), threshold=8)


def _text(name: str, item: object) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, bytes):
        raise InvalidResult(f"{name}: expected UTF-8 bytes, got {type(item).__name__}")
    try:
        return item.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidResult(f"{name}: not UTF-8: {item[:40]!r}") from error


def _utf8(texts: tuple[str, ...]) -> npt.NDArray[np.object_]:
    array = np.empty(len(texts), np.object_)
    array[:] = [text.encode() for text in texts]
    return array


def _plain(array: npt.NDArray[Any]) -> list[Any]:
    """Nested lists with the shortest decimals that read back as the same numbers."""
    if array.ndim > 1:
        return [_plain(row) for row in array]
    return array.tolist() if array.dtype.kind == "i" else [float(str(value)) for value in array]
