"""The frame of a page in which its text runs from left to right on level lines."""

import numpy as np
import numpy.typing as npt

from ocr_contract.quads import LETTER_RATIO, sides

MAX_TILT = np.deg2rad(20)  # of a line against the page: a line that leans more counts by its upright hull
MIN_RATIO = 1.5  # of length to height: squarer boxes do not show how much they lean
MIN_STANDING = 0.4  # of the page's text in boxes taller than LETTER_RATIO: then text stands, whatever lies between
CELL_RATIO = 9  # of length to height: shorter lines may be cells of a row; those of running text are longer
SAME_HEIGHT = 0.7  # of two cells: the middles of letters of unlike size are not level
MAX_ASKED = 128  # cells: they tell the skew to a tenth of a degree
CONE = np.deg2rad(15)  # to either side: where a cell's neighbour is looked for if nothing tells the skew
MIN_PAIRS = 3  # of neighbours, for them to tell the skew by themselves
AGREED = np.deg2rad(1)  # two directions that differ less are the same

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def level(boxes: npt.NDArray[np.float32]) -> Floats:
    """Boxes as upright rectangles of the level frame.

    The frame's angle is that of the text: the quarter turn that most of it has, by length, and in it the median of
    the lines' angles, weighted by length too. Short lines that have a neighbour in their row count by the direction
    to it instead, which is much better known than their own. A line is as high as it is across its text, however long
    and however much the page leans.

    Args:
        boxes: (N, 4, 2) float32, pixels (x, y), each clockwise from the text's own top-left corner.

    Returns:
        (N, 4): left, top, right and bottom.
    """
    quads = boxes.astype(np.float64)
    along, across = sides(quads)
    length, height = np.linalg.norm(along, axis=1), np.linalg.norm(across, axis=1)
    angle = np.arctan2(along[:, 1], along[:, 0])
    tilt = angle - _page_angle(quads.mean(axis=1), angle, length, height)
    centre = _turned(quads.mean(axis=1), tilt - angle)
    # Of a line that leans with the page only its own two sides count; of any other one its upright hull.
    leaning = np.abs(_nearest(tilt, np.pi)) <= MAX_TILT
    half = np.abs(_turned(quads - quads.mean(axis=1, keepdims=True), (tilt - angle)[:, None])).max(axis=1)
    half[leaning, 0] = length[leaning] / 2
    half[leaning, 1] = height[leaning] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _page_angle(centre: Floats, angle: Floats, length: Floats, height: Floats) -> float:
    """Radians by which the page's text is turned clockwise on the picture.

    Args:
        centre: (N, 2) of the boxes.
        angle: (N,) of their text.
        length: (N,) along their text.
        height: (N,) across it.
    """
    quarters = np.rint(angle / (np.pi / 2)).astype(int) % 4
    lies = quarters % 2 == 0
    wide, high = np.where(lies, length, height), np.where(lies, height, length)
    amounts = np.bincount(quarters, length, minlength=4)
    quarter = int(np.argmax(amounts))
    if quarter % 2:
        long = (quarters == quarter) & (length >= LETTER_RATIO * height)
        if length[long].sum() < MIN_STANDING * np.maximum(wide, high).sum() and _rows_lie(centre, wide, high):
            quarter = 2 * int(amounts[2] > amounts[0])
        else:
            wide, high = high, wide
    ours = (quarters == quarter) & (length >= MIN_RATIO * height)
    skew = _nearest(angle - quarter * np.pi / 2, 2 * np.pi)
    return quarter * np.pi / 2 + _skew(_turned(centre, -quarter * np.pi / 2), skew, ours, wide, high)


def _rows_lie(centre: Floats, wide: Floats, high: Floats) -> bool:
    """Whether boxes of about one letter each stand in rows across the picture: rows are closer than cells of a row."""
    right, _, across = _neighbours(centre, wide, high, CONE)
    below, _, down = _neighbours(_turned(centre, -np.pi / 2), high, wide, CONE)
    if not len(right) or not len(below):
        return bool(len(right))
    return bool(np.median(down / high[below]) < np.median(across / wide[right]))


def _skew(centre: Floats, skew: Floats, ours: Flags, wide: Floats, high: Floats) -> float:
    """Radians by which lines lean clockwise in a frame in which they lie nearly level.

    Args:
        centre: (N, 2), in that frame.
        skew: (N,), by which boxes lean.
        ours: (N,), of which boxes that says something.
        wide: (N,), extents of the boxes.
        high: (N,).
    """
    found = weighted_median(skew[ours], wide[ours]) if ours.any() else 0.0
    if wide[ours].sum() < wide.sum() / 2:
        _, direction, distance = _neighbours(centre, wide, high, CONE)
        if len(direction) < MIN_PAIRS or not _agree(direction, distance):
            return found
        found = weighted_median(direction, distance)
    for _ in range(2):  # the better the skew is known, the more neighbours are found
        first, direction, distance = _neighbours(_turned(centre, -found), wide, high)
        if not len(first) or not _agree(direction, distance):
            break
        alone = ours.copy()
        alone[first] = False
        found = weighted_median(
            np.concatenate([skew[alone], found + direction]), np.concatenate([wide[alone], distance])
        )
    return found


def _neighbours(
    centre: Floats, wide: Floats, high: Floats, cone: float | None = None
) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
    """Short lines that have a neighbour on their right, in their row or, less strictly, in a cone about the level.

    Args:
        centre: (N, 2), in a frame in which lines lie nearly level.
        wide: (N,), extents of the boxes.
        high: (N,).
        cone: radians to either side.

    Returns:
        (M,) each: index, direction to the neighbour in radians, and distance of the centres.
    """
    short = np.flatnonzero(wide < CELL_RATIO * high)
    asked = short[np.linspace(0, len(short) - 1, min(len(short), MAX_ASKED)).astype(int)]
    across, down = np.moveaxis(centre[short] - centre[asked, None], -1, 0)
    low, tall = (of(high[asked, None], high[short]) for of in (np.minimum, np.maximum))
    reach = low / 2 if cone is None else across * np.tan(cone)
    beside = (across > (wide[asked, None] + wide[short]) / 2) & (np.abs(down) < reach) & (low > SAME_HEIGHT * tall)
    distance = np.where(beside, np.hypot(across, down), np.inf)
    first = np.flatnonzero(beside.any(axis=1))
    nearest = first, distance[first].argmin(axis=1) if len(first) else first
    return asked[first], np.arctan2(down[nearest], across[nearest]), distance[nearest]


def _agree(direction: Floats, weight: Floats) -> bool:
    """Whether most directions, by weight, are the same."""
    same = np.abs(direction - weighted_median(direction, weight)) <= AGREED
    return bool(weight[same].sum() > weight.sum() / 2)


def _nearest(angle: Floats, period: float) -> Floats:
    """Angles less the multiple of `period` that is nearest to each."""
    return angle - period * np.rint(angle / period)


def weighted_median(values: Floats, weights: Floats) -> float:
    """The value (N,) with half of the weight (N,) before it, and half after."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _turned(points: Floats, angle: Floats | float) -> Floats:
    """Points (..., 2) turned clockwise on the picture by angles (...), radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * points[..., 0] - sin * points[..., 1], sin * points[..., 0] + cos * points[..., 1]], axis=-1)
