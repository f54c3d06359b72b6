"""What each command of ocr-bench does: start what it needs, measure, write tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from ocr_bench import accuracy, callers, endurance, floor, lines, load, perf_analyzer, plots, stages, trace
from ocr_bench.inprocess import InProcess
from ocr_bench.labels import find_pictures, read_dataset
from ocr_bench.machine import this_machine
from ocr_bench.progress import bar
from ocr_bench.report import write_section
from ocr_bench.server import running_server
from ocr_bench.subject import Subject


def run_stages(data: Sequence[Path], limit: int | None, subject: Subject, repeats: int, name: str, out: Path) -> str:
    """Measure the per-stage table; give it as Markdown."""
    pictures = find_pictures(list(data), limit)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{name}.trace.json"
    with TemporaryDirectory(prefix="ocr-bench-") as folder:
        file = Path(folder) / "trace.json"
        with running_server(subject, out / f"{name}.server.log", trace.trace_arguments(file)) as server:
            ways = callers.callers(server.http, server.grpc)
            try:
                pipeline = InProcess(subject)
                with bar(len(pictures), "stages") as tell:
                    outcome = stages.run(ways, pipeline, server.metrics, pictures, repeats, tell)
                models = trace.statistics(server.http)
            finally:
                for way in ways:
                    way.close()
        rows = stages.averages(outcome, trace.read_traces(file))
    stages.check(rows)
    found = stages.table(rows)
    found.write_csv(out / f"{name}.csv")
    with_published: dict[str, dict[str, float | None]] = {row: dict(values) for row, values in rows.items()}
    for row, values in stages.PUBLISHED.items():
        with_published[row] = dict(zip(stages.COLUMNS, values, strict=True))
    title = f"Where a picture's time goes ({len(pictures)} pictures, {repeats} times each)"
    plots.stacked_bars(with_published, stages.PARTS, title, out / f"{name}.png")
    parts = [
        subject.title("Stages"),
        f"Mean over {len(pictures)} pictures, {repeats} times each, rows taking turns.",
        found.markdown(),
        "*server total* and *idle* as Paddle Serving uses them: the six stages of det and rec, and the rest. "
        "*between stages* is the server's time outside all stages; the published table has no such column. The "
        "published rows are context and no comparison of equals: Tesla V100, 500 pictures of RCTW, PP-OCR of its day.",
        f"![stages]({name}.png)",
    ]
    result = {
        "pictures": len(pictures),
        "repeats": repeats,
        "rows": rows,
        "models": [asdict(model) for model in models],
    }
    return write_section(out, name, parts, result, this_machine()).read_text(encoding="utf-8")


def run_load(
    data: Sequence[Path],
    limit: int | None,
    subject: Subject,
    concurrencies: Sequence[int],
    protocols: Sequence[str],
    requests: int | None,
    name: str,
    out: Path,
) -> str:
    """Sweep the number of requests in flight; give the table as Markdown."""
    pictures = find_pictures(list(data), limit)
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="ocr-bench-") as folder:
        analyzer = perf_analyzer.find(Path(folder))
        with running_server(subject, out / f"{name}.server.log") as server:
            addresses = {protocol: {"http": server.http, "grpc": server.grpc}[protocol] for protocol in protocols}
            window = requests or len(pictures)
            with bar(len(concurrencies) * len(protocols), "load") as tell:
                points = load.sweep(analyzer, addresses, pictures, concurrencies, window, tell)
    found = load.table(points)
    found.write_csv(out / f"{name}.csv")
    title = f"{subject.label}: {len(pictures)} pictures"
    plots.throughput_latency(load.curves(points), title, out / f"{name}.png")
    parts = [
        subject.title("Load"),
        f"perf_analyzer, {len(pictures)} pictures over and over, windows of {window} requests.",
        found.markdown(),
        f"![load]({name}.png)",
    ]
    return write_section(out, name, parts, [asdict(point) for point in points], this_machine()).read_text("utf-8")


def run_accuracy(
    data: Sequence[Path],
    subjects: Sequence[Subject],
    url: str | None,
    name: str,
    out: Path,
) -> str:
    """Score labelled sets, with a running server where `url` is given, else in this process."""
    datasets = [read_dataset(folder) for folder in data]
    rows = []
    steps = sum(len(dataset.pages) for dataset in datasets) * (1 if url else len(subjects))
    with bar(steps, "accuracy") as tell:
        if url:
            rows += accuracy.measure(datasets, accuracy.over_http(url), f"server at {url}", "as served", tell)
        else:
            for subject in subjects:
                rows += accuracy.measure_in_process(datasets, subject, tell)
    found = accuracy.table(rows)
    out.mkdir(parents=True, exist_ok=True)
    found.write_csv(out / f"{name}.csv")
    parts = ["### Accuracy", found.markdown()]
    return write_section(out, name, parts, [asdict(row) for row in rows], this_machine()).read_text("utf-8")


def run_floor(data: Sequence[Path], limit: int | None, subject: Subject, repeats: int, name: str, out: Path) -> str:
    """Compare a request with its models alone; give the table as Markdown."""
    pictures = find_pictures(list(data), limit)
    out.mkdir(parents=True, exist_ok=True)
    with running_server(subject, out / f"{name}.server.log") as server:
        pipeline = InProcess(subject)
        with bar(len(pictures), "floor") as tell:
            floors = floor.measure(pictures, server.http, pipeline, repeats, tell)
    found = floor.table(floors)
    found.write_csv(out / f"{name}.csv")
    parts = [
        subject.title("Floor"),
        f"One request in flight over HTTP, and det and rec alone in one process on the same tensors; medians of "
        f"{repeats} repeats, taking turns; means over pictures.",
        found.markdown(),
    ]
    return write_section(out, name, parts, [asdict(one) for one in floors], this_machine()).read_text("utf-8")


def run_endurance(data: Sequence[Path], subject: Subject, requests: int, in_flight: int, name: str, out: Path) -> str:
    """Watch a server from its start over many requests; give the table as Markdown."""
    pictures = find_pictures(list(data))
    out.mkdir(parents=True, exist_ok=True)
    with (
        running_server(subject, out / f"{name}.server.log") as server,
        bar(requests, "endurance") as tell,
    ):
        found = endurance.measure(server, pictures, requests, in_flight, tell)
    endurance.table(found).write_csv(out / f"{name}.csv")
    parts = [
        subject.title("Endurance"),
        f"One server from its start; the first request after ready beside the median of the next {endurance.STEADY}; "
        f"then {requests} requests over {len(pictures)} pictures. PSS is of the whole process tree.",
        endurance.table(found).markdown(),
    ]
    return write_section(out, name, parts, found.as_dict(), this_machine()).read_text("utf-8")


def run_lines(counts: Sequence[int], subject: Subject, repeats: int, name: str, out: Path) -> str:
    """Time pages of more and more lines; give the table as Markdown."""
    out.mkdir(parents=True, exist_ok=True)
    with (
        running_server(subject, out / f"{name}.server.log") as server,
        bar(len(counts) * (repeats + 1), "lines") as tell,
    ):
        points = lines.measure(server.http, counts, repeats, tell)
    found = lines.table(points)
    found.write_csv(out / f"{name}.csv")
    parts = [
        subject.title("Lines of a page"),
        f"Drawn pages of {lines.PAGE_PX} x {lines.PAGE_PX} pixels over HTTP, one in flight; medians of {repeats}.",
        found.markdown(),
    ]
    return write_section(out, name, parts, [asdict(point) for point in points], this_machine()).read_text("utf-8")
