"""How far a fused ONNX graph may differ from the network it was made from, and what is said of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ocr_convert.errors import VerificationError
from ocr_convert.graphs.fuse import Kind

PROBABILITY_TOLERANCE = 1e-3  # largest difference; converted graphs differ by some 1e-5
EQUAL_SHARE = 0.999  # of det's pixels, rec's steps and cls's lines
COUNTED = {"det": "pixels on the same side of the threshold", "rec": "equal argmax steps", "cls": "equal labels"}


@dataclass(frozen=True)
class Comparison:
    """How a fused graph compares to its reference."""

    kind: Kind
    compared_with: str
    largest_difference: float  # of probabilities, 0..1; NaN where the graph answers NaN
    difference_tolerance: float
    compared: int  # det: pixels; rec: time steps; cls: lines
    equal_share: float  # det: pixels on the same side of thresh; rec: steps, cls: lines of the same class
    equal_share_tolerance: float
    finite: bool  # whether every number of the graph's answers, and of what is made of them, is one
    texts: tuple[str, ...] = ()  # rec: what the fused graph reads
    reference_texts: tuple[str, ...] = ()  # rec: what the reference reads

    @property
    def passed(self) -> bool:
        """Whether the answers are numbers, and the differences within the tolerances."""
        return (
            self.finite
            and self.largest_difference <= self.difference_tolerance
            and self.equal_share >= self.equal_share_tolerance
        )

    def describe(self) -> str:
        """Return the figures in one line."""
        map_or_score = "probability map" if self.kind == "det" else "score"
        return (
            f"{self.kind}: largest difference of the {map_or_score} {self.largest_difference:.1e} "
            f"(tolerance {self.difference_tolerance:.0e}), {COUNTED[self.kind]} {self.equal_share:.4%} of "
            f"{self.compared} (at least {self.equal_share_tolerance:.1%}), against {self.compared_with}"
            f"{'' if self.finite else '; its answers hold NaN or infinity'}"
        )

    def require(self) -> None:
        """See that the differences are within the tolerances.

        Raises:
            VerificationError: they are not
        """
        if not self.passed:
            raise VerificationError(f"the converted model differs too much, nothing was installed: {self.describe()}")

    def as_json(self) -> dict[str, Any]:
        """Return the figures for report.json."""
        return {**asdict(self), "passed": self.passed}


def compare(
    kind: Kind,
    compared_with: str,
    differences: Sequence[npt.NDArray[Any]],
    equal: Sequence[npt.NDArray[np.bool_]],
    made_of_them: Sequence[npt.NDArray[Any]] = (),
    texts: tuple[str, ...] = (),
    reference_texts: tuple[str, ...] = (),
) -> Comparison:
    """Sum up what was measured on every picture.

    Args:
        kind: of the network
        compared_with: what the reference is, for the report
        differences: of probabilities, fused minus reference, arrays of any shape
        equal: which pixels, steps or lines agree
        made_of_them: boxes and scores that the pipeline makes of the fused graph's answers
        texts: what the fused graph reads
        reference_texts: what the reference reads
    """
    # numpy's max, unlike Python's, is NaN where one of its values is.
    largest = float(np.max(np.abs(np.concatenate([values.ravel() for values in differences]))))
    agree = np.concatenate([values.ravel() for values in equal])
    return Comparison(
        kind,
        compared_with,
        largest,
        PROBABILITY_TOLERANCE,
        len(agree),
        float(agree.mean()),
        EQUAL_SHARE,
        bool(np.isfinite(largest)) and all(bool(np.isfinite(values).all()) for values in made_of_them),
        texts,
        reference_texts,
    )
