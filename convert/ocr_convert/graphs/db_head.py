"""The head of a DB detection network, rewritten into the same sums in fewer and smaller operations.

PaddleOCR's DB networks end in work at sizes that the arithmetic does not need (`RSEFPN` and `DBHead` in PaddleOCR; DB
is M. Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020):

- Two transposed convolutions of 2 x 2 with stride 2 double the size twice. Their windows do not overlap, so each pixel
  of the quarter size makes its own 4 x 4 pixels: two convolutions of 1 x 1 at the quarter size, whose 16 channels are
  laid out as pixels at the end (DepthToSpace). The sigmoid is taken before that.
- A convolution of 3 x 3 reads the levels of the feature pyramid after all of them were enlarged to the quarter size
  (Resize, nearest). Enlarging k times and convolving is one transposed convolution of (k + 2) x (k + 2) with stride k,
  whose kernel sums the old one over the k x k equal pixels: for k = 2, 4 and 8 it multiplies 0.44, 0.25 and 0.17 times
  as often, and the enlarged copies are never written.

Both give the same in exact arithmetic. A network without these patterns stays as it is, and so does one that reads what
lies between them elsewhere.
"""

from typing import Any

import numpy as np
import onnx
from onnx import helper

from ocr_convert.graphs.editable_graph import Array, EditableGraph, attributes, rewritten

PREFIX = "db_head/"  # of every node and tensor that is added


