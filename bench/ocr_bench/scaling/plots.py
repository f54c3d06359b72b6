"""Figures of how a server tells its load."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from ocr_bench.scaling.exported import FIGURES, LATENCY, PROCESSOR, UNDER_WAY, Scrape
from ocr_bench.scaling.levels import Level

WINDOW = 6  # scrapes over which a rate is computed, in the right half
LEAST = 0.01  # what is drawn for nothing, where the axis is logarithmic


def load_figures(levels: Sequence[Level], scrapes: Sequence[Scrape], title: str) -> Drawing:
    """Draw, on the left, each figure over requests in flight, dashed on the way back; on the right, three over time.

    Args:
        levels: in their order.
        scrapes: oldest first.
        title: above the figure.
    """
    drawing = Drawing(figsize=(13, 6), layout="constrained")
    left, right = drawing.subplots(1, 2)
    drawing.suptitle(title)
    for number, name in enumerate(figure.name for figure in FIGURES):
        for is_falling in (False, True):
            way = [level for level in levels if level.is_falling == is_falling]
            left.plot(
                [level.in_flight for level in way],
                [max(level.figures[name], LEAST) for level in way],
                color="black" if name == LATENCY.name else f"C{number % 10}",
                linestyle="--" if is_falling else "-",
                linewidth=2.5 if name in (UNDER_WAY.name, LATENCY.name) else 1,
                marker="os^vDP*Xhd<"[number % 11],
                label=None if is_falling else name,
            )
    left.set(xscale="log", yscale="log", xlabel="requests in flight")
    ticks = sorted({level.in_flight for level in levels})
    left.set_xticks(ticks, [str(tick) for tick in ticks])
    left.yaxis.set_major_formatter("{x:g}")  # no powers, whose font may be missing
    left.minorticks_off()
    left.grid(alpha=0.3)
    drawing.legend(loc="outside lower center", ncols=3, fontsize="small")
    over_time(right, levels, scrapes)
    return drawing


def over_time(axes: Axes, levels: Sequence[Level], scrapes: Sequence[Scrape]) -> None:
    """Draw the chosen figure, latency and processor use over the time of a run, each as a part of its largest value."""
    began_s = levels[0].began_s
    stretches = [scrapes[max(0, end - WINDOW) : end + 1] for end in range(1, len(scrapes))]
    times_s = [stretch[-1].at_s - began_s for stretch in stretches]
    axes.stairs(
        [level.in_flight for level in levels],
        [*(level.began_s - began_s for level in levels), levels[-1].ended_s - began_s],
        fill=True,
        alpha=0.15,
        color="black",
        label="requests in flight",
    )
    most = max(level.in_flight for level in levels)
    for figure in (UNDER_WAY, LATENCY, PROCESSOR):
        values = [figure.over(stretch) for stretch in stretches]
        scale = 1.0 if figure is UNDER_WAY else most / max([*values, LEAST])
        axes.plot(
            times_s,
            [scale * value for value in values],
            linewidth=2.5 if figure is UNDER_WAY else 1,
            label=figure.name if figure is UNDER_WAY else f"{figure.name}, largest: {max(values, default=0):.3g}",
        )
    axes.set(xlabel="seconds", ylabel="requests; the others as parts of their largest value", ylim=(0, 1.4 * most))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", ncols=2, fontsize="small")
