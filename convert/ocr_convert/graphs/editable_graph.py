"""An ONNX graph that is searched from its outputs backwards, and changed."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

Array = npt.NDArray[Any]


class EditableGraph:
    """A graph that is searched backwards and changed."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.changed = False
        self.producers = {output: node for node in self.graph.node for output in node.output}
        self.initializers = {tensor.name: tensor for tensor in self.graph.initializer}
        self.readers = Counter(name for node in self.graph.node for name in _read_by(node))
        self.readers.update(output.name for output in self.graph.output)
        shaped = shape_inference.infer_shapes(model).graph
        sizes = {
            value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
            for value in [*shaped.input, *shaped.value_info]
            if value.type.tensor_type.elem_type == TensorProto.FLOAT
        }
        # of FP32 tensors of four dimensions; 0 where their number is not known
        self.channels = {name: size[1] for name, size in sizes.items() if len(size) == 4}
        self.spatially_scalar = {name for name, size in sizes.items() if len(size) == 4 and size[2:] == [1, 1]}

    def constant(self, name: str) -> Array | None:
        """Value of a tensor that does not depend on the input, as paddle2onnx writes weights; else None."""
        if name in self.initializers:
            return numpy_helper.to_array(self.initializers[name])
        node = self.producers.get(name)
        if node is None:
            return None
        if node.op_type == "Constant":
            return numpy_helper.to_array(node.attribute[0].t) if node.attribute[0].name == "value" else None
        if node.op_type == "Identity":
            return self.constant(node.input[0])
        if node.op_type == "Reshape":
            value, shape = (self.constant(name) for name in node.input)
            return None if value is None or shape is None or 0 in shape else value.reshape(shape)
        return None

    def source(self, tensor: str) -> onnx.NodeProto | None:
        """The node that made `tensor`, Identity passed over; None where anything else reads what it made."""
        node = self.producers.get(tensor)
        if node is None or self.readers[tensor] != 1:
            return None
        return self.source(node.input[0]) if node.op_type == "Identity" else node

    def origin(self, tensor: str) -> str:
        """The tensor that `tensor` is, Identity passed over."""
        node = self.producers.get(tensor)
        return self.origin(node.input[0]) if node is not None and node.op_type == "Identity" else tensor

    def affine(self, tensor: str) -> tuple[onnx.NodeProto | None, Array, Array]:
        """Go back over what scales and shifts channels: the node before it, scale and shift, each (1,) or (C,)."""
        scale, shift = np.ones(1), np.zeros(1)
        while (node := self.source(tensor)) is not None:
            constants = [self.constant(name) for name in node.input[1:]]
            if any(value is None for value in constants):
                break
            values = [np.asarray(value, np.float64) for value in constants]
            if node.op_type == "Add" and values[0].size in (1, values[0].shape[-3] if values[0].ndim > 2 else 1):
                shift = shift + scale * values[0].reshape(-1)
            elif node.op_type == "BatchNormalization" and not attributes(node).get("training_mode"):
                gamma, beta, mean, variance = values
                factor = gamma / np.sqrt(variance + attributes(node).get("epsilon", 1e-5))
                scale, shift = scale * factor, shift + scale * (beta - mean * factor)
            else:
                break
            tensor = node.input[0]
        return node, scale, shift

    def weights(self, node: onnx.NodeProto) -> tuple[Array, Array] | None:
        """Kernel and bias, (1,) or (out,), of a convolution; None where they depend on the input or are not FP32."""
        kernel = self.constant(node.input[1])
        bias = self.constant(node.input[2]) if len(node.input) > 2 else np.zeros(1)
        if kernel is None or bias is None or kernel.dtype != np.float32:
            return None
        return kernel.astype(np.float64), bias.astype(np.float64)

    def split_over_concat(self, conv: onnx.NodeProto) -> tuple[list[str], list[Array], Array] | None:
        """A convolution of tensors joined along their channels: their names, each one's part of the kernel, the bias.

        None where it is another one, where something else reads what was joined, or where channels are not known.
        """
        joined = self.source(conv.input[0])
        weights = self.weights(conv)
        if joined is None or joined.op_type != "Concat" or attributes(joined).get("axis") != 1 or weights is None:
            return None
        kernel, bias = weights
        channels = [self.channels.get(name, 0) for name in joined.input]
        if len(channels) < 2 or 0 in channels or sum(channels) != kernel.shape[1]:
            return None
        return list(joined.input), np.split(kernel, np.cumsum(channels)[:-1], axis=1), bias

    def convolution(
        self, op: str, tensor: str, kernel: Array, bias: Array | None, name: str, **at: Any
    ) -> onnx.NodeProto:
        """A node with weights of its own; `name` is also its output."""
        inputs = [tensor, f"{name}_weight"]
        self.graph.initializer.append(numpy_helper.from_array(kernel.astype(np.float32), inputs[1]))
        if bias is not None:
            inputs.append(f"{name}_bias")
            self.graph.initializer.append(numpy_helper.from_array(bias.astype(np.float32), inputs[2]))
        return helper.make_node(op, inputs, [name], name=name, kernel_shape=kernel.shape[2:], **at)

    def replace(self, node: onnx.NodeProto, nodes: list[onnx.NodeProto]) -> None:
        """Put `nodes` in the place of `node`; the last of them has its output."""
        self.changed = True
        place = list(self.graph.node).index(node)
        del self.graph.node[place]
        for number, new in enumerate(nodes):
            self.graph.node.insert(place + number, new)
        self.producers |= {output: new for new in nodes for output in new.output}

    def drop_unused(self) -> None:
        """Remove the nodes and initializers that no output needs."""
        needed = {output.name for output in self.graph.output}
        for node in reversed(list(self.graph.node)):
            if needed.isdisjoint(node.output):
                self.graph.node.remove(node)
            else:
                needed.update(_read_by(node))
        dropped = {tensor.name for tensor in self.graph.initializer} - needed
        for listing in (self.graph.initializer, self.graph.input):  # old graphs list their weights as inputs too
            for value in [value for value in listing if value.name in dropped]:
                listing.remove(value)


def rewritten(
    network: onnx.ModelProto, rules: Mapping[str, Callable[[EditableGraph, onnx.NodeProto], None]]
) -> onnx.ModelProto:
    """A copy of `network` with every node offered to the rule of its operation, in the graph's order.

    What the rules leave without a reader is dropped; `network` is left as it was.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(network)
    graph = EditableGraph(copy)
    for node in list(copy.graph.node):
        if node.op_type in rules:
            rules[node.op_type](graph, node)
    if graph.changed:
        graph.drop_unused()
    return copy


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Attributes of a node by name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _read_by(node: onnx.NodeProto) -> Iterator[str]:
    """What a node reads, the graphs inside it included."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _read_by(inner)
