"""Which inputs a network can be run with, told before memory is taken for the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from ocr_contract.errors import InvalidInput


@dataclass(frozen=True)
class Bounds:
    """What the `parameters` of config.pbtxt say of inputs; Triton's C++ backend passes these over.

    Attributes:
        side_multiple: axes whose size is open, the batch apart, are multiples of this.
        max_elements: numbers that one request may bring in one input; 0 for any.
    """

    side_multiple: int = 1
    max_elements: int = 0


class Shapes:
    """Shapes of a network's inputs."""

    def __init__(self, inputs: Mapping[str, Sequence[Any]], bounds: Bounds) -> None:
        """Take them from the network's graph.

        Args:
            inputs: of each input the sizes of its axes: a number, or anything else where every size is taken.
            bounds: what the graph does not say.
        """
        self._bounds = bounds
        self._sizes = {
            name: [size if isinstance(size, int) and size >= 0 else None for size in sizes]
            for name, sizes in inputs.items()
        }

    def check(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """See that a request's inputs, by name, can be run.

        Raises:
            InvalidInput: one is empty, too large, or of a shape that the network does not take.
        """
        for name, sizes in self._sizes.items():
            tensor = tensors[name]
            if len(sizes) != tensor.ndim or not all(map(self._takes, range(tensor.ndim), tensor.shape, sizes)):
                raise InvalidInput(f"{name} has the shape {list(tensor.shape)}; this network takes {self._said(sizes)}")
            if 0 < self._bounds.max_elements < tensor.size:
                raise InvalidInput(
                    f"{name} has the shape {list(tensor.shape)}, {tensor.size} numbers; "
                    f"this network takes {self._bounds.max_elements} at a time (max_elements in its config.pbtxt)"
                )

    def _takes(self, axis: int, length: int, size: int | None) -> bool:
        if size is not None:
            return length == size
        return length > 0 and (axis == 0 or length % self._bounds.side_multiple == 0)

    def _said(self, sizes: Sequence[int | None]) -> str:
        step = self._bounds.side_multiple
        open_sides = "sizes of at least 1" if step == 1 else f"multiples of {step}"
        words = [str(size) if size is not None else "N" if axis == 0 else "n" for axis, size in enumerate(sizes)]
        return f"[{', '.join(words)}]" + (f", n being {open_sides}" if "n" in words else "")
