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
