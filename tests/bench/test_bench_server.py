"""The instruments against the real server and the real models, on the project's own samples."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ocr_bench.cli import app
from ocr_bench.contenders.contender import HttpContender
from ocr_bench.contenders.static import check_one_recogniser, static_repository
from ocr_bench.errors import BenchError, ServerError
from ocr_bench.measurements.stages import Stages
from ocr_bench.runner import run
from ocr_bench.server import answers, free_ports, running_server
from ocr_bench.target import Target, told_apart
from ocr_client import OcrClient
from onnxruntime_backend.errors import InvalidConfig
from onnxruntime_backend.precision import Precision
from onnxruntime_backend.settings import Device

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
RECEIPT = SAMPLES / "receipt.png"


def test_stages_add_up_on_the_real_server(quick_repository: Path, tmp_path: Path) -> None:
    text = run(Stages(pictures=[RECEIPT], repeats=1, model_repository=quick_repository, out=tmp_path))
    assert "### Stages: pp-ocrv4-mobile, cpu" in text
    rows = json.loads((tmp_path / "stages.json").read_text(encoding="utf-8"))["data"]["rows"]
    assert set(rows) == {"Triton HTTP", "Triton gRPC", "Triton gRPC, shared memory", "in-process"}
    for name, row in rows.items():
        assert row["server decodes"] > 0, name
        assert row["rec model"] > row["rec preprocessing"] > 0, name
        assert row["server total"] < row["total"], name
    assert "![stages](stages.png)" in text
    assert not list(Path("/dev/shm").glob("ocr_bench_*"))


def test_accuracy_of_the_samples_by_server_and_in_process(model_repository: Path, server: Any, tmp_path: Path) -> None:
    arguments = ["accuracy", "--data", str(SAMPLES), "--out", str(tmp_path), "--device", "cpu"]
    served = CliRunner().invoke(app, [*arguments, "--url", server.http_url, "--name", "served"])
    local = CliRunner().invoke(app, [*arguments, "--model-repository", str(model_repository), "--name", "local"])
    assert (served.exit_code, local.exit_code) == (0, 0), served.output + local.output
    figures = [json.loads((tmp_path / f"{name}.json").read_text("utf-8"))["data"] for name in ("served", "local")]
    served_row, local_row = (data["rows"][0] for data in figures)
    assert served_row["accuracy"] == local_row["accuracy"]
    assert served_row["accuracy"]["token_f1"] > 0.8
    assert served_row["token_f1"]["low"] <= served_row["accuracy"]["token_f1"] <= served_row["token_f1"]["high"]


@pytest.mark.parametrize("flags", ["avx2", "avx2 avx512_bf16"])
@pytest.mark.parametrize("precision", Precision)
def test_a_precision_goes_to_both_sides_and_what_is_computed_is_named(
    two_pass_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: Precision, flags: str
) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n", "utf-8")
    monkeypatch.setattr("onnxruntime_backend.precision.CPUINFO", tmp_path / "cpuinfo")
    target = Target(two_pass_repository, precision=precision)
    assert target.serve_options()[-2:] == ["--precision", precision.value]
    if precision is Precision.BF16 and flags == "avx2":
        for ask in (target.reader_options, lambda: target.label):
            with pytest.raises(InvalidConfig, match="precision bf16: this CPU has no BF16"):
                ask()
        return
    assert target.reader_options()["precision"] == precision.value
    name = ("bf16" if "bf16" in flags else "f32") if precision is Precision.AUTO else precision.value
    assert target.precision_name == name
    assert target.label == f"twice, cpu, {name}"


def test_a_precision_that_the_device_does_not_have_is_refused(model_repository: Path) -> None:
    with pytest.raises(InvalidConfig, match="precision bf16"):
        Target(model_repository, Device.GPU, Precision.BF16).open()


def test_repositories_of_one_model_set_are_told_apart_by_their_folders(model_repository: Path, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(model_repository)
    one, other = Target(model_repository, precision=Precision.F32), Target(tmp_path / "other", precision=Precision.F32)
    assert told_apart([one]) == ["pp-ocrv4-mobile"]
    assert told_apart([one, other]) == ["pp-ocrv4-mobile (model_repository)", "pp-ocrv4-mobile (other)"]
    assert told_apart([one, replace(other, precision=Precision.BF16)]) == ["pp-ocrv4-mobile", "pp-ocrv4-mobile"]


def test_tensorrts_precision_is_named_on_a_gpu(model_repository: Path, tmp_path: Path) -> None:
    accelerator = (
        'gpu_execution_accelerator [ { name: "tensorrt", parameters { key: "precision_mode", value: "FP16" } } ]'
    )
    for model in ("det", "rec"):
        text = (model_repository / model / "config.pbtxt").read_text("utf-8")
        (tmp_path / model).mkdir()
        changed = text.replace("execution_accelerators {", f"execution_accelerators {{ {accelerator}")
        (tmp_path / model / "config.pbtxt").write_text(changed, "utf-8")
    assert Target(tmp_path, Device.GPU).precision_name == "fp16"
    assert Target(tmp_path, Device.CPU, Precision.F32).precision_name == "f32"


def test_a_server_that_cannot_start_says_why(bare_repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="ocr-convert"), running_server(Target(bare_repository), tmp_path / "log"):
        pass


def test_nobody_is_ready_where_nobody_listens() -> None:
    assert not answers(f"127.0.0.1:{free_ports(1)[0]}")


def test_the_plain_ensemble_is_no_baseline_of_two_recognisers(bare_repository: Path) -> None:
    second = bare_repository / "rec_second" / "1" / "model.onnx"
    second.parent.mkdir(exist_ok=True)
    second.touch()
    with pytest.raises(BenchError, match="leave it out with --no-static, or name a set of one recogniser first"):
        check_one_recogniser(Target(bare_repository).repository)


def test_the_plain_ensemble_reads_with_the_weights_of_the_target(quick_repository: Path, tmp_path: Path) -> None:
    made = static_repository(Target(quick_repository).repository, tmp_path)
    assert (made / "rec_static/1/model.onnx").samefile(quick_repository / "rec/1/model.onnx")
    with running_server(Target(made), tmp_path / "log") as server, OcrClient(server.http) as client:
        contender = HttpContender("plain", server, "ocr_static", in_flight=2)
        plain, blank = contender.read([RECEIPT, SAMPLES / "blank.png"]).answers
        contender.close()
        ours = client.ocr(RECEIPT)
    assert len(blank) == 0
    # Lines padded to the page's widest read nearly the same, the same boxes in the same order.
    assert len(plain) == len(ours) > 10
    assert sum(mine == other for mine, other in zip(ours.texts, plain.texts, strict=True)) > 0.8 * len(ours)
