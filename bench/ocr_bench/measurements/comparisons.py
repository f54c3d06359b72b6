"""Bootstrap intervals and comparisons, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ocr_bench.report import Cell, Table
from ocr_bench.scoring.bootstrap import LEVEL, Interval
from ocr_bench.scoring.comparison import EXACT_LINES, TOKEN_F1, Comparison, Difference

INTERVAL = f"{100 * LEVEL:.0f} %"
METRICS = (TOKEN_F1, EXACT_LINES)
UNDER_VERDICTS = (TOKEN_F1, "", EXACT_LINES, "")


def bracketed(interval: Interval | None) -> str | None:
    """Write an interval."""
    return None if interval is None else f"[{interval.low:.3f}, {interval.high:.3f}]"


def signed(difference: Difference) -> str:
    """Write a difference and its interval."""
    interval = difference.interval
    return f"{difference.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def verdicts(differences: Mapping[str, Difference]) -> list[Cell]:
    """Each metric's difference and verdict; None twice where there is none."""
    cells: list[Cell] = []
    for metric in METRICS:
        found = differences.get(metric)
        cells += [signed(found), found.verdict] if found else [None, None]
    return cells


def difference_table(comparisons: Sequence[Comparison]) -> Table:
    """One row a set and comparison; sets together. There is at least one comparison."""
    rows = tuple(
        (name, each.subject, each.against, *verdicts(each.sets[name]))
        for name in comparisons[0].sets
        for each in comparisons
    )
    return Table(("set", "subject", "against", *UNDER_VERDICTS), rows)


def mean_table(comparisons: Sequence[Comparison]) -> Table:
    """One row a comparison: the mean over the sets."""
    rows = tuple((each.subject, each.against, *verdicts(each.mean)) for each in comparisons)
    return Table(("", "against", *UNDER_VERDICTS), rows)


def rule_table(comparisons: Sequence[Comparison]) -> Table:
    """One row a comparison: the mean over the sets, the sets that are lower, and whether the subject passes."""
    rows: list[tuple[Cell, ...]] = []
    for each in comparisons:
        lower = ", ".join(f"{name} ({metric})" for name, metric in each.lower_sets)
        means = [signed(each.mean[metric]) if metric in each.mean else None for metric in METRICS]
        rows.append((each.subject, each.against, *means, lower or "none", "yes" if each.passes else "no"))
    of_means = [f"mean {metric}" for metric in METRICS]
    return Table(("subject", "against", *of_means, "sets that are lower", "may be the default"), tuple(rows))
