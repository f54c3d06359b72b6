"""The instruments against the real server and the real models, on the project's own samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ocr_bench import commands
from ocr_bench.cli import app
from ocr_bench.errors import BenchError, ServerError
from ocr_bench.inprocess import STAGES, InProcess
from ocr_bench.server import free_ports, is_ready, running_server
from ocr_bench.variants import Precision, configured_precision, read_message, variant, with_precision
from ocr_client.client import OcrClient

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PAGES = ("receipt.png", "rotated.png", "blank.png")


@pytest.fixture(scope="module")
def pipeline(model_repository: Path) -> InProcess:
    return InProcess(model_repository)


@pytest.mark.parametrize("name", PAGES)
def test_in_process_reads_what_the_server_reads(pipeline: InProcess, server: Any, name: str) -> None:
    data = (SAMPLES / name).read_bytes()
    ours = pipeline.read(data).answer
    with OcrClient(server.http_url) as client:
        theirs = client.ocr(data)
    assert ours.texts == theirs.texts
    assert np.allclose(ours.boxes, theirs.boxes, atol=1e-3)
    assert list(ours.scores) == pytest.approx(theirs.scores.tolist(), abs=1e-4)


def test_every_stage_is_timed_and_the_models_can_run_again(pipeline: InProcess) -> None:
    reading = pipeline.read((SAMPLES / "receipt.png").read_bytes())
    assert set(reading.stage_ns) == set(STAGES)
    assert min(reading.stage_ns.values()) > 0
    assert min(pipeline.models_ns(reading)) > 0


def test_a_line_picture_is_read_whole(pipeline: InProcess) -> None:
    assert pipeline.read_line((SAMPLES / "blank.png").read_bytes()) == ""


def test_stages_add_up_on_the_real_server(model_repository: Path, tmp_path: Path) -> None:
    text = commands.run_stages([SAMPLES / "receipt.png"], None, model_repository, "cpu", 2, "stages", tmp_path)
    assert "| Triton gRPC, shared memory |" in text
    rows = json.loads((tmp_path / "stages.json").read_text(encoding="utf-8"))["data"]["rows"]
    assert set(rows) == {"Triton HTTP", "Triton gRPC", "Triton gRPC, shared memory", "in-process"}
    for name, row in rows.items():
        assert row["server decodes"] > 0, name
        assert row["rec model"] > 0, name
        assert row["server total"] < row["total"], name
    assert (tmp_path / "stages.png").stat().st_size > 10_000
    assert (tmp_path / "stages.csv").is_file()
    assert not list(Path("/dev/shm").glob("ocr_bench_*"))


def test_accuracy_of_the_samples_by_server_and_in_process(model_repository: Path, server: Any, tmp_path: Path) -> None:
    arguments = ["accuracy", "--data", str(SAMPLES), "--out", str(tmp_path), "--device", "cpu"]
    served = CliRunner().invoke(app, [*arguments, "--url", server.http_url, "--name", "served"])
    local = CliRunner().invoke(app, [*arguments, "--model-repository", str(model_repository), "--name", "local"])
    assert (served.exit_code, local.exit_code) == (0, 0), served.output + local.output
    figures = [json.loads((tmp_path / f"{name}.json").read_text("utf-8"))["data"] for name in ("served", "local")]
    assert figures[0][0]["accuracy"] == figures[1][0]["accuracy"]
    assert figures[0][0]["accuracy"]["token_f1"] > 0.8


def test_a_variant_changes_only_the_precision(model_repository: Path, tmp_path: Path) -> None:
    made = variant(model_repository, tmp_path / "models", Precision.BF16)
    assert {path.name for path in made.iterdir()} == {path.name for path in model_repository.iterdir()}
    assert [configured_precision(made, model) for model in ("det", "rec")] == ["bf16", "bf16"]
    asked, given = (read_message(folder / "rec" / "config.pbtxt") for folder in (model_repository, made))
    assert with_precision(asked, Precision.BF16) == given
    assert (made / "rec" / "1" / "model.onnx").read_bytes() == (model_repository / "rec/1/model.onnx").read_bytes()
    assert variant(model_repository, tmp_path / "other", Precision.CONFIGURED) == model_repository.resolve()


def test_precision_of_a_model_that_is_not_openvinos_is_refused(model_repository: Path) -> None:
    config = read_message(model_repository / "det" / "config.pbtxt")
    config.optimization.Clear()
    with pytest.raises(BenchError, match='needs cpu_execution_accelerator "openvino"'):
        with_precision(config, Precision.BF16)


def test_a_server_that_cannot_start_says_why(bare_repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="ocr-convert"), running_server(bare_repository, tmp_path / "log"):
        pass


def test_nobody_is_ready_where_nobody_listens() -> None:
    assert not is_ready(f"127.0.0.1:{free_ports(1)[0]}")


@pytest.mark.parametrize("command", ["stages", "floor", "load"])
def test_mistakes_are_one_sentence_and_exit_code_2(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, "--data", str(tmp_path / "gone"), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "gone: no such file or folder" in result.output
