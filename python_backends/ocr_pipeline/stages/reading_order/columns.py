"""Columns of a page: white space between lines, found by cutting the page along it (XY-cut, Nagy and Seth 1984).

The page is taken as bands, from the top: groups of lines that overlap in height. Neighbouring bands belong to one part
of the page as long as some white gap runs down through all of them. A heading across the columns, or a footer, closes
the gap and stands between two parts. The columns of a part are ordered from left to right, and each is cut again in
the same way.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ocr_pipeline.stages.reading_order.rows import by_rows

MIN_GAP = 0.55  # of a line's median height: narrower white space parts words, not columns
FAR = 1.2  # of a line's median height: a first or last line that far off is a header or footer, in no column
CLOSE = 0.3  # of a line's median height: lines with less white between them do not stand one above the other
FARTHER = 0.3  # of a line's median height: so is one that much farther off than any two lines of the columns
CENTRED = 0.05  # of the page's width: how far the middle of a centred heading may lie off the page's

Rects = npt.NDArray[np.float64]  # (N, 4): left, top, right and bottom in the level frame
Indices = npt.NDArray[np.intp]  # of lines
Intervals = list[tuple[float, float]]
# Takes all lines and those of each column of a part; gives what is to be read one after the other, all of it together.
Divide = Callable[[Rects, list[Indices]], list[Indices]]


def by_columns(rects: Rects, divide: Divide) -> Indices:
    """The permutation that sorts rectangles (N, 4) column by column where `divide` takes the columns for such."""
    order: list[Indices] = []
    waiting: list[Indices] = []  # parts that are not divided, to be ordered row by row together
    min_gap = MIN_GAP * float(np.median(rects[:, 3] - rects[:, 1]))

    def flush() -> None:
        if waiting:
            lines = np.concatenate(waiting)
            order.append(lines[by_rows(rects[lines])])
            waiting.clear()

    for part, gaps in _parts(rects, min_gap):
        divided = divide(rects, _split(rects, part, gaps))
        if len(divided) > 1:
            flush()
            order += [lines[by_columns(rects[lines], divide)] for lines in divided]
        else:
            waiting.append(part)
    flush()
    return np.concatenate(order)


def one_below_the_other(rects: Rects, columns: list[Indices], *, inner: bool = False) -> list[Indices]:
    """The lines of some columns in blocks from the top, where some columns have no line beside those of the others.

    Such a column is none: a heading in the white between item and price, the blocks of a letter, the two sides of a
    chat. With `inner`, only those that have a column on both sides count. Nothing, if there is none.
    """
    lines = np.concatenate(columns)
    number = np.repeat(np.arange(len(columns)), [len(column) for column in columns])
    grown = rects[lines] + np.array([0, -1, 0, 1]) * (CLOSE / 2 + 0.25) * np.median(rects[lines, 3] - rects[lines, 1])
    lone = set(range(1, len(columns) - 1)) - _beside(rects[lines], number)
    if not inner:
        lone |= set(range(len(columns))) - _beside(grown, number)
    if not lone:
        return []
    bands = list(_bands(rects[lines]))
    kind = np.array([int(number[band[0]]) if int(number[band[0]]) in lone else -1 for band in bands])
    runs = np.split(np.arange(len(bands)), np.flatnonzero(np.diff(kind)) + 1)
    return [np.concatenate([lines[bands[band]] for band in run]) for run in runs]


def _beside(lines: Rects, number: Indices) -> set[int]:
    """The columns that have a line beside one of another column; `number` (N,) says which each line is in."""
    return {int(column) for band in _bands(lines) if len(np.unique(number[band])) > 1 for column in number[band]}


def _parts(rects: Rects, min_gap: float) -> Iterator[tuple[Indices, Intervals]]:
    """Lines of each part of the page from the top, and the gaps that part them from left to right."""
    bands = list(_bands(rects))
    gaps = [_gaps(rects[band], rects, min_gap) for band in bands]
    header = len(bands[0]) == 1 and _is_apart(rects, bands, gaps, min_gap)
    footer = _is_apart(rects, bands[::-1], gaps[::-1], min_gap)
    headings = _headings(rects, bands)
    first, common = 0, gaps[0]  # of the part: its first band, and what all of its bands leave white
    for number, band in enumerate(bands[1:], 1):
        part = np.concatenate(bands[first:number])
        shared = _shared(common, gaps[number], min_gap)
        closes = _closes(rects, part, common, band, gaps[number], shared)
        apart = (
            (number == 1 and header)
            or (number == len(bands) - 1 and footer)
            or not headings.isdisjoint((number - 1, number))
        )
        if not closes and not apart:
            common = shared
            continue
        begin, common = number, gaps[number]
        # Rows above that go on into the new part belong to it, not below the heading that stands over both.
        own = _parting(gaps[number], rects[band]) if closes else []
        while own and begin - 1 > first and _shared(_parting(gaps[begin - 1], rects[bands[begin - 1]]), own, min_gap):
            begin -= 1
            common, own = _shared(common, gaps[begin], min_gap), _shared(gaps[begin], own, min_gap)
        lines = np.concatenate(bands[first:begin])
        yield lines, _parting(_all_shared(gaps[first:begin], min_gap), rects[lines])
        first = begin
    lines = np.concatenate(bands[first:])
    yield lines, _parting(common, rects[lines])


def _headings(rects: Rects, bands: list[Indices]) -> set[int]:
    """Bands that are a heading in the middle of the page, with white around it, between rows of three boxes or more.

    It may be so short that it lies within one of the columns, or closes the gap of two of them alone.
    """
    if len(bands) < 3:
        return set()
    top, bottom = (np.array([of(rects[band, side]) for band in bands]) for of, side in ((np.min, 1), (np.max, 3)))
    white = top[1:] - bottom[:-1]
    limit = np.median(white) + FARTHER * np.median(rects[:, 3] - rects[:, 1])
    left, right = rects[:, 0].min(), rects[:, 2].max()
    return {
        number
        for number in range(1, len(bands) - 1)
        if len(bands[number]) == 1
        and min(len(bands[number - 1]), len(bands[number + 1])) >= 3
        and min(white[number - 1], white[number]) > limit
        and abs(rects[bands[number][0], ::2].sum() - left - right) <= 2 * CENTRED * (right - left)
    }


def _all_shared(gaps: list[Intervals], min_gap: float) -> Intervals:
    return reduce(lambda ours, others: _shared(ours, others, min_gap), gaps)


def _closes(rects: Rects, part: Indices, common: Intervals, band: Indices, own: Intervals, shared: Intervals) -> bool:
    """Whether a band has none of the gaps of the part before it: of their gaps they share none that parts lines."""
    parted = _parting(own, rects[band]) or _parting(common, rects[part])
    return bool(parted) and not _parting(shared, rects[np.append(part, band)])


def _is_apart(rects: Rects, bands: list[Indices], gaps: list[Intervals], min_gap: float) -> bool:
    """Whether the first of some bands, from the top or from the bottom, is a header or footer, and in no column.

    It is if it stands off from the columns next to it: the bands that follow it as long as they share a gap.
    """
    if len(bands) == 1:
        return False
    edge, block, common = rects[bands[0]], bands[1], gaps[1]
    for band, own in zip(bands[2:-1], gaps[2:-1], strict=True):  # the last one may stand off itself
        shared = _shared(common, own, min_gap)
        if _closes(rects, block, common, band, own, shared):
            break
        block, common = np.append(block, band), shared
    height = np.median(np.append(edge[:, 3] - edge[:, 1], rects[block, 3] - rects[block, 1]))
    columns = [rects[column] for column in _split(rects, block, _parting(common, rects[block]))]
    away = [max(edge[:, 1].min() - column[:, 3].max(), column[:, 1].min() - edge[:, 3].max()) for column in columns]
    # Only the columns that reach down to it, or up, tell how far apart lines are there.
    inner = [whites(column) for column, white in zip(columns, away, strict=True) if white <= min(away) + height]
    inside = np.concatenate(inner).max(initial=-np.inf)
    return bool(min(away) > FAR * height or (len(np.concatenate(inner)) > 1 and min(away) > inside + FARTHER * height))


def whites(column: Rects) -> npt.NDArray[np.float64]:
    """(N - 1,) the white below each line of a column down to the next; below zero where they overlap."""
    lines = column[np.argsort(column[:, 1], kind="stable")]
    return np.asarray(lines[1:, 1] - np.maximum.accumulate(lines[:, 3])[:-1])


def _parting(gaps: Intervals, lines: Rects) -> Intervals:
    """The gaps that have lines on both sides."""
    first, last = lines[:, 0].min(), lines[:, 2].max()
    return [(left, right) for left, right in gaps if first < left and right < last]


def _bands(rects: Rects) -> Iterator[Indices]:
    """Indices of lines that overlap in height, from the top; slight overlaps of neighbouring lines do not count."""
    height = rects[:, 3] - rects[:, 1]
    top, bottom = rects[:, 1] + height / 4, rects[:, 3] - height / 4
    order = np.argsort(top, kind="stable")
    reach = np.maximum.accumulate(bottom[order])
    starts = np.flatnonzero(top[order][1:] >= reach[:-1]) + 1
    yield from np.split(order, starts)


def _gaps(band: Rects, page: Rects, min_gap: float) -> Intervals:
    """White intervals of x in a band, those at the page's edges included, each at least `min_gap` wide."""
    order = np.argsort(band[:, 0])
    edges = [(float(page[:, 0].min()), float(page[:, 0].min()))]
    for left, right in band[order][:, (0, 2)].tolist():
        if left <= edges[-1][1]:
            edges[-1] = edges[-1][0], max(edges[-1][1], right)
        else:
            edges.append((left, right))
    edges.append((float(page[:, 2].max()), float(page[:, 2].max())))
    between = [(end, start) for (_, end), (start, _) in pairwise(edges)]
    return [(left, right) for left, right in between if right - left >= min_gap]


def _shared(ours: Intervals, others: Intervals, min_gap: float) -> Intervals:
    """What two lists of intervals have in common, each at least `min_gap` wide."""
    met = [(max(a, c), min(b, d)) for a, b in ours for c, d in others]
    return [(left, right) for left, right in met if right - left >= min_gap]


def _split(rects: Rects, part: Indices, gaps: Intervals) -> list[Indices]:
    """The lines of a part by the gaps between them, from left to right."""
    middle = (rects[part, 0] + rects[part, 2]) / 2
    column = np.searchsorted(sorted(right for _, right in gaps), middle)
    return [part[column == number] for number in np.unique(column)]