def rewrite_db_head(network: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite the patterns above, wherever they are.

    Args:
        network: a detection network with FP32 weights.

    Returns:
        a new model with the same inputs and outputs; `network` is left as it was
    """
    return rewritten(network, {"Sigmoid": _rewrite_upsampling_convs, "Conv": _rewrite_conv_of_resized})


def transposed_kernel(kernel: Array, factor: int) -> Array:
    """Kernel of the transposed convolution that enlarges `factor` times (nearest) and convolves, 1 pixel padded.

    Args:
        kernel: (out, in, 3, 3) of the convolution.
        factor: k, the stride of the transposed convolution.

    Returns:
        (in, out, k + 2, k + 2) float64
    """
    size = factor + 2
    transposed = np.zeros((*kernel.shape[1::-1], size, size))
    for row, column in np.ndindex(3, 3):
        # A tap at `row` reads the enlarged pixel row - 1 below, so it writes 1 - row below each of the k equal pixels.
        taps = kernel[:, :, row, column].T[:, :, None, None]
        transposed[:, :, 2 - row : size - row, 2 - column : size - column] += taps
    return transposed


def quarter_size_kernels(first: Array, second: Array) -> tuple[Array, Array]:
    """Kernels of 1 x 1 that do what two 2 x 2 transposed convolutions with stride 2 do.

    Args:
        first: (in, inner, 2, 2) of the first transposed convolution.
        second: (inner, 1, 2, 2) of the second.

    Returns:
        (4 * inner, in, 1, 1) and (16, 4 * inner, 1, 1) float64; channel 4 * row + column of the 16 is a pixel of 4 x 4
    """
    inner = first.shape[1]
    widened = first.transpose(2, 3, 1, 0).reshape(4 * inner, -1, 1, 1)
    # axes: row and column of 4 x 4, each as (which half, place in it), then the pixel of 2 x 2 and its channels
    pixels = np.zeros((2, 2, 2, 2, 2, 2, inner))
    for row, column in np.ndindex(2, 2):
        pixels[row, :, column, :, row, column] = second[:, 0].transpose(1, 2, 0)
    return widened, pixels.reshape(16, 4 * inner, 1, 1)


def _rewrite_upsampling_convs(graph: EditableGraph, sigmoid: onnx.NodeProto) -> None:
    """ConvTranspose, Relu, ConvTranspose and Sigmoid at growing sizes, as convolutions of 1 x 1 at the first size."""
    second = _upsampling_conv(graph, sigmoid.input[0])
    relu = graph.source(second[2]) if second else None
    first = _upsampling_conv(graph, relu.input[0]) if relu is not None and relu.op_type == "Relu" else None
    if second is None or first is None or second[0].shape[1] != 1:
        return
    widened, pixels = quarter_size_kernels(first[0], second[0])
    name = f"{PREFIX}{sigmoid.output[0]}/"
    graph.replace(
        sigmoid,
        [
            graph.convolution("Conv", first[2], widened, np.tile(first[1], 4), f"{name}widened"),
            helper.make_node("Relu", [f"{name}widened"], [f"{name}rectified"], name=f"{name}rectified"),
            graph.convolution("Conv", f"{name}rectified", pixels, np.repeat(second[1], 16), f"{name}pixels"),
            helper.make_node("Sigmoid", [f"{name}pixels"], [f"{name}prob"], name=f"{name}prob"),
            helper.make_node(
                "DepthToSpace", [f"{name}prob"], list(sigmoid.output), name=f"{name}map", blocksize=4, mode="DCR"
            ),
        ],
    )


def _upsampling_conv(graph: EditableGraph, tensor: str) -> tuple[Array, Array, str] | None:
    """Kernel (in, out, 2, 2), bias (out,) and input of a 2 x 2 transposed convolution, with what scales its output."""
    node, scale, shift = graph.affine(tensor)
    if node is None or node.op_type != "ConvTranspose" or not _is_plain(node, strides=[2, 2], pads=[0, 0, 0, 0]):
        return None
    weights = graph.weights(node)
    if weights is None or weights[0].shape[2:] != (2, 2):
        return None
    kernel, bias = weights
    if not {scale.size, shift.size} <= {1, kernel.shape[1]}:
        return None
    return kernel * scale[:, None, None], np.broadcast_to(scale * bias + shift, kernel.shape[1]), node.input[0]


def _rewrite_conv_of_resized(graph: EditableGraph, conv: onnx.NodeProto) -> None:
    """A convolution of concatenated levels, some of them resized, as a sum of (transposed) convolutions of each."""
    parts = graph.split_over_concat(conv)
    if parts is None or not _is_plain(conv, strides=[1, 1], pads=[1, 1, 1, 1]):
        return
    levels, pieces, bias = parts
    resized = [_nearest_resize(graph, level) for level in levels]
    if pieces[0].shape[2:] != (3, 3) or not any(resized):
        return
    nodes, sums = [], []
    for number, (level, piece, found) in enumerate(zip(levels, pieces, resized, strict=True)):
        name = f"{PREFIX}{conv.output[0]}/level_{number}"
        own_bias = np.broadcast_to(bias, len(piece)) if number == 0 else None
        if found is None:
            node = graph.convolution("Conv", level, piece, own_bias, name, pads=[1, 1, 1, 1])
        else:
            small, factor = found
            node = graph.convolution(
                "ConvTranspose",
                small,
                transposed_kernel(piece, factor),
                own_bias,
                name,
                strides=[factor, factor],
                pads=[1, 1, 1, 1],
            )
        nodes.append(node)
        sums.append(name)
    total = sums[0]
    for number, term in enumerate(sums[1:], 1):
        output = conv.output[0] if term is sums[-1] else f"{PREFIX}{conv.output[0]}/sum_{number}"
        nodes.append(helper.make_node("Add", [total, term], [output], name=output))
        total = output
    graph.replace(conv, nodes)


def _nearest_resize(graph: EditableGraph, tensor: str) -> tuple[str, int] | None:
    """What `tensor` is an enlarged copy of, and how many times; None where it is not, or not evenly."""
    node = graph.source(tensor)
    if node is None or node.op_type != "Resize" or len(node.input) != 3:
        return None
    scales = graph.constant(node.input[2])
    how = {"mode": b"nearest", "coordinate_transformation_mode": b"asymmetric", "nearest_mode": b"floor"}
    if scales is None or scales.shape != (4,) or not how.items() <= attributes(node).items():
        return None
    if attributes(node).get("axes", [0, 1, 2, 3]) != [0, 1, 2, 3]:
        return None
    factor = round(float(scales[2]))
    return (node.input[0], factor) if factor > 1 and scales.tolist() == [1, 1, factor, factor] else None


def _is_plain(node: onnx.NodeProto, **expected: list[int]) -> bool:
    """Whether a convolution has these strides and pads, and neither groups nor anything else unusual."""
    usual: dict[str, Any] = {
        "strides": [1, 1],
        "pads": [0, 0, 0, 0],
        "dilations": [1, 1],
        "group": 1,
        "output_padding": [0, 0],
        "auto_pad": b"NOTSET",
    }
    found = {key: value for key, value in attributes(node).items() if key != "kernel_shape"}
    return {**usual, **found} == {**usual, **expected}
