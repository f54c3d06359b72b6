"""Put what surrounds a PaddleOCR network into its ONNX graph, so that a server moves bytes instead of floats.

| kind | inputs | outputs |
|---|---|---|
| det | `image` UINT8 [batch, height, width, 3] | `prob` FP32 [batch, height, width] |
| rec | `crops` UINT8 [batch, 48, width, 3], `widths` INT64 [batch, 1] | `index` INT64, `score` FP32 [batch, time] |
| cls | `crops` UINT8 [batch, height, width, 3] | `label` INT64 [batch], `score` FP32 [batch] |

Pixels are BGR, 0..255. Normalisation follows PaddleOCR's NormalizeImage (det, newer cls) and resize_norm_img (rec,
older cls). Height and width of cls are those of its network.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import onnx
from onnx import TensorProto, helper

from ocr_contract.shown import shown
from ocr_convert.errors import ConversionError, in_one_line
from ocr_convert.graphs.class_search import fill_blocks, find_best_class
from ocr_convert.graphs.ends import Dimensions, ends
from ocr_convert.graphs.node_list import PREFIX, NodeList
from ocr_pipeline.stages.crops import LINE_HEIGHT
from ocr_pipeline.stages.orientation import PADDED, ClsInput

Kind = Literal["det", "rec", "cls"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PLANES = 3
LARGEST, SMALLEST_STD = 1e4, 1e-4  # of mean and std: beyond them one of both is a slip, and float32 has no figure left


@dataclass(frozen=True)
class Normalisation:
    """(x / 255 - mean) / std, for each plane of BGR pixels; with `rgb` they are put into that order before."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    rgb: bool = False

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            low = SMALLEST_STD if name == "std" else -LARGEST
            if len(values) != PLANES or not all(low <= value <= LARGEST for value in values):
                raise ValueError(f"{name} must be {PLANES} numbers from {low:g} to {LARGEST:g}, not {shown(values)}")


# PaddleOCR applies ImageNet's RGB figures in this order to BGR pixels; its det weights were trained that way.
IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # rec and cls

# Of the networks that are wrapped; cls takes what its ClsInput says.
INPUTS: dict[Kind, Dimensions] = {"det": (1, 3, "H", "W"), "rec": ("N", 3, LINE_HEIGHT, "W")}
OUTPUTS: dict[Kind, Dimensions] = {"det": (1, 1, "H", "W"), "rec": ("N", "T", "classes"), "cls": ("N", 2)}

LOWEST_OPSET = 11  # Range, GatherElements and TopK with k as an input exist from here on


def usual_normalisation(kind: Kind) -> Normalisation:
    """That of a network whose folder states none."""
    return IMAGENET if kind == "det" else HALVES


def fuse(
    model: onnx.ModelProto, kind: Kind, normalisation: Normalisation | None = None, cls_input: ClsInput = PADDED
) -> onnx.ModelProto:
    """Wrap an exported network into the tensors of the table above.

    Args:
        model: a network with one FP32 input [N, 3, H, W] and one FP32 output:
            det [N, 1, H, W], rec [N, T, classes], cls [N, 2]
        kind: which of the three it is
        normalisation: by default the usual one of the kind
        cls_input: the size that cls takes

    Returns:
        a new model; `model` is left as it was

    Raises:
        ModelFolderError: the network has the inputs and outputs of another kind
        ConversionError: the graph cannot be wrapped, or the result is not valid ONNX
    """
    fused = onnx.ModelProto()
    fused.CopyFrom(model)
    takes = ("N", 3, cls_input.height, cls_input.width) if kind == "cls" else INPUTS[kind]
    network_input, network_output = ends(fused, kind, takes, OUTPUTS[kind])
    _refuse_taken_names(fused, kind)
    opset = _opset(fused)
    pixels = "image" if kind == "det" else "crops"

    before = NodeList(opset)
    normalised = f"{PREFIX}normalised" if kind == "rec" else network_input
    _normalise(before, pixels, normalisation or usual_normalisation(kind), normalised)
    if kind == "rec":
        _mask_padding(before, normalised, pixels, network_input)
    after = NodeList(opset)
    if kind == "det":
        after.on_axes("Squeeze", network_output, [1], "prob")
    else:
        blocks = fill_blocks(fused, network_output) if kind == "rec" else None
        find_best_class(after, network_output, blocks, "index" if kind == "rec" else "label")

    nodes = [*before.nodes, *fused.graph.node, *after.nodes]
    del fused.graph.node[:]
    fused.graph.node.extend(nodes)
    fused.graph.initializer.extend([*before.constants, *after.constants])
    _declare(fused, kind, cls_input)
    try:
        onnx.checker.check_model(fused, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"the fused {kind} graph is not valid ONNX: {in_one_line(error)}") from error
    return fused


