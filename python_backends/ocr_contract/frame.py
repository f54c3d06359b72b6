"""The frame of a page in which its text runs from left to right on level lines."""

import numpy as np
import numpy.typing as npt

MAX_TILT = np.deg2rad(20)  # of a line against the page: a line that leans more counts by its upright hull

Floats = npt.NDArray[np.float64]


def level(boxes: npt.NDArray[np.float32]) -> Floats:
    """Boxes as upright rectangles of the level frame.

    The frame's angle is that of the text: the quarter turn that most of it has, by length, and in it the median of
    the lines' angles, weighted by length too. A line is as high as it is across its text, however long and however
    much the page leans.

    Args:
        boxes: (N, 4, 2) float32, pixels (x, y), each clockwise from the text's own top-left corner.

    Returns:
        (N, 4): left, top, right and bottom.
    """
    quads = boxes.astype(np.float64)
    along = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    across = (quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]) / 2
    length = np.linalg.norm(along, axis=1)
    angle = np.arctan2(along[:, 1], along[:, 0])
    tilt = angle - _page_angle(angle, length)
    centre = _turned(quads.mean(axis=1), tilt - angle)
    # Of a line that leans with the page only its own two sides count; of any other one its upright hull.
    leaning = np.abs(_nearest(tilt, np.pi)) <= MAX_TILT
    half = np.abs(_turned(quads - quads.mean(axis=1, keepdims=True), (tilt - angle)[:, None])).max(axis=1)
    half[leaning, 0] = length[leaning] / 2
    half[leaning, 1] = np.linalg.norm(across[leaning], axis=1) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _page_angle(angle: Floats, length: Floats) -> float:
    """Radians by which the page's text is turned clockwise on the picture."""
    quarters = np.rint(angle / (np.pi / 2)).astype(int) % 4
    quarter = int(np.argmax(np.bincount(quarters, length, minlength=4)))
    skew = _nearest(angle - quarter * np.pi / 2, 2 * np.pi)
    ours = quarters == quarter
    return quarter * np.pi / 2 + weighted_median(skew[ours], length[ours])


def _nearest(angle: Floats, period: float) -> Floats:
    """Angles less the multiple of `period` that is nearest to each."""
    return angle - period * np.rint(angle / period)


def weighted_median(values: Floats, weights: Floats) -> float:
    """The value (N,) with half of the weight (N,) before it, and half after."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _turned(points: Floats, angle: Floats) -> Floats:
    """Points (..., 2) turned clockwise on the picture by angles (...), radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * points[..., 0] - sin * points[..., 1], sin * points[..., 0] + cos * points[..., 1]], axis=-1)
