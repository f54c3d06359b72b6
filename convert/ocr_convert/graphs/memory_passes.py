"""Patterns of PaddleOCR's networks, rewritten so that large tensors are read and written less often.

- A gated residual, x + x * gate (the squeeze-and-excitation of `RSELayer` in PaddleOCR; J. Hu et al.,
  "Squeeze-and-Excitation Networks", CVPR 2018), is x * (1 + gate), and 1 + gate is spatially scalar.
- A convolution of a Concat of two tensors (the stem of PP-HGNet and PP-LCNetV4) is the sum of a convolution of each.
  At half the size of the picture the concatenated copy is the largest tensor of the whole network.

Both give the same in exact arithmetic. What else reads the tensors in between keeps a network as it is.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ocr_convert.graphs.editable_graph import EditableGraph, attributes, rewritten

PREFIX = "memory_passes/"  # of every node and tensor that is added


def rewrite_memory_passes(network: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite the patterns above, wherever they are.

    Args:
        network: a network with FP32 weights.

    Returns:
        a new model with the same inputs and outputs; `network` is left as it was
    """
    return rewritten(network, {"Add": _rewrite_gated_residual, "Conv": _rewrite_conv_of_concat})


def _rewrite_gated_residual(graph: EditableGraph, addition: onnx.NodeProto) -> None:
    for bypass, branch in ((0, 1), (1, 0)):
        product = graph.source(addition.input[branch])
        gated = graph.origin(addition.input[bypass])
        if product is None or product.op_type != "Mul":
            continue
        factors = [graph.origin(name) for name in product.input]
        if gated not in factors:
            continue
        gate = factors[1 - factors.index(gated)]
        if gate not in graph.spatially_scalar:
            continue
        one, opened = f"{PREFIX}one", f"{PREFIX}{addition.output[0]}/gate"
        if one not in graph.initializers:
            graph.initializers[one] = numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), one)
            graph.graph.initializer.append(graph.initializers[one])
        graph.replace(
            addition,
            [
                helper.make_node("Add", [gate, one], [opened], name=opened),
                helper.make_node("Mul", [gated, opened], list(addition.output), name=addition.output[0]),
            ],
        )
        return


def _rewrite_conv_of_concat(graph: EditableGraph, conv: onnx.NodeProto) -> None:
    parts = graph.split_over_concat(conv)
    if parts is None or attributes(conv).get("group", 1) != 1:
        return
    tensors, pieces, bias = parts
    # Of a row, or with a kernel of 1 x 1, the concatenated copy is small beside the weights or beside the work.
    if len(tensors) != 2 or 1 in pieces[0].shape[2:]:
        return
    how = {key: value for key, value in attributes(conv).items() if key not in ("kernel_shape", "group")}
    names = [f"{PREFIX}{conv.output[0]}/part_{number}" for number in range(2)]
    biases = (np.broadcast_to(bias, len(pieces[0])), None)
    graph.replace(
        conv,
        [
            *(
                graph.convolution("Conv", tensor, piece, own_bias, name, **how)
                for tensor, piece, own_bias, name in zip(tensors, pieces, biases, names, strict=True)
            ),
            helper.make_node("Add", names, list(conv.output), name=conv.output[0]),
        ],
    )
