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

from ocr_pipeline.stages.reading_order.rows import by_rows, rows_of

MIN_GAP = 0.7  # of a line's median height: narrower white space parts words, not columns
FAR = 1.2  # of a line's median height: a first or last line that far off is a header or footer, in no column
MIN_LINES = 3  # of a column of running text
MIN_LINE_LENGTH = 9  # of a line's height: lines of a column of running text are longer, table cells shorter
MAX_PIECES = 1.25  # boxes a row of running text; a form has labels and values beside each other
MIN_FILL = 0.75  # of a column's width: running text fills its column, the cells of a table do not
MIN_PROSE = 0.75  # of the lines of a part: that many stand in columns of running text

Rects = npt.NDArray[np.float64]  # (N, 4): left, top, right and bottom in the level frame
Intervals = list[tuple[float, float]]


def by_columns(rects: Rects, accept: Callable[[list[Rects]], bool]) -> npt.NDArray[np.intp]:
    """The permutation that sorts rectangles (N, 4) column by column where `accept` takes the columns for such."""
    order: list[npt.NDArray[np.intp]] = []
    waiting: list[npt.NDArray[np.intp]] = []  # bands without columns, to be ordered row by row together
    min_gap = MIN_GAP * float(np.median(rects[:, 3] - rects[:, 1]))

    def flush() -> None:
        if waiting:
            lines = np.concatenate(waiting)
            order.append(lines[by_rows(rects[lines])])
            waiting.clear()

    for part, gaps in _parts(rects, min_gap):
        columns = _split(rects, part, gaps)
        if len(columns) > 1 and accept([rects[column] for column in columns]):
            flush()
            order += [column[by_columns(rects[column], accept)] for column in columns]
        else:
            waiting.append(part)
    flush()
    return np.concatenate(order)


def is_prose(columns: list[Rects]) -> bool:
    """Whether most lines stand in columns of running text, and those in more than one."""
    prose = [len(column) for column in columns if _is_running_text(column)]
    return len(prose) > 1 and sum(prose) >= MIN_PROSE * sum(map(len, columns))


def _is_running_text(column: Rects) -> bool:
    """Whether the rows of a column are mostly one long line each, of about the column's width."""
    row = rows_of(column)
    length = np.bincount(row, column[:, 2] - column[:, 0])
    width = column[:, 2].max() - column[:, 0].min()
    height = np.median(column[:, 3] - column[:, 1])
    return bool(
        len(length) >= MIN_LINES
        and len(column) <= MAX_PIECES * len(length)
        and np.median(length) >= max(MIN_LINE_LENGTH * height, MIN_FILL * width)
    )


def _parts(rects: Rects, min_gap: float) -> Iterator[tuple[npt.NDArray[np.intp], Intervals]]:
    """Lines of each part of the page from the top, and the gaps that part them from left to right."""
    bands = list(_bands(rects))
    gaps = [_gaps(rects[band], rects, min_gap) for band in bands]
    first, common = 0, gaps[0]  # of the part: its first band, and what all of its bands leave white
    for number, band in enumerate(bands[1:], 1):
        part = np.concatenate(bands[first:number])
        shared = _shared(common, gaps[number], min_gap)
        own = _parting(gaps[number], rects[band])
        closes = (own or _parting(common, rects[part])) and not _parting(shared, rects[np.append(part, band)])
        alone = (number == 1 and len(part) == 1) or (number == len(bands) - 1 and len(band) == 1)
        if not closes and not (alone and _is_far(rects[part], rects[band])):
            common = shared
            continue
        begin, common = number, gaps[number]
        # Rows above that go on into the new part belong to it, not below the heading that stands over both.
        while own and begin - 1 > first and _shared(_parting(gaps[begin - 1], rects[bands[begin - 1]]), own, min_gap):
            begin -= 1
            common, own = _shared(common, gaps[begin], min_gap), _shared(gaps[begin], own, min_gap)
        lines = np.concatenate(bands[first:begin])
        yield lines, _parting(_all_shared(gaps[first:begin], min_gap), rects[lines])
        first = begin
    lines = np.concatenate(bands[first:])
    yield lines, _parting(common, rects[lines])


def _all_shared(gaps: list[Intervals], min_gap: float) -> Intervals:
    return reduce(lambda ours, others: _shared(ours, others, min_gap), gaps)


def _is_far(above: Rects, below: Rects) -> bool:
    """Whether the white between two groups of lines is that of a header or footer."""
    lines = np.concatenate([above, below])
    return bool(below[:, 1].min() - above[:, 3].max() > FAR * np.median(lines[:, 3] - lines[:, 1]))


def _parting(gaps: Intervals, lines: Rects) -> Intervals:
    """The gaps that have lines on both sides."""
    first, last = lines[:, 0].min(), lines[:, 2].max()
    return [(left, right) for left, right in gaps if first < left and right < last]


def _bands(rects: Rects) -> Iterator[npt.NDArray[np.intp]]:
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


def _split(rects: Rects, part: npt.NDArray[np.intp], gaps: Intervals) -> list[npt.NDArray[np.intp]]:
    """The lines of a part by the gaps between them, from left to right."""
    middle = (rects[part, 0] + rects[part, 2]) / 2
    column = np.searchsorted(sorted(right for _, right in gaps), middle)
    return [part[column == number] for number in np.unique(column)]
