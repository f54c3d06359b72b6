"""perf_analyzer as users start it: what `ocr-bench perf-input` writes, and the command lines of docs/benchmarks.md."""

import base64
import json
import re
import shlex
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ocr_bench.cli import app
from ocr_bench.errors import BenchError
from ocr_bench.measurements.perf_input import Endpoint, Form, write_input

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
LIMIT_S = 120


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three small pictures, so that a request takes little."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        picture = np.full((32 + 8 * number, 120, 3), 255, np.uint8)
        cv2.putText(picture, f"No. {number}7", (6, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return sorted(folder.iterdir())


def entries(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text(encoding="utf-8"))["data"]


@pytest.mark.parametrize("endpoint", [Endpoint.OCR, Endpoint.DETECTION])
def test_a_picture_is_a_request_with_its_length_before_its_bytes(
    pictures: list[Path], tmp_path: Path, endpoint: Endpoint
) -> None:
    file = tmp_path / "new" / "input.json"
    assert write_input(pictures, file, endpoint) == 3
    for entry, path in zip(entries(file), pictures, strict=True):
        assert entry.keys() == {"image"}
        assert entry["image"]["shape"] == [1]
        content = path.read_bytes()
        assert base64.b64decode(entry["image"]["b64"]) == struct.pack("<I", len(content)) + content


def test_lines_share_requests_and_the_last_one_has_what_is_left(pictures: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    assert write_input(pictures, file, Endpoint.RECOGNITION, lines=2) == 2
    first, last = (entry["images"] for entry in entries(file))
    assert (first["shape"], last["shape"]) == ([2], [1])
    contents = [path.read_bytes() for path in pictures]
    packed = [struct.pack("<I", len(content)) + content for content in contents]
    assert base64.b64decode(first["b64"]) == packed[0] + packed[1]
    assert base64.b64decode(last["b64"]) == packed[2]


def test_generate_gets_the_json_body_with_base64_text(pictures: list[Path], tmp_path: Path) -> None:
    texts = [base64.b64encode(path.read_bytes()).decode() for path in pictures]
    write_input(pictures, tmp_path / "page.json", form=Form.GENERATE)
    assert entries(tmp_path / "page.json") == [{"payload": [{"image": text}]} for text in texts]
    write_input(pictures, tmp_path / "lines.json", Endpoint.RECOGNITION, Form.GENERATE, lines=2)
    assert entries(tmp_path / "lines.json") == [
        {"payload": [{"images": texts[:2]}]},
        {"payload": [{"images": texts[2:]}]},
    ]


def test_what_the_server_would_refuse_is_refused_by_name(pictures: list[Path], tmp_path: Path) -> None:
    pictures[1].write_bytes(pictures[1].read_bytes()[:60])
    with pytest.raises(BenchError, match=rf"^{re.escape(str(pictures[1]))}: "):
        write_input(pictures, tmp_path / "input.json")
    assert not (tmp_path / "input.json").exists()


def test_several_lines_are_for_text_recognition_alone(pictures: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="only text_recognition takes several lines"):
        write_input(pictures, tmp_path / "input.json", Endpoint.DETECTION, lines=2)


def test_a_file_that_cannot_be_written_is_an_error_of_one_line(pictures: list[Path], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["perf-input", str(pictures[0]), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr == f"ocr-bench: {tmp_path} cannot be read or written: Is a directory\n"


def counts(server: Any) -> tuple[int, int]:
    """Requests to `ocr` that were answered, and that failed."""
    with urllib.request.urlopen(f"http://{server.http_url}/v2/models/ocr/stats", timeout=30) as answer:
        (stats,) = json.load(answer)["model_stats"]
    return stats["inference_stats"]["success"]["count"], stats["inference_stats"]["fail"]["count"]


def test_the_command_lines_of_the_page_are_answered_without_errors(
    server: Any, pictures: list[Path], tmp_path: Path
) -> None:
    """Windows are short and need not agree, since the machine may be busy; only the range has any, to save time."""
    (code,) = re.findall(r"^```bash\n(export LD_LIBRARY_PATH.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    for form in Form:
        name = {Form.TENSOR: "ocr", Form.GENERATE: "generate"}[form]
        write_input(pictures, tmp_path / "build" / "perf" / f"{name}.json", form=form)
    for stated, short in (
        (r"--measurement-request-count \d+", "--measurement-request-count 1"),
        (r"--stability-percentage \d+", "--stability-percentage 1000"),
        (r"--concurrency-range 1:8", "--concurrency-range 1:2"),
        (r"\$windows --concurrency-range 4", "--request-count 4 --concurrency-range 4"),
        (r"\.venv/bin/", shlex.quote(str(Path(sys.prefix) / "bin")) + "/"),
        (r"localhost:8000", server.http_url),
        (r"localhost:8001", server.grpc_url),
    ):
        code, found = re.subn(stated, short, code)
        assert found, stated
    before = counts(server)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Failed" not in done.stdout + done.stderr
    assert len(re.findall(r"^Concurrency: \d, throughput: [\d.]+", done.stdout, re.M)) == 5
    answered, failed = counts(server)
    assert answered - before[0] >= 3 * 4 + 2 * 3, "three lines, and three windows for each of two concurrencies"
    assert failed == before[1]
    report = (tmp_path / "build" / "perf" / "sweep.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in report] == ["Concurrency", "1", "2"]
