"""Rewritten gates and joins answer as the network did, in fewer passes over large tensors."""

from collections import Counter

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr_convert.graphs.fuse import Kind
from ocr_convert.graphs.memory_passes import PREFIX, rewrite_memory_passes
from ocr_convert.paddle.folder import load_network
from ocr_convert.paddle.to_onnx import Converted

Floats = npt.NDArray[np.float32]


def normal(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def run(model: onnx.ModelProto, **inputs: Floats) -> Floats:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    output: Floats = session.run(None, inputs)[0]
    return output


def network(nodes: list[onnx.NodeProto], weights: dict[str, Floats]) -> onnx.ModelProto:
    """Nodes from x [N, 6, h, w] and z [N, 2, h, w] to y."""
    given = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "network",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, "h", "w"])
            for name, channels in (("x", 6), ("z", 2))
            if name in given
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def gate(sum_of: tuple[str, str] = ("same", "scaled"), product_of: tuple[str, str] = ("x", "gate")) -> onnx.ModelProto:
    """PaddleOCR's RSELayer without the convolutions of its gate."""
    return network(
        [
            helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
            helper.make_node("HardSigmoid", ["mean"], ["gate"]),
            helper.make_node("Identity", ["x"], ["same"]),
            helper.make_node("Mul", list(product_of), ["scaled"]),
            helper.make_node("Add", list(sum_of), ["y"]),
        ],
        {},
    )


def joined(kernel: int = 3, /, **at: object) -> onnx.ModelProto:
    """Two tensors joined and convolved."""
    how = {"kernel_shape": [kernel, kernel], "strides": [2, 2], "pads": [1, 1, 1, 1], **at}
    return network(
        [
            helper.make_node("Concat", ["x", "z"], ["joined"], axis=1),
            helper.make_node("Identity", ["joined"], ["same"]),
            helper.make_node("Conv", ["same", "kernel", "bias"], ["y"], **how),
        ],
        {"kernel": normal(4, 8 // int(how.get("group", 1)), kernel, kernel), "bias": normal(4, seed=1)},
    )


def operations(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node if node.op_type != "Identity")


@pytest.mark.parametrize("sum_of", [("same", "scaled"), ("scaled", "same"), ("x", "scaled")])
@pytest.mark.parametrize("product_of", [("x", "gate"), ("gate", "x"), ("same", "gate")])
def test_a_gate_with_a_bypass_is_one_multiplication(sum_of: tuple[str, str], product_of: tuple[str, str]) -> None:
    model = gate(sum_of, product_of)
    rewritten = rewrite_memory_passes(model)
    x = normal(2, 6, 5, 7)
    np.testing.assert_allclose(run(rewritten, x=x), run(model, x=x), atol=1e-6)
    (product,) = (node for node in rewritten.graph.node if node.op_type == "Mul")
    assert product.output[0] == "y"
    (addition,) = (node for node in rewritten.graph.node if node.op_type == "Add")
    assert addition.output[0].startswith(PREFIX)


@pytest.mark.parametrize("how", [{}, {"strides": [1, 1]}, {"dilations": [2, 2]}, {"pads": [0, 1, 2, 1]}])
def test_a_convolution_of_concatenated_tensors_is_a_sum_of_two(how: dict[str, list[int]]) -> None:
    model = joined(**how)
    rewritten = rewrite_memory_passes(model)
    x, z = normal(2, 6, 9, 11), normal(2, 2, 9, 11, seed=3)
    np.testing.assert_allclose(run(rewritten, x=x, z=z), run(model, x=x, z=z), atol=1e-5)
    assert operations(rewritten) == {"Conv": 2, "Add": 1}


def also_giving(model: onnx.ModelProto, tensor: str) -> onnx.ModelProto:
    model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    return model


def with_kernel(kernel: npt.NDArray[np.generic], **at: object) -> onnx.ModelProto:
    model = joined(**at)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(kernel, "kernel"))
    return model


def one_row() -> onnx.ModelProto:
    return with_kernel(normal(4, 8, 1, 3), kernel_shape=[1, 3], pads=[0, 1, 0, 1])


def three_joined() -> onnx.ModelProto:
    model = with_kernel(normal(4, 10, 3, 3))
    model.graph.node[0].input.append("z")
    return model


def gate_in_fp16() -> onnx.ModelProto:
    model = gate()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    return model


def side_by_side() -> onnx.ModelProto:
    model = joined()
    model.graph.node[0].attribute[0].i = 2
    return model


UNLIKE = {
    "a sum of something else": gate(sum_of=("gate", "scaled")),
    "a product of something else": gate(product_of=("mean", "gate")),
    "a product that is read elsewhere": also_giving(gate(), "scaled"),
    "a gate in FP16": gate_in_fp16(),
    "one pixel read": joined(1, pads=[0, 0, 0, 0]),
    "a kernel of one row": one_row(),
    "a kernel in FP16": with_kernel(normal(4, 8, 3, 3).astype(np.float16)),
    "groups": joined(group=2),
    "a joined tensor that is read elsewhere": also_giving(joined(), "joined"),
    "three tensors": three_joined(),
    "tensors side by side": side_by_side(),
}


@pytest.mark.parametrize("model", UNLIKE.values(), ids=UNLIKE.keys())
def test_what_is_not_a_pattern_stays_as_it_is(model: onnx.ModelProto) -> None:
    assert rewrite_memory_passes(model) == model


def test_the_network_given_is_not_changed() -> None:
    model = joined()
    before = model.SerializeToString()
    rewrite_memory_passes(model)
    assert model.SerializeToString() == before


def test_ppocrv4s_gates_are_rewritten(ppocrv4: dict[Kind, Converted]) -> None:
    model = load_network(ppocrv4["det"].unfused)
    rewritten = rewrite_memory_passes(model)
    gates = [node for node in rewritten.graph.node if node.op_type == "Add" and node.output[0].startswith(PREFIX)]
    assert len(gates) == 8  # four levels of the pyramid, before and after they are added up
    pixels, name = normal(1, 3, 96, 160), model.graph.input[0].name
    np.testing.assert_allclose(run(rewritten, **{name: pixels}), run(model, **{name: pixels}), atol=1e-5)
