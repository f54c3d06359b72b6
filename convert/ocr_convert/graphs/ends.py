"""What a network takes and answers, as its ONNX file states it, held against what is served."""

from collections.abc import Sequence

import onnx
from onnx import TensorProto

from ocr_convert.errors import ModelFolderError

# A number is what is served: a network may state it, or leave it free. A letter stands for a dimension that differs
# from call to call, so a network has to leave it free.
Dimensions = tuple[int | str, ...]


def ends(model: onnx.ModelProto, kind: str, takes: Dimensions, answers: Dimensions) -> tuple[str, str]:
    """Return the names of a network's one input and one output.

    Args:
        model: the network
        kind: what it is called in a message
        takes: dimensions of its input
        answers: dimensions of its output; those that follow from the input's are not looked at

    Raises:
        ModelFolderError: it has more of them, or such as are not served
    """
    initializers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initializers]
    outputs = list(model.graph.output)
    if len(inputs) == len(outputs) == 1 and _fits(inputs[0], takes) and _fits(outputs[0], answers, follow=True):
        return inputs[0].name, outputs[0].name
    raise ModelFolderError(
        f"a {kind} network takes FLOAT {_shape(takes)} and answers FLOAT {_shape(answers)}, a letter being any number, "
        f"but this one takes {_listed(inputs)} and answers {_listed(outputs)}: "
        f"check that the folder holds a {kind} model, and export it so"
    )


def class_count(model: onnx.ModelProto) -> int:
    """Return the number of classes of an unfused rec network: the last dimension of its output.

    Raises:
        ModelFolderError: the output does not state it
    """
    dims = model.graph.output[0].type.tensor_type.shape.dim
    if len(dims) != 3 or dims[2].dim_value <= 0:
        raise ModelFolderError("the rec network must state its output as [N, T, number of classes], but does not")
    return int(dims[2].dim_value)


def _fits(value: onnx.ValueInfoProto, served: Dimensions, *, follow: bool = False) -> bool:
    tensor = value.type.tensor_type
    stated = [dimension.dim_value for dimension in tensor.shape.dim]  # 0 or less where it is free
    return (
        tensor.elem_type == TensorProto.FLOAT
        and len(stated) == len(served)
        and all(
            number <= 0 or number == wanted or (follow and isinstance(wanted, str))
            for number, wanted in zip(stated, served, strict=True)
        )
    )


def _shape(dimensions: Sequence[object]) -> str:
    return f"[{', '.join(map(str, dimensions))}]"


def _listed(values: Sequence[onnx.ValueInfoProto]) -> str:
    tensors = [value.type.tensor_type for value in values]
    return " and ".join(
        f"{TensorProto.DataType.Name(tensor.elem_type)} "
        f"{_shape([dim.dim_value if dim.dim_value > 0 else '?' for dim in tensor.shape.dim])}"
        for tensor in tensors
    )
