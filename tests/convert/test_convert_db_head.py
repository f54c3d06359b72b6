"""A rewritten DB head answers as the network did, in other operations."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr_convert.graphs.db_head import PREFIX, quarter_size_kernels, rewrite_db_head, transposed_kernel
from ocr_convert.graphs.fuse import Kind
from ocr_convert.paddle.folder import load_network
from ocr_convert.paddle.to_onnx import Converted

Floats = npt.NDArray[np.floating]
OPSETS = (11, 14, 18)


def normal(*shape: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def run(model: onnx.ModelProto, **inputs: Floats) -> Floats:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    output: Floats = session.run(None, inputs)[0]
    return output


def network(nodes: Sequence[onnx.NodeProto], weights: dict[str, Floats], output: str, opset: int) -> onnx.ModelProto:
    """Nodes from the levels of a pyramid, `level_0` at the quarter size, to `output`."""
    inputs = sorted({name for node in nodes for name in node.input if name.startswith("level_")})
    graph = helper.make_graph(
        list(nodes),
        "head",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4, f"h{name}", f"w{name}"]) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", "c", "h", "w"])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def pyramid(opset: int = 14, **resize: object) -> onnx.ModelProto:
    """Three levels, two of them enlarged, joined and convolved."""
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", **resize}
    nodes = [
        helper.make_node("Resize", ["level_2", "", "scales_4"], ["enlarged_2"], **how),
        helper.make_node("Resize", ["level_1", "", "scales_2"], ["enlarged_1"], **how),
        helper.make_node("Identity", ["enlarged_1"], ["same_1"]),
        helper.make_node("Concat", ["enlarged_2", "same_1", "level_0"], ["joined"], axis=1),
        helper.make_node("Conv", ["joined", "kernel", "bias"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    ]
    if opset < 13:  # an omitted roi came later
        for node in nodes[:2]:
            node.input[1] = "roi"
    weights = {"kernel": normal(5, 12, 3, 3), "bias": normal(5), "roi": np.zeros(0, np.float32)}
    weights |= {f"scales_{factor}": np.array([1, 1, factor, factor], np.float32) for factor in (2, 4)}
    return network(nodes, weights, "y", opset)


def head(opset: int = 14, activation: str = "Relu", kernel_px: int = 2) -> onnx.ModelProto:
    """The end of PaddleOCR's DBHead as paddle2onnx writes it: the bias is reshaped, then added."""
    nodes = [
        helper.make_node("ConvTranspose", ["level_0", "first"], ["a"], kernel_shape=[kernel_px] * 2, strides=[2, 2]),
        helper.make_node("Reshape", ["first_bias", "four"], ["shaped"]),
        helper.make_node("Add", ["a", "shaped"], ["b"]),
        helper.make_node("BatchNormalization", ["b", "gamma", "beta", "mean", "variance"], ["c"], epsilon=1e-3),
        helper.make_node(activation, ["c"], ["d"]),
        helper.make_node("ConvTranspose", ["d", "second"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Add", ["e", "one"], ["f"]),
        helper.make_node("Sigmoid", ["f"], ["y"]),
    ]
    weights = {
        "first": normal(4, 6, kernel_px, kernel_px, seed=1),
        "first_bias": normal(6, seed=2),
        "four": np.array([1, -1, 1, 1], np.int64),
        "second": normal(6, 1, 2, 2, seed=3),
        "one": np.full((1, 1, 1, 1), 0.3, np.float32),
        "variance": np.abs(normal(6, seed=7)) + 0.1,
    }
    weights |= {name: normal(6, seed=seed) for seed, name in enumerate(("gamma", "beta", "mean"), 4)}
    return network(nodes, weights, "y", opset)


def operations(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_enlarging_and_convolving_is_one_transposed_convolution(factor: int) -> None:
    kernel, small = normal(5, 4, 3, 3).astype(np.float64), normal(4, 3, 2, seed=1)
    enlarged = np.pad(small.repeat(factor, 1).repeat(factor, 2), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(enlarged, (3, 3), (1, 2))
    expected = np.einsum("oiyx,ihwyx->ohw", kernel, windows)
    transposed = transposed_kernel(kernel, factor)
    written = np.zeros((5, 3 * factor + 2, 2 * factor + 2))  # with the pixel that `pads` cuts off
    for row, column in np.ndindex(3, 2):
        place = (
            slice(None),
            slice(row * factor, (row + 1) * factor + 2),
            slice(column * factor, (column + 1) * factor + 2),
        )
        written[place] += np.einsum("i,ioyx->oyx", small[:, row, column], transposed)
    np.testing.assert_allclose(written[:, 1:-1, 1:-1], expected, atol=1e-5)


def test_two_upsampling_convolutions_are_two_convolutions_of_one_pixel() -> None:
    first, second, pixel = normal(4, 6, 2, 2), normal(6, 1, 2, 2, seed=1), normal(4, seed=2)
    expected = np.zeros((4, 4))
    for row, column in np.ndindex(2, 2):
        inner = np.maximum(pixel @ first[:, :, row, column], 0)
        expected[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = np.einsum("i,iyx->yx", inner, second[:, 0])
    widened, pixels = quarter_size_kernels(first, second)
    found = pixels[:, :, 0, 0] @ np.maximum(widened[:, :, 0, 0] @ pixel, 0)
    np.testing.assert_allclose(found.reshape(4, 4), expected, atol=1e-5)


@pytest.mark.parametrize("opset", OPSETS)
def test_a_convolution_of_enlarged_levels_gives_the_same_from_the_levels_themselves(opset: int) -> None:
    model = pyramid(opset)
    rewritten = rewrite_db_head(model)
    levels = {f"level_{level}": normal(2, 4, 24 >> level, 16 >> level, seed=level) for level in range(3)}
    np.testing.assert_allclose(run(rewritten, **levels), run(model, **levels), atol=1e-4)
    assert operations(rewritten) == {"ConvTranspose": 2, "Conv": 1, "Add": 2}


@pytest.mark.parametrize("opset", OPSETS)
def test_the_head_gives_the_same_at_the_quarter_size(opset: int) -> None:
    model = head(opset)
    rewritten = rewrite_db_head(model)
    level = normal(2, 4, 6, 10)
    np.testing.assert_allclose(run(rewritten, level_0=level), run(model, level_0=level), atol=1e-5)
    assert operations(rewritten) == {"Conv": 2, "Relu": 1, "Sigmoid": 1, "DepthToSpace": 1}


def changed(model: onnx.ModelProto, op: str, **given: object) -> onnx.ModelProto:
    """The model with attributes of its nodes of one kind set anew."""
    for node in model.graph.node:
        if node.op_type == op:
            kept = [attribute for attribute in node.attribute if attribute.name not in given]
            del node.attribute[:]
            node.attribute.extend([*kept, *(helper.make_attribute(key, value) for key, value in given.items())])
    return model


def with_weight(model: onnx.ModelProto, name: str, value: npt.NDArray[np.generic]) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(value, name))
    return model


def enlarged(*factors: float) -> onnx.ModelProto:
    """A pyramid whose levels are enlarged by other factors."""
    model, scales = pyramid(), np.array([1, 1, *factors], np.float32)
    return with_weight(with_weight(model, "scales_2", scales), "scales_4", scales)


def also_giving(model: onnx.ModelProto, tensor: str) -> onnx.ModelProto:
    """The model with a tensor in its middle as a second output."""
    model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    return model


def also_reading(model: onnx.ModelProto, tensor: str) -> onnx.ModelProto:
    """The model with a second reader of a tensor in its middle."""
    model.graph.node.append(helper.make_node("Neg", [tensor], ["negative"]))
    return also_giving(model, "negative")


UNLIKE = {
    "linear": pyramid(mode="linear"),
    "nearest to the right": pyramid(nearest_mode="ceil"),
    "half pixels": pyramid(coordinate_transformation_mode="half_pixel"),
    "higher than wide": enlarged(4, 2),
    "not a whole number of times": enlarged(2.5, 2.5),
    "axes in another order": changed(pyramid(18), "Resize", axes=[2, 3, 0, 1]),
    "levels side by side": changed(pyramid(), "Concat", axis=2),
    "in groups": changed(pyramid(), "Conv", group=2),
    "dilated": changed(pyramid(), "Conv", dilations=[2, 2]),
    "padded otherwise": changed(pyramid(), "Conv", pads=[0, 0, 0, 0]),
    "a kernel in FP16": with_weight(pyramid(), "kernel", normal(5, 12, 3, 3).astype(np.float16)),
    "a kernel of another size": with_weight(pyramid(), "kernel", normal(5, 12, 5, 5)),
    "an enlarged level that is read elsewhere": also_reading(pyramid(), "joined"),
    "no Relu between": head(activation="Sigmoid"),
    "windows that overlap": head(kernel_px=3),
    "another stride": changed(head(), "ConvTranspose", strides=[1, 1]),
    "output padding": changed(head(), "ConvTranspose", output_padding=[1, 1]),
    "pads": changed(head(), "ConvTranspose", pads=[1, 1, 1, 1]),
    "a map of two channels": with_weight(head(), "second", normal(6, 2, 2, 2)),
    "FP16": with_weight(head(), "first", normal(4, 6, 2, 2).astype(np.float16)),
    "an addition along the width": with_weight(head(), "one", normal(1, 1, 1, 4)),
    "an addition of more channels": with_weight(head(), "one", normal(1, 6, 1, 1)),
    "statistics of the batch": changed(head(), "BatchNormalization", training_mode=1),
    "a feature that is read elsewhere": also_reading(head(), "d"),
    "a map that is an output before the sigmoid": also_giving(head(), "f"),
}


@pytest.mark.parametrize("model", UNLIKE.values(), ids=UNLIKE.keys())
def test_what_is_not_the_pattern_stays_as_it_is(model: onnx.ModelProto) -> None:
    assert rewrite_db_head(model) == model


def test_one_level_alone_is_left_as_it_is() -> None:
    model = pyramid()
    levels = next(node for node in model.graph.node if node.op_type == "Concat")
    del levels.input[1:]
    with_weight(model, "kernel", normal(5, 4, 3, 3))
    assert rewrite_db_head(model) == model


def test_weights_that_are_listed_as_inputs_do_not_become_inputs() -> None:
    model = head()
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    rewritten = rewrite_db_head(model)
    level = normal(1, 4, 6, 10)
    np.testing.assert_allclose(run(rewritten, level_0=level), run(head(), level_0=level), atol=1e-5)


def test_what_a_graph_inside_a_node_reads_is_kept() -> None:
    model = head()
    inside = helper.make_graph(
        [helper.make_node("Add", ["kept", "extra"], ["z"])],
        "then",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    model.graph.initializer.extend(
        [numpy_helper.from_array(np.array(True), "yes"), numpy_helper.from_array(np.ones(1, np.float32), "extra")]
    )
    model.graph.node.append(helper.make_node("Identity", ["y"], ["kept"]))
    model.graph.node.append(helper.make_node("If", ["yes"], ["out"], then_branch=inside, else_branch=inside))
    model.graph.output[0].name = "out"
    rewritten = rewrite_db_head(model)
    assert operations(rewritten)["DepthToSpace"] == 1
    level = normal(1, 4, 6, 10)
    np.testing.assert_allclose(run(rewritten, level_0=level), run(model, level_0=level), atol=1e-5)


def test_the_network_given_is_not_changed() -> None:
    model = head()
    before = model.SerializeToString()
    rewrite_db_head(model)
    assert model.SerializeToString() == before


def test_ppocrv4s_head_is_rewritten(ppocrv4: dict[Kind, Converted]) -> None:
    model = load_network(ppocrv4["det"].unfused)
    rewritten = rewrite_db_head(model)
    before, after = operations(model), operations(rewritten)
    assert after["Resize"] == before["Resize"] - 3  # those that feed the convolution; the others are of the pyramid
    assert after["ConvTranspose"] == 3
    assert {node.name.split("/")[0] for node in rewritten.graph.node if node.op_type == "ConvTranspose"} == {
        PREFIX[:-1]
    }
    pixels = normal(1, 3, 96, 160)
    name = model.graph.input[0].name
    np.testing.assert_allclose(run(rewritten, **{name: pixels}), run(model, **{name: pixels}), atol=1e-5)