def _opset(model: onnx.ModelProto) -> int:
    opset = max((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset < LOWEST_OPSET:
        raise ConversionError(
            f"ONNX of opset {LOWEST_OPSET} or later is needed, but this is opset {opset}: export again"
        )
    return opset


def _refuse_taken_names(model: onnx.ModelProto, kind: Kind) -> None:
    names = {"det": {"image", "prob"}, "rec": {"crops", "widths", "index", "score"}, "cls": {"crops", "label", "score"}}
    inside = {name for node in model.graph.node for name in (*node.input, *node.output)}
    taken = inside & names[kind]
    if taken:
        raise ConversionError(f"the {kind} network already has tensors named {', '.join(sorted(taken))}")


def _normalise(graph: NodeList, pixels: str, normalisation: Normalisation, output: str) -> None:
    """UINT8 NHWC to normalised FP32 NCHW, as one multiplication and one addition."""
    mean, std = np.array(normalisation.mean, np.float64), np.array(normalisation.std, np.float64)
    scale = (1 / (std * 255)).astype(np.float32).reshape(1, 3, 1, 1)
    bias = (-mean / std).astype(np.float32).reshape(1, 3, 1, 1)
    # Transposing bytes moves a quarter of what transposing floats does.
    planes = graph.add("Transpose", [pixels], f"{PREFIX}planes", perm=[0, 3, 1, 2])
    if normalisation.rgb:
        backwards = graph.constant("backwards", np.array([2, 1, 0], np.int64))
        planes = graph.add("Gather", [planes, backwards], f"{PREFIX}rgb", axis=1)
    floats = graph.add("Cast", [planes], f"{PREFIX}floats", to=TensorProto.FLOAT)
    scaled = graph.add("Mul", [floats, graph.constant("scale", scale)], f"{PREFIX}scaled")
    graph.add("Add", [scaled, graph.constant("bias", bias)], output)


def _mask_padding(graph: NodeList, normalised: str, crops: str, network_input: str) -> None:
    """Set the columns right of `widths` to exactly 0: PaddleOCR pads after it has normalised."""
    shape = graph.add("Shape", [crops], f"{PREFIX}shape")
    width = graph.add("Gather", [shape, graph.constant("width_axis", np.array(2, np.int64))], f"{PREFIX}width", axis=0)
    first = graph.constant("first_column", np.array(0, np.int64))
    step = graph.constant("next_column", np.array(1, np.int64))
    columns = graph.add("Range", [first, width, step], f"{PREFIX}columns")
    inside = graph.add("Less", [columns, "widths"], f"{PREFIX}inside")
    mask_shape = graph.constant("mask_shape", np.array([0, 1, 1, -1], np.int64))  # 0 keeps the batch
    mask = graph.add("Reshape", [inside, mask_shape], f"{PREFIX}mask")
    graph.add("Where", [mask, normalised, graph.constant("padding", np.zeros((), np.float32))], network_input)


def _declare(model: onnx.ModelProto, kind: Kind, cls_input: ClsInput) -> None:
    """State names, types and dimensions of the inputs and outputs."""
    uint8, int64, float32 = TensorProto.UINT8, TensorProto.INT64, TensorProto.FLOAT
    inputs: list[tuple[str, int, list[str | int]]]
    outputs: list[tuple[str, int, list[str | int]]]
    if kind == "det":
        inputs = [("image", uint8, ["batch", "height", "width", 3])]
        outputs = [("prob", float32, ["batch", "height", "width"])]
    elif kind == "rec":
        inputs = [
            ("crops", uint8, ["batch", LINE_HEIGHT, "width", 3]),
            ("widths", int64, ["batch", 1]),
        ]
        outputs = [("index", int64, ["batch", "time"]), ("score", float32, ["batch", "time"])]
    else:
        inputs = [("crops", uint8, ["batch", cls_input.height, cls_input.width, 3])]
        outputs = [("label", int64, ["batch"]), ("score", float32, ["batch"])]
    del model.graph.input[:]
    del model.graph.output[:]
    del model.graph.value_info[:]  # shapes of the graph as it was
    model.graph.input.extend(helper.make_tensor_value_info(*value) for value in inputs)
    model.graph.output.extend(helper.make_tensor_value_info(*value) for value in outputs)
