"""perf_analyzer: what is handed to it, what it reports, and what is said where it cannot run."""

import json
import shutil
from pathlib import Path

import pytest

from ocr_bench.errors import BenchError, UnavailableError
from ocr_bench.measurements.load import Load, Sweep
from ocr_bench.measurements.perf_analyzer import Point, find, link_libraries, parse_report
from onnxruntime_backend.precision import Precision

MODELS = Path(__file__).resolve().parents[2] / "model_repository"
REPORT = """Concurrency,Inferences/Second,Client Send,p50 latency,p90 latency,p95 latency,p99 latency,Avg latency
2,1.5,282,1316915,1726019,1800836,2114641,1362775
1,0.7,282,1000,2000,3000,4000,1500
"""


def test_report_is_sorted_by_concurrency() -> None:
    first, second = parse_report(REPORT, "http")
    assert first == Point("http", 1, 0.7, 1500, 1000, 2000, 3000, 4000)
    assert second.concurrency == 2


def test_a_report_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(BenchError, match="p99 latency"):
        parse_report(REPORT.replace("p99 latency", "p98 latency"), "http")


def test_the_table_keeps_protocols_together_and_the_figure_has_a_curve_of_each(tmp_path: Path) -> None:
    (tmp_path / "ocr" / "1").mkdir(parents=True)
    summary = {"name": "mine", "classes": 3, "files": {}}
    (tmp_path / "ocr" / "1" / "model_set.json").write_text(json.dumps(summary), encoding="utf-8")
    for model in ("det", "rec"):
        shutil.copytree(MODELS / model, tmp_path / model)
    points = [Point(protocol, flights, 1.0, 1, 2000, 3, 4, 5) for protocol in ("grpc", "http") for flights in (1, 2)]
    load, found = (
        Load(pictures=[Path("a.jpg")], model_repository=tmp_path, precision=Precision.F32),
        Sweep(3, 3, points),
    )
    assert [row[:2] for row in load.table(found).rows] == [("grpc", 1), ("grpc", 2), ("http", 1), ("http", 2)]
    (axes,) = load.figure(found).axes
    assert axes.get_title() == "mine, cpu, f32: 3 pictures"
    assert {line.get_label(): line.get_ydata().tolist() for line in axes.get_lines()} == {
        "grpc": [2.0, 2.0],
        "http": [2.0, 2.0],
    }


def test_the_real_one_starts_with_the_libraries_of_the_environment(tmp_path: Path) -> None:
    analyzer = find(tmp_path / "lib")
    assert "2.51" in analyzer.run(["--version"], 60)
    assert (tmp_path / "lib" / "libb64.so.0d").exists()


def test_libraries_are_linked_anew_where_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "libb64.so.0d").symlink_to(tmp_path / "gone")
    for _ in range(2):
        link_libraries(tmp_path)
        assert (tmp_path / "libb64.so.0d").is_file()


def test_without_the_program_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"tritonclient==2\.51\.0"):
        find(tmp_path / "lib")


def test_a_failing_run_says_what_perf_analyzer_said(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="perf_analyzer ended with code"):
        find(tmp_path / "lib").run(["--no-such-option"], 60)
