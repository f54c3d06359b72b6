"""The best class, searched for in blocks, is the one that ArgMax finds."""

from collections import Counter

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from ocr_convert.graphs.class_search import VECTOR, Blocks, blocks_for, fill_blocks, find_best_class
from ocr_convert.graphs.fuse import Kind
from ocr_convert.graphs.node_list import NodeList
from ocr_convert.paddle.folder import load_network
from ocr_convert.paddle.to_onnx import Converted

CLASSES = 300
OPSETS = (11, 13, 18)
Floats = npt.NDArray[np.float32]


def normal(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def ctc_head(opset: int = 14, softmax: str = "Softmax", bias_first: bool = False, **at: int) -> onnx.ModelProto:
    """The end of PaddleOCR's CTCHead: features [N, T, 8] to probabilities [N, T, 300]."""
    addends = ["bias", "product"] if bias_first else ["product", "bias"]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["product"]),
            helper.make_node("Add", addends, ["logits"]),
            helper.make_node("Identity", ["logits"], ["same"]),
            helper.make_node(softmax, ["same"], ["probabilities"], **({"axis": 2} | at)),
        ],
        "head",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", "t", 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", "t", CLASSES])],
        [
            numpy_helper.from_array(normal(8, CLASSES), "weights"),
            numpy_helper.from_array(normal(CLASSES, seed=1), "bias"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(model: onnx.ModelProto, **inputs: Floats) -> list[npt.NDArray[np.generic]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs: list[npt.NDArray[np.generic]] = session.run(None, inputs)
    return outputs


def search(blocks: Blocks, opset: int = 14) -> onnx.ModelProto:
    """The search alone."""
    nodes = NodeList(opset)
    find_best_class(nodes, "p", blocks, "index")
    graph = helper.make_graph(
        nodes.nodes,
        "search",
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", "t", blocks.count * blocks.size])],
        [
            helper.make_tensor_value_info("index", TensorProto.INT64, ["n", "t"]),
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n", "t"]),
        ],
        nodes.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 7)])
def test_the_search_finds_what_argmax_finds(opset: int, shape: tuple[int, int]) -> None:
    probabilities = normal(*shape, 5 * 16)
    index, score = run(search(Blocks(5, 16), opset), p=probabilities)
    np.testing.assert_array_equal(index, probabilities.argmax(axis=2))
    np.testing.assert_array_equal(score, probabilities.max(axis=2))


@given(st.lists(st.integers(0, 3), min_size=48, max_size=48))
def test_of_equal_classes_the_first_wins(levels: list[int]) -> None:
    probabilities = np.array(levels, np.float32).reshape(1, 1, 48)
    index, _ = FEW_LEVELS.run(None, {"p": probabilities})
    assert index == probabilities.argmax()


FEW_LEVELS = onnxruntime.InferenceSession(search(Blocks(3, 16)).SerializeToString())


@given(st.integers(1, 30_000))
def test_blocks_hold_every_class_and_little_more(classes: int) -> None:
    blocks = blocks_for(classes)
    assert blocks.size % VECTOR == 0
    assert 0 <= blocks.count * blocks.size - classes < blocks.size
    assert classes < 1000 or 0.5 < blocks.count / blocks.size < 2


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("bias_first", [False, True])
def test_added_classes_have_the_probability_zero(opset: int, bias_first: bool) -> None:
    model = ctc_head(opset, bias_first=bias_first)
    features = normal(2, 5, 8, seed=2)
    (expected,) = run(model, features=features)
    blocks = fill_blocks(model, "probabilities")
    assert blocks == Blocks(19, 16)
    (found,) = run(model, features=features)
    assert found.shape == (2, 5, 304)
    np.testing.assert_allclose(found[:, :, :CLASSES], expected, atol=1e-6)
    assert (found[:, :, CLASSES:] == 0).all()
    assert {tensor.name for tensor in model.graph.initializer}.isdisjoint({"weights", "bias"})


def also_giving_logits() -> onnx.ModelProto:
    model = ctc_head()
    model.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, None))
    return model


def with_bias(value: Floats) -> onnx.ModelProto:
    model = ctc_head()
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(value, "bias"))
    return model


def with_weights(value: npt.NDArray[np.generic]) -> onnx.ModelProto:
    model = ctc_head()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(value, "weights"))
    return model


UNLIKE = {
    "no softmax": ctc_head(softmax="LogSoftmax"),
    "a softmax over the steps": ctc_head(axis=1),
    "logits that are read elsewhere": also_giving_logits(),
    "one bias for all": with_bias(normal(1)),
    "weights in FP16": with_weights(normal(8, CLASSES).astype(np.float16)),
    "weights for each picture": with_weights(normal(1, 8, CLASSES)),
}


@pytest.mark.parametrize("model", UNLIKE.values(), ids=UNLIKE.keys())
def test_another_end_stays_as_it_is(model: onnx.ModelProto) -> None:
    before = model.SerializeToString()
    assert fill_blocks(model, "probabilities") is None
    assert model.SerializeToString() == before


def test_ppocrv4_is_searched_in_blocks(ppocrv4: dict[Kind, Converted]) -> None:
    operations = Counter(node.op_type for node in load_network(ppocrv4["rec"].fused).graph.node)
    assert operations["TopK"] == 2
    assert operations["GatherElements"] == 1
