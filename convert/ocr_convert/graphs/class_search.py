"""The most likely class of each time step, looked for in two steps.

A recogniser answers thousands of classes for each step, and TopK or ArgMax over all of them is slow where it is not
vectorised: with 18,710 classes it takes longer than Softmax. Here the classes are laid out as blocks; the largest of
every block is a plain maximum, TopK chooses one of some hundred blocks, and TopK again a class within that block. Of
equal classes the first wins, as with ArgMax.

So that blocks are full, the last layer gets a few more classes, whose probability is 0. Steps of a line of 640 pixels,
Softmax not included, OpenVINO on one core: 0.39 to 0.08 ms (6,625 classes), 1.1 to 0.2 ms (18,710 classes).
"""

import math
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from ocr_convert.graphs.editable_graph import EditableGraph, attributes
from ocr_convert.graphs.node_list import PREFIX, NodeList

SEARCH = f"{PREFIX}search/"  # of every tensor that is added here
VECTOR = 16  # FP32 numbers of a vector register of 512 bits
NEVER = -6e4  # logit of the added classes: exp of it is 0, and FP16 can hold it too


@dataclass(frozen=True)
class Blocks:
    """How classes are laid out: class number is block * size + place in the block."""

    count: int
    size: int


def fill_blocks(model: onnx.ModelProto, probabilities: str) -> Blocks | None:
    """Give the layer before `probabilities` as many classes as blocks hold.

    Args:
        model: a recognition network with FP32 weights; changed in place
        probabilities: its output [N, T, classes]

    Returns:
        the blocks; None where the network does not end in a linear layer with bias and Softmax, as PaddleOCR's CTC
        heads do, and stays as it is
    """
    graph = EditableGraph(model)
    softmax = graph.source(probabilities)
    if softmax is None or softmax.op_type != "Softmax" or attributes(softmax).get("axis", -1) not in (-1, 2):
        return None
    addition = graph.source(softmax.input[0])
    if addition is None or addition.op_type != "Add":
        return None
    for product_input, bias_input in ((0, 1), (1, 0)):
        product = graph.source(addition.input[product_input])
        bias = graph.constant(addition.input[bias_input])
        if product is not None and product.op_type == "MatMul" and bias is not None:
            break
    else:
        return None
    weights = graph.constant(product.input[1])
    if weights is None or weights.ndim != 2 or weights.dtype != np.float32 or bias.shape != weights.shape[1:]:
        return None
    classes = weights.shape[1]
    blocks = blocks_for(classes)
    added = blocks.count * blocks.size - classes
    for node, place, value in (
        (product, 1, np.pad(weights, ((0, 0), (0, added)))),
        (addition, bias_input, np.pad(bias, (0, added), constant_values=NEVER)),
    ):
        name = f"{SEARCH}filled/{node.input[place]}"
        model.graph.initializer.append(numpy_helper.from_array(value, name))
        node.input[place] = name
    dimension = next(value for value in model.graph.output if value.name == probabilities).type.tensor_type.shape.dim[2]
    dimension.dim_value = classes + added
    graph.drop_unused()
    return blocks


def blocks_for(classes: int) -> Blocks:
    """As many blocks as a block has classes, roughly; a block fills vector registers."""
    size = max(round(math.sqrt(classes) / VECTOR), 1) * VECTOR
    return Blocks(-(-classes // size), size)


def find_best_class(nodes: NodeList, probabilities: str, blocks: Blocks | None, index: str) -> None:
    """Add the search for the first most likely class and its probability, `score`.

    Args:
        nodes: where it is added
        probabilities: name of the FP32 tensor [N, classes], or [N, T, classes] where the classes fill blocks
        blocks: how its classes are laid out; None for a search in one step
        index: name of the INT64 output, [N] or [N, T]; `score`, FP32, has the same shape
    """
    if blocks is None:
        value, best = nodes.top_1(probabilities, "best")
        nodes.on_axes("Squeeze", value, [-1], "score")
        nodes.on_axes("Squeeze", best, [-1], index)
        return
    shape = nodes.constant("grid_shape", np.array([0, 0, blocks.count, blocks.size], np.int64))
    grid = nodes.add("Reshape", [probabilities, shape], f"{SEARCH}grid")
    best_of_block = nodes.on_axes("ReduceMax", grid, [3], f"{SEARCH}best_of_block", keepdims=0)
    value, block = nodes.top_1(best_of_block, "best_block")
    nodes.on_axes("Squeeze", value, [2], "score")
    column = nodes.on_axes("Unsqueeze", block, [3], f"{SEARCH}column")  # [N, T, 1, 1]
    row_shape = nodes.constant("row_shape", np.array([1, 1, 1, blocks.size], np.int64))
    row = nodes.add(
        "GatherElements", [grid, nodes.add("Expand", [column, row_shape], f"{SEARCH}columns")], f"{SEARCH}row", axis=2
    )
    _, place = nodes.top_1(row, "best_of_row")
    size = nodes.constant("block_size", np.array(blocks.size, np.int64))
    first = nodes.add("Mul", [column, size], f"{SEARCH}first_of_row")
    nodes.on_axes("Squeeze", nodes.add("Add", [first, place], f"{SEARCH}best_class"), [2, 3], index)
