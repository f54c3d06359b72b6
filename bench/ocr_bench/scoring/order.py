"""How far the order of lines is from the one that is known."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein


def order_distance(order: Sequence[int]) -> float:
    """Edit distance of a sequence of lines against 0, 1, 2, ..., over its length: 0 for that order itself, at most 1.

    Args:
        order: the numbers of the lines in the known order, each once, as they are ordered now.
    """
    return Levenshtein.normalized_distance(order, sorted(order))
