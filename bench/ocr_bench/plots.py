"""Figures of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.figure import Figure


def stacked_bars(rows: Mapping[str, Mapping[str, float | None]], parts: Sequence[str], title: str) -> Figure:
    """Draw one horizontal bar a row, cut into parts (ms), the sum written at its end."""
    figure = Figure(figsize=(11, 1.4 + 0.6 * len(rows)), layout="constrained")
    axes = figure.subplots()
    colours = colormaps["tab20"]
    left = [0.0] * len(rows)
    for number, part in enumerate(parts):
        widths = [max(row.get(part) or 0.0, 0.0) for row in rows.values()]
        axes.barh(list(rows), widths, left=left, label=part, color=colours(number))
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, end in enumerate(left):
        axes.text(end, place, f" {end:.0f}", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.08)
    axes.set(xlabel="ms a picture", title=title)
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    return figure


def throughput_latency(curves: Mapping[str, Sequence[tuple[int, float, float]]], title: str) -> Figure:
    """Draw latency over throughput.

    Args:
        curves: by name, points (requests in flight, images per second, latency in ms).
        title: above the figure.
    """
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        _, rates, latencies = zip(*points, strict=True)
        axes.plot(rates, latencies, marker="o", label=name)
        for in_flight, rate, latency in points:
            axes.annotate(str(in_flight), (rate, latency), textcoords="offset points", xytext=(5, 5), fontsize="small")
    axes.set(xlabel="images/s", ylabel="latency, ms", title=title)
    every = [point for points in curves.values() for point in points]
    axes.set_xlim(0, 1.08 * max(point[1] for point in every))  # room for the numbers beside the outermost points
    axes.set_ylim(0, 1.08 * max(point[2] for point in every))
    axes.grid(alpha=0.3)
    axes.legend(title="numbers: requests in flight")
    return figure


def over_time(
    memory: Sequence[tuple[float, float]],
    ends_s: Sequence[float],
    bin_s: float,
    marks: Sequence[tuple[float, str]],
    title: str,
) -> Figure:
    """Draw a server's memory, and below it its good answers a second, over the time of a run.

    Args:
        memory: points (seconds, MiB).
        ends_s: seconds at which answers came.
        bin_s: seconds over which they are counted together.
        marks: (seconds, name) of what happened; a line through both parts.
        title: above the figure.
    """
    figure = Figure(figsize=(11, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.plot([at_s / 60 for at_s, _ in memory], [mib for _, mib in memory], linewidth=1)
    upper.set(ylabel="memory, MiB", title=title, ylim=(0, 1.15 * max([mib for _, mib in memory], default=1.0)))
    bins = range(int(max(ends_s, default=0.0) // bin_s) + 1)
    rates = [sum(number * bin_s <= end < (number + 1) * bin_s for end in ends_s) / bin_s for number in bins]
    edges_min = [number * bin_s / 60 for number in (*bins, len(bins))]
    lower.stairs(rates, edges_min, fill=True, alpha=0.6)
    lower.set(xlabel="minutes", ylabel="good answers a second")
    colours = colormaps["tab10"]
    names = list(dict.fromkeys(name.partition(":")[0] for _, name in marks))
    for at_s, name in marks:
        kind = names.index(name.partition(":")[0])
        for axes in (upper, lower):
            axes.axvline(at_s / 60, color=colours(kind + 1), linewidth=1, label=names[kind])
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    if marks:
        labelled = dict(zip(*reversed(upper.get_legend_handles_labels()), strict=True))
        figure.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=3)
    return figure
