"""A figure of what was measured under load, and of what the simulation makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from ocr_bench.scaling.record import Record
from ocr_bench.scaling.simulation import Outcome


def agreement(records: Sequence[Record], outcomes: Sequence[Sequence[Outcome]]) -> Figure:
    """Draw latency under the loads that were measured, and, dashed, what the simulation says of them.

    Args:
        records: one row of axes each, requests in flight on the left, requests at random times on the right.
        outcomes: of the simulation, for each point of each record.
    """
    drawing = Figure(figsize=(11, 4 * len(records)), layout="constrained")
    rows = drawing.subplots(len(records), 2, squeeze=False)
    for row, record, simulated in zip(rows, records, outcomes, strict=True):
        for axes, mode, what in zip(row, ("closed", "open"), ("requests in flight", "requests a second"), strict=True):
            points = [(at, came) for at, came in zip(record.points, simulated, strict=True) if at.mode == mode]
            levels = [point.level for point, _ in points]
            for number, name in enumerate(("p50_s", "p95_s")):
                label, colour = name.removesuffix("_s"), f"C{number}"
                measured = [getattr(point, name) for point, _ in points]
                axes.plot(levels, measured, marker="o", color=colour, label=f"{label}, measured")
                came = [getattr(outcome.summary, name) for _, outcome in points]
                axes.plot(levels, came, marker="x", linestyle="--", color=colour, label=f"{label}, simulated")
            axes.set(xlabel=what, ylabel="latency, s", title=record.model_set, ylim=(0, None))
            axes.grid(alpha=0.3)
            axes.legend(fontsize="small")
    return drawing
