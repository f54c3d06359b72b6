"""Tables of what was measured and of what the simulation says."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ocr_bench.report import Cell, Table
from ocr_bench.scaling.planning import cpu_s
from ocr_bench.scaling.record import Record
from ocr_bench.scaling.simulation import Outcome

_MB = 1e6


def kinds_table(record: Record) -> Table:
    """What a page takes, alone, one row a kind of document."""
    header = (
        "kind",
        "pictures",
        "MB a file",
        "ms a page, mean",
        "shortest",
        "longest",
        "CPU ms a page",
        "pages/s at most",
    )
    rows: list[tuple[Cell, ...]] = []
    for kind in record.kinds:
        walls_ms = [1000 * page.wall_s for page in kind.pages]
        rows.append(
            (
                kind.name,
                len(kind.pages),
                fmean(page.file_bytes for page in kind.pages) / _MB,
                *(round(ms) for ms in (fmean(walls_ms), min(walls_ms), max(walls_ms), 1000 * cpu_s(kind))),
                record.cores / cpu_s(kind),
            )
        )
    return Table(header, tuple(rows))


def agreement_table(record: Record, outcomes: Sequence[Outcome]) -> Table:
    """What was measured under load, and what the simulation says of the same requests."""
    header = ("load", "pages/s", "simulated", "p50, s", "simulated", "p95, s", "simulated", "others, % of the cores")
    rows: list[tuple[Cell, ...]] = []
    for point, outcome in zip(record.points, outcomes, strict=True):
        is_closed = point.mode == "closed"
        load = f"{point.level:.0f} in flight" if is_closed else f"{point.level:.2f} a second at random"
        found = outcome.summary
        pairs = (point.pages_per_s, found.pages_per_s), (point.p50_s, found.p50_s), (point.p95_s, found.p95_s)
        rows.append((load, *(value for pair in pairs for value in pair), round(100 * point.others, 1)))
    return Table(header, tuple(rows))


def loads_table(records: Sequence[Record], loads: Sequence[Sequence[Outcome]], parts: Sequence[float]) -> Table:
    """One server under loads that are parts of what it reads at most: how many requests are under way, and latency."""
    header = ("model set", "load, % of the most", "pages/s", "under way", "p50, s", "p95, s", "refused")
    rows: list[tuple[Cell, ...]] = []
    for record, outcomes in zip(records, loads, strict=True):
        for part, outcome in zip(parts, outcomes, strict=True):
            found = outcome.summary
            latencies = (found.p50_s, found.p95_s)
            rows.append(
                (record.model_set, round(100 * part), found.pages_per_s, outcome.under_way, *latencies, outcome.refused)
            )
    return Table(header, tuple(rows))
