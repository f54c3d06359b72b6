"""The fused graphs answer as the networks they were made from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr_convert.errors import ConversionError, ModelFolderError
from ocr_convert.graphs.ends import class_count
from ocr_convert.graphs.fuse import IMAGENET, Kind, fuse
from ocr_convert.paddle.to_onnx import Converted
from ocr_convert.verify import load_pictures, normalise, session
from ocr_pipeline.stages.orientation import ClsInput

PROVIDERS = [
    provider
    for provider in ("CPUExecutionProvider", "OpenVINOExecutionProvider")
    if provider in onnxruntime.get_available_providers()
]
OPSETS = (11, 13, 14, 18)
Bytes = npt.NDArray[np.uint8]


def one_node(kind: Kind, opset: int) -> onnx.ModelProto:
    """A network small enough to be computed by hand: its output shows what it was given."""
    if kind == "det":  # the blue channel
        nodes = [helper.make_node("Slice", ["x", "zeros", "ones", "axis"], ["y"])]
        output = ["n", 1, "h", "w"]
    elif kind == "rec":  # the colours of the first row, as if they were probabilities of three classes
        nodes = [
            helper.make_node("Gather", ["x", "zero"], ["row"], axis=2),
            helper.make_node("Transpose", ["row"], ["y"], perm=[0, 2, 1]),
        ]
        output = ["n", "t", 3]
    else:  # two colours of the first pixel
        nodes = [
            helper.make_node("Gather", ["x", "zero"], ["row"], axis=2),
            helper.make_node("Gather", ["row", "zero"], ["pixel"], axis=2),
            helper.make_node("Slice", ["pixel", "zeros", "twos", "axis"], ["y"]),
        ]
        output = ["n", 2]
    constants = {"zeros": [0], "ones": [1], "twos": [2], "axis": [1], "zero": 0}
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def load(model: onnx.ModelProto | Path, provider: str = "CPUExecutionProvider") -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    return onnxruntime.InferenceSession(content, options, providers=[provider])


def random_bytes(*shape: int, seed: int = 0) -> Bytes:
    """Blocks of 8 x 8 equal pixels, so that there are edges as in writing."""
    count, height, width, colours = shape
    blocks = np.random.default_rng(seed).integers(
        0, 256, (count, -(-height // 8), -(-width // 8), colours), dtype=np.uint8
    )
    return np.repeat(np.repeat(blocks, 8, axis=1), 8, axis=2)[:, :height, :width]


@pytest.mark.parametrize("opset", OPSETS)
def test_det_gives_the_network_normalised_pixels_and_drops_the_channel_axis(opset: int) -> None:
    image = random_bytes(2, 32, 64, 3)
    (prob,) = load(fuse(one_node("det", opset), "det")).run(["prob"], {"image": image})
    np.testing.assert_allclose(prob, normalise(image, IMAGENET)[:, 0], atol=1e-6)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_rec_sets_columns_right_of_the_width_to_exactly_zero_and_picks_the_best_class(
    opset: int, provider: str
) -> None:
    crops = random_bytes(3, 48, 40, 3)
    widths = np.array([[40], [1], [17]], np.int64)
    expected = normalise(crops)[:, :, 0].transpose(0, 2, 1).copy()
    for line, width in zip(expected, (40, 1, 17), strict=True):
        line[width:] = 0
    index, score = load(fuse(one_node("rec", opset), "rec"), provider).run(
        ["index", "score"], {"crops": crops, "widths": widths}
    )
    np.testing.assert_array_equal(index, expected.argmax(axis=2))
    np.testing.assert_allclose(score, expected.max(axis=2), atol=1e-6)
    for line, width in zip(score, (40, 1, 17), strict=True):
        assert (line[width:] == 0).all()


@pytest.mark.parametrize("opset", OPSETS)
def test_cls_answers_one_label_and_one_score_a_line(opset: int) -> None:
    crops = random_bytes(5, 48, 192, 3)
    expected = normalise(crops)[:, :2, 0, 0]
    label, score = load(fuse(one_node("cls", opset), "cls")).run(["label", "score"], {"crops": crops})
    assert label.dtype == np.int64
    np.testing.assert_array_equal(label, expected.argmax(axis=1))
    np.testing.assert_allclose(score, expected.max(axis=1), atol=1e-6)


def test_a_cls_of_another_size_is_given_pixels_in_rgb_order_where_it_wants_them() -> None:
    crops = random_bytes(3, 80, 160, 3)
    normalisation = replace(IMAGENET, rgb=True)
    expected = normalise(crops[..., ::-1], IMAGENET)[:, :2, 0, 0]
    np.testing.assert_array_equal(normalise(crops, normalisation), normalise(crops[..., ::-1], IMAGENET))
    fused = fuse(one_node("cls", 14), "cls", normalisation, ClsInput(80, 160, True))
    label, score = load(fused).run(["label", "score"], {"crops": crops})
    np.testing.assert_array_equal(label, expected.argmax(axis=1))
    np.testing.assert_allclose(score, expected.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_of_equal_classes_the_first_one_wins(provider: str) -> None:
    gray = np.full((1, 48, 24, 3), 200, np.uint8)
    index, _ = load(fuse(one_node("rec", 14), "rec"), provider).run(
        ["index", "score"], {"crops": gray, "widths": np.array([[24]], np.int64)}
    )
    assert (index == 0).all()


def test_inputs_and_outputs_are_the_contract(ppocrv4: dict[Kind, Converted]) -> None:
    described = {
        kind: [
            (value.name, value.type, value.shape)
            for value in (*session(network.fused).get_inputs(), *session(network.fused).get_outputs())
        ]
        for kind, network in ppocrv4.items()
    }
    assert described == {
        "det": [
            ("image", "tensor(uint8)", ["batch", "height", "width", 3]),
            ("prob", "tensor(float)", ["batch", "height", "width"]),
        ],
        "rec": [
            ("crops", "tensor(uint8)", ["batch", 48, "width", 3]),
            ("widths", "tensor(int64)", ["batch", 1]),
            ("index", "tensor(int64)", ["batch", "time"]),
            ("score", "tensor(float)", ["batch", "time"]),
        ],
        "cls": [
            ("crops", "tensor(uint8)", ["batch", 48, 192, 3]),
            ("label", "tensor(int64)", ["batch"]),
            ("score", "tensor(float)", ["batch"]),
        ],
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ppocrv4_det_fused_is_unfused(ppocrv4: dict[Kind, Converted], provider: str) -> None:
    picture = load_pictures()["receipt.jpg"][None, :640, :480]
    image = np.concatenate([picture, random_bytes(1, 640, 480, 3)])
    (prob,) = load(ppocrv4["det"].fused, provider).run(["prob"], {"image": image})
    (expected,) = load(ppocrv4["det"].unfused).run(None, {"x": normalise(image, IMAGENET)})
    np.testing.assert_allclose(prob, expected[:, 0], atol=2e-4)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_ppocrv4_rec_fused_is_unfused_for_lines_of_several_widths(
    ppocrv4: dict[Kind, Converted], provider: str
) -> None:
    # Cut out of the receipt without looking for its lines: real writing, off centre.
    receipt = load_pictures()["receipt.jpg"]
    crops = np.stack(
        [receipt[top : top + 48, 180:500] for top in (280, 320, 470, 820)] + [*random_bytes(1, 48, 320, 3)]
    )
    widths = np.array([[320], [161], [32], [7], [250]], np.int64)
    padded = normalise(crops)
    for line, width in zip(padded, widths[:, 0], strict=True):
        line[:, :, width:] = 0
    index, score = load(ppocrv4["rec"].fused, provider).run(["index", "score"], {"crops": crops, "widths": widths})
    (expected,) = load(ppocrv4["rec"].unfused).run(None, {"x": padded})
    np.testing.assert_array_equal(index, expected.argmax(axis=2))
    np.testing.assert_allclose(score, expected.max(axis=2), atol=2e-4)


def test_ppocrv4_rec_reads_a_line_alone_as_it_does_in_a_batch(ppocrv4: dict[Kind, Converted]) -> None:
    receipt = load_pictures()["receipt.jpg"]
    crops = np.stack([receipt[top : top + 48, 180:500] for top in (280, 320, 470)])
    widths = np.array([[320], [200], [64]], np.int64)
    rec = session(ppocrv4["rec"].fused)
    together = rec.run(["index", "score"], {"crops": crops, "widths": widths})
    for line in range(3):
        alone = rec.run(["index", "score"], {"crops": crops[line : line + 1], "widths": widths[line : line + 1]})
        np.testing.assert_array_equal(alone[0][0], together[0][line])
        np.testing.assert_allclose(alone[1][0], together[1][line], atol=1e-5)


def test_ppocrv4_has_6625_classes(ppocrv4: dict[Kind, Converted]) -> None:
    assert class_count(onnx.load(ppocrv4["rec"].unfused)) == 6625


def test_a_network_is_left_as_it_was() -> None:
    network = one_node("det", 14)
    before = network.SerializeToString()
    fuse(network, "det")
    assert network.SerializeToString() == before


@pytest.mark.parametrize(("network", "taken_for"), [("rec", "det"), ("det", "rec"), ("cls", "rec"), ("det", "cls")])
def test_a_network_of_another_kind_is_refused(network: Kind, taken_for: Kind) -> None:
    with pytest.raises(ModelFolderError, match=f"check that the folder holds a {taken_for} model"):
        fuse(one_node(network, 14), taken_for)


def test_an_opset_without_range_is_refused() -> None:
    with pytest.raises(ConversionError, match="opset 11 or later is needed, but this is opset 10"):
        fuse(one_node("rec", 10), "rec")


def test_a_network_that_uses_a_name_of_the_contract_is_refused() -> None:
    network = one_node("rec", 14)
    network.graph.node[0].output[0] = "score"
    network.graph.node[1].input[0] = "score"
    with pytest.raises(ConversionError, match="already has tensors named score"):
        fuse(network, "rec")
