"""What verification lets pass: the answers of a fused graph, where they are those of the network it was made from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ocr_convert.comparison import Comparison, compare
from ocr_convert.errors import VerificationError
from ocr_convert.graphs.fuse import IMAGENET, Kind, fuse
from ocr_convert.verify import onnx_reference, verify_cls, verify_det, verify_rec
from ocr_pipeline.parameters import Parameters
from ocr_pipeline.stages.crops import join_lines
from ocr_pipeline.stages.db_postprocess import PLAIN_DB

CHARACTERS = tuple("0123456789 ")
SCORES = {"det": "prob", "rec": "score", "cls": "score"}


def verify(folder: Path, kind: Kind, fused: onnx.ModelProto) -> Comparison:
    """Hold `fused` against the model.onnx in `folder`."""
    onnx.save(fused, folder / "fused.onnx")
    reference = onnx_reference(folder / "model.onnx")
    if kind == "det":
        return verify_det(folder / "fused.onnx", reference, "it", IMAGENET, Parameters({}, PLAIN_DB))[0]
    random = np.random.default_rng(3)
    lines = [random.integers(0, 256, (48, width, 3), dtype=np.uint8) for width in (100, 31, 320, 90)]
    strips = [join_lines(lines), join_lines(lines[:1])]
    if kind == "rec":
        return verify_rec(folder / "fused.onnx", reference, "it", strips, CHARACTERS)
    return verify_cls(folder / "fused.onnx", reference, "it", strips)


def spoil(fused: onnx.ModelProto, kind: Kind, value: float) -> None:
    """Make the first score of every answer `value`, and leave all the others and the classes as they are."""
    name = SCORES[kind]
    for node in fused.graph.node:
        for place, output in enumerate(node.output):
            if output == name:
                node.output[place] = "sound"
    rank = len(next(one for one in fused.graph.output if one.name == name).type.tensor_type.shape.dim)
    constants = {"value": np.float32(value), "first": np.zeros((1, rank), np.int64), "one": np.ones(1, np.int64)}
    fused.graph.initializer.extend(numpy_helper.from_array(np.array(one), key) for key, one in constants.items())
    fused.graph.node.extend(
        [
            helper.make_node("Expand", ["value", "one"], ["update"]),
            helper.make_node("ScatterND", ["sound", "first", "update"], [name]),
        ]
    )


@pytest.fixture
def make(make_onnx: Callable[..., onnx.ModelProto], tmp_path: Path) -> Callable[[Kind], onnx.ModelProto]:
    """Write a network of a kind to tmp_path, and give its fused graph."""
    return lambda kind: fuse(make_onnx(tmp_path, kind, classes=2 if kind == "cls" else 12), kind)


@pytest.mark.parametrize("kind", ["det", "rec", "cls"])
def test_a_sound_graph_passes(tmp_path: Path, make: Callable[[Kind], onnx.ModelProto], kind: Kind) -> None:
    comparison = verify(tmp_path, kind, make(kind))
    assert comparison.passed
    assert comparison.compared > 1
    assert comparison.equal_share == 1
    comparison.require()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", ["det", "rec", "cls"])
def test_one_number_that_is_none_fails(
    tmp_path: Path, make: Callable[[Kind], onnx.ModelProto], kind: Kind, value: float
) -> None:
    fused = make(kind)
    spoil(fused, kind, value)
    comparison = verify(tmp_path, kind, fused)
    assert comparison.equal_share >= 0.999, "the classes agree"
    assert not comparison.passed
    with pytest.raises(VerificationError, match=r"nothing was installed: .* its answers hold NaN or infinity$"):
        comparison.require()


def test_one_score_that_differs_fails(tmp_path: Path, make: Callable[[Kind], onnx.ModelProto]) -> None:
    fused = make("rec")
    spoil(fused, "rec", 0.0)
    with pytest.raises(VerificationError, match="rec: largest difference of the score"):
        verify(tmp_path, "rec", fused).require()


def test_what_is_made_of_the_answers_has_to_be_numbers_too() -> None:
    sound = [np.zeros(3, np.float32)], [np.ones(3, np.bool_)]
    assert compare("det", "it", *sound, [np.zeros((0, 4, 2), np.float32)]).passed
    assert not compare("det", "it", *sound, [np.zeros(2, np.float32), np.array([1, np.nan], np.float32)]).passed


def test_the_texts_of_a_picture_stand_in_the_order_of_its_lines(
    tmp_path: Path, make: Callable[[Kind], onnx.ModelProto]
) -> None:
    comparison = verify(tmp_path, "rec", make("rec"))
    assert len(comparison.texts) == 5
    assert comparison.texts == comparison.reference_texts
    assert comparison.texts[0] == comparison.texts[4], "the same line on both pictures"
    assert max(comparison.texts, key=len) == comparison.texts[2], "the widest line"
