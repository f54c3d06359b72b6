import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ocr_contract.errors import InvalidResult
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult

BOX = np.array([[1.5, 2], [30, 2], [30, 12.25], [1.5, 12]], np.float32)


def one_line() -> OcrResult:
    return OcrResult(BOX[None], ("a\t文",), np.array([0.9], np.float32), np.array([0.8], np.float32))


@pytest.mark.parametrize("kind", [OcrResult, DetectionResult, RecognitionResult])
def test_empty_result_has_the_right_shapes(kind: type[OcrResult]) -> None:
    empty = kind.empty()
    assert len(empty) == 0
    for name in kind.tensor_names():
        value = getattr(empty, name)
        if name in ("texts", "words"):
            assert value == ()
        else:
            assert value.shape == ((0, 4, 2) if name.endswith("boxes") else (0,))


def test_words_belong_together_but_not_to_the_number_of_lines() -> None:
    line = one_line()
    parts = (line.boxes, line.texts, line.scores, line.box_scores)
    words = (np.stack([BOX, BOX]), np.array([0.5, 0.6], np.float32), np.array([0, 0]))
    result = OcrResult(*parts, ("a", "文"), *words)
    assert len(result) == 1
    assert result.word_lines.dtype == np.int32
    assert OcrResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert result != line
    assert "words" not in line.to_dict()
    with pytest.raises(InvalidResult, match="one entry per word"):
        OcrResult(*parts, ("a",), *words)


@pytest.mark.parametrize("lines", [[0, 2], [-1, 0], [1, 0], [0.5, 1], [0, 2**31]])
def test_every_word_is_of_a_line_and_they_follow_the_lines(lines: list[float]) -> None:
    two = {"boxes": [BOX, BOX], "texts": ["a", "b"], "scores": [1, 1], "box_scores": [1, 1]}
    words = {"words": ["a", "b"], "word_boxes": [BOX, BOX], "word_scores": [1, 1]}
    assert OcrResult.from_dict({**two, **words, "word_lines": [0, 1]}).words == ("a", "b")
    for kind in (OcrResult, RecognitionResult):
        with pytest.raises(InvalidResult, match="word_lines: expected"):
            kind.from_dict({**two, **words, "word_lines": lines})


def test_words_without_lines_are_refused() -> None:
    words = {"words": ["a"], "word_boxes": [BOX], "word_scores": [1], "word_lines": [0]}
    with pytest.raises(InvalidResult, match="word_lines: expected"):
        OcrResult.from_dict({**OcrResult.empty().to_dict(), **words})


def test_the_words_of_line_pictures_are_written_and_read() -> None:
    words = (("a", "文"), np.stack([BOX, BOX]), np.array([0.5, 0.6], np.float32), np.array([0, 2]))
    result = RecognitionResult(("a", "", "文"), np.array([0.5, 0, 0.6], np.float32), *words)
    assert len(result) == 3
    assert RecognitionResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert RecognitionResult(("a",), np.ones(1)).to_dict() == {"texts": ["a"], "scores": [1.0]}


def test_empty_tensors_of_a_response_are_an_empty_result() -> None:
    # tritonclient gives every empty tensor as float64, also BYTES
    tensors = {"boxes": np.empty((0, 4, 2)), "texts": np.empty(0), "scores": np.empty(0), "box_scores": np.empty(0)}
    assert OcrResult.from_tensors(tensors) == OcrResult.empty()


def test_tensors_become_a_result() -> None:
    tensors = {
        "boxes": BOX[None],
        "texts": np.array(["a\t文".encode()], np.object_),
        "scores": np.array([0.9], np.float32),
        "box_scores": np.array([0.8], np.float32),
        "more": np.zeros(7),
    }
    assert OcrResult.from_tensors(tensors) == one_line()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": None}, "lacks the tensor 'scores'"),
        ({"scores": np.zeros(2, np.float32)}, "one entry per text line"),
        ({"boxes": np.zeros((1, 4), np.float32)}, "boxes: expected shape"),
        ({"boxes": np.zeros((1, 8), np.float32)}, "boxes: expected shape"),
        ({"scores": np.zeros((1, 1), np.float32)}, "scores: expected shape"),
        ({"texts": np.array([b"\xff\xfe"], np.object_)}, "not UTF-8"),
        ({"texts": np.array([3.0])}, "texts: expected UTF-8 bytes, got float"),
        ({"words": np.array([3.0])}, "words: expected UTF-8 bytes, got float"),
        ({"words": np.array([b"\xff"], np.object_)}, "words: not UTF-8"),
    ],
)
def test_tensors_that_break_the_contract_are_an_error(change: dict[str, object], message: str) -> None:
    tensors = {
        "boxes": BOX[None],
        "texts": np.array([b"x"], np.object_),
        "scores": np.zeros(1, np.float32),
        "box_scores": np.zeros(1, np.float32),
    }
    with pytest.raises(InvalidResult, match=message):
        OcrResult.from_tensors({**tensors, **change})  # type: ignore[dict-item]


def test_a_result_cannot_be_changed() -> None:
    result = one_line()
    with pytest.raises(AttributeError):
        result.texts = ()  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        result.boxes[0, 0, 0] = 7


def test_a_result_keeps_its_values_when_the_array_it_was_made_of_changes() -> None:
    scores = np.array([0.9], np.float32)
    result = RecognitionResult(("x",), scores)
    scores[0] = 0
    assert result.scores[0] == np.float32(0.9)


def test_a_list_of_texts_is_refused() -> None:
    with pytest.raises(TypeError, match="tuple"):
        RecognitionResult(["x"], np.zeros(1, np.float32))  # type: ignore[arg-type]


def test_results_compare_by_value_and_kind() -> None:
    assert one_line() == one_line()
    assert one_line() != OcrResult.empty()
    assert RecognitionResult.empty() != DetectionResult.empty()


def test_dict_is_plain_and_reads_as_written() -> None:
    document = one_line().to_dict()
    assert document == {
        "boxes": [[[1.5, 2.0], [30.0, 2.0], [30.0, 12.25], [1.5, 12.0]]],
        "texts": ["a\t文"],
        "scores": [0.9],
        "box_scores": [0.8],
    }


def test_dict_without_a_key_is_an_error() -> None:
    with pytest.raises(InvalidResult, match="lacks \\['scores'\\]"):
        RecognitionResult.from_dict({"texts": []})


@given(
    st.integers(0, 5).flatmap(
        lambda n: st.tuples(
            arrays(np.float32, (n, 4, 2), elements=st.floats(-1e6, 1e6, width=32)),
            st.lists(st.text(), min_size=n, max_size=n),
            arrays(np.float32, n, elements=st.floats(0, 1, width=32)),
            arrays(np.float32, n, elements=st.floats(0, 1, width=32)),
        )
    )
)
def test_json_gives_every_result_back_exactly(
    parts: tuple[np.ndarray, list[str], np.ndarray, np.ndarray],  # type: ignore[type-arg]
) -> None:
    boxes, texts, scores, box_scores = parts
    result = OcrResult(boxes, tuple(texts), scores, box_scores)
    assert OcrResult.from_dict({"image": "x", **json.loads(json.dumps(result.to_dict()))}) == result
