"""Pictures of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt


def stacked_bars(rows: Mapping[str, Mapping[str, float | None]], parts: Sequence[str], title: str, path: Path) -> None:
    """Draw one horizontal bar a row, cut into parts (ms), the sum written at its end."""
    figure, axes = plt.subplots(figsize=(11, 1.4 + 0.6 * len(rows)), layout="constrained")
    colours = plt.get_cmap("tab20")
    names = list(rows)
    left = [0.0] * len(names)
    for number, part in enumerate(parts):
        widths = [max(rows[name].get(part) or 0.0, 0.0) for name in names]
        axes.barh(names, widths, left=left, label=part, color=colours(number))
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, end in enumerate(left):
        axes.text(end, place, f" {end:.0f}", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.08)
    axes.set_xlabel("ms a picture")
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def throughput_latency(curves: Mapping[str, Sequence[tuple[int, float, float]]], title: str, path: Path) -> None:
    """Draw latency over throughput.

    Args:
        curves: by name, points (requests in flight, images per second, latency in ms).
        title: above the picture.
        path: the PNG.
    """
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, points in curves.items():
        rates, latencies = [point[1] for point in points], [point[2] for point in points]
        axes.plot(rates, latencies, marker="o", label=name)
        for in_flight, rate, latency in points:
            axes.annotate(str(in_flight), (rate, latency), textcoords="offset points", xytext=(5, 5), fontsize="small")
    axes.set_xlabel("images/s")
    axes.set_ylabel("latency, ms")
    every = [point for points in curves.values() for point in points]
    axes.set_xlim(0, 1.08 * max(point[1] for point in every))  # room for the numbers beside the outermost points
    axes.set_ylim(0, 1.08 * max(point[2] for point in every))
    axes.grid(alpha=0.3)
    axes.legend(title="numbers: requests in flight")
    axes.set_title(title)
    figure.savefig(path, dpi=120)
    plt.close(figure)
