"""The instruments against the real server and the real models, on the project's own samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ocr_bench import commands, inprocess_child
from ocr_bench.cli import app
from ocr_bench.errors import ServerError
from ocr_bench.inprocess import STAGES, InProcess
from ocr_bench.peer_commands import static_repository
from ocr_bench.server import free_ports, is_ready, running_server
from ocr_bench.sides import HttpSide
from ocr_bench.subject import Subject
from ocr_client.client import OcrClient
from ocr_serve.checks import check_precision
from ocr_serve.errors import EnvironmentProblem
from onnxruntime_backend.settings import Precision, session_settings

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PAGES = ("receipt.png", "rotated.png", "blank.png")


@pytest.fixture(scope="module")
def pipeline(model_repository: Path) -> InProcess:
    return InProcess(Subject(model_repository))


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
    text = commands.run_stages([SAMPLES / "receipt.png"], None, Subject(model_repository), 2, "stages", tmp_path)
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


@pytest.mark.parametrize("precision", Precision)
def test_a_precision_goes_to_the_server_and_to_this_processs_sessions(
    model_repository: Path, precision: Precision
) -> None:
    subject = Subject(model_repository, precision=precision)
    assert subject.title("Peers") == f"### Peers: pp-ocrv4-mobile, cpu, {precision.value}"
    assert subject.options()[-2:] == ["--precision", precision.value]
    assert inprocess_child.command(subject)[-1] == precision.value
    try:
        check_precision(precision.value, "cpu", in_container=False)
    except EnvironmentProblem as problem:
        with pytest.raises(EnvironmentProblem, match=str(problem).split(":")[0]):
            InProcess(subject)
        return
    assert subject.precision_name == precision.value
    options = dict(session_settings(subject.config("rec"), "CPU", 0).providers)["OpenVINOExecutionProvider"]
    assert json.loads(options["load_config"]) == {"CPU": {"INFERENCE_PRECISION_HINT": precision.value}}


def test_a_precision_that_the_device_does_not_have_is_refused(model_repository: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="--precision bf16 is of the CPU"):
        InProcess(Subject(model_repository, "gpu", Precision.BF16))


def test_tensorrts_precision_is_named_on_a_gpu(model_repository: Path, tmp_path: Path) -> None:
    accelerator = (
        'gpu_execution_accelerator [ { name: "tensorrt", parameters { key: "precision_mode", value: "FP16" } } ]'
    )
    for model in ("det", "rec"):
        text = (model_repository / model / "config.pbtxt").read_text("utf-8")
        (tmp_path / model).mkdir()
        changed = text.replace("execution_accelerators {", f"execution_accelerators {{ {accelerator}")
        (tmp_path / model / "config.pbtxt").write_text(changed, "utf-8")
    assert Subject(tmp_path, "gpu").precision_name == "fp16"
    assert Subject(tmp_path, "cpu").precision_name == "f32"


def test_without_a_precision_config_pbtxt_says_it(model_repository: Path) -> None:
    subject = Subject(model_repository)
    assert subject.precision_name == "f32"
    assert subject.title("Peers") == "### Peers: pp-ocrv4-mobile, cpu"
    assert "--precision" not in subject.options()
    assert inprocess_child.command(subject)[-1] == "cpu"


def test_a_server_that_cannot_start_says_why(bare_repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="ocr-convert"), running_server(Subject(bare_repository), tmp_path / "log"):
        pass


def test_nobody_is_ready_where_nobody_listens() -> None:
    assert not is_ready(f"127.0.0.1:{free_ports(1)[0]}")


@pytest.mark.parametrize("command", ["stages", "floor", "load"])
def test_mistakes_are_one_sentence_and_exit_code_2(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, "--data", str(tmp_path / "gone"), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "gone: no such file or folder" in result.output


def test_the_plain_ensemble_has_the_weights_of_the_subject(model_repository: Path, tmp_path: Path) -> None:
    subject = Subject(model_repository)
    made = static_repository(subject, tmp_path)
    assert (made / "rec_static/1/model.onnx").samefile(model_repository / "rec/1/model.onnx")
    extra = [f"--model-repository={made}", "--load-model=ocr_static"]
    with running_server(subject, tmp_path / "log", extra) as server:
        side = HttpSide("plain", server, "ocr_static")
        (answer,) = side.read([SAMPLES / "receipt.png"]).answers
        side.close()
    assert len(answer.texts) > 10
