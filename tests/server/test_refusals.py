"""ocr-serve refuses to start with one sentence that says what to do, and exit code 2."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_pipeline.repository import ModelRepository
from ocr_serve import checks
from ocr_serve.access import check_access
from ocr_serve.backend_directory import assemble
from ocr_serve.errors import EnvironmentProblem, ServerNotFound
from ocr_serve.platform_check import problem
from ocr_serve.repository import NUMBERS, check_repository
from ocr_serve.tritonserver import TritonHome, find_triton
from onnxruntime_backend.precision import Precision

ROOT = Path(__file__).resolve().parents[2]


def refused(result, *words):
    code, stderr = result
    assert code == 2, stderr
    assert len(stderr.strip().splitlines()) == 1, stderr
    for word in words:
        assert word in stderr


def test_no_weights(run_serve, bare_repository):
    refused(run_serve("--model-repository", bare_repository), "no weights", "run ocr-convert")


def test_no_repository(run_serve, tmp_path):
    refused(run_serve("--model-repository", tmp_path), "not the model repository", "ocr/config.pbtxt")


@pytest.mark.parametrize("model", ["det", "rec", "cls"])
def test_corrupt_model_file(run_serve, weighted_copy, model):
    path = weighted_copy / model / "1" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    refused(run_serve("--model-repository", weighted_copy), f"{model}/1/model.onnx is corrupt", "ocr-convert")


def test_dictionary_of_another_model(run_serve, weighted_copy):
    path = weighted_copy / "ctc_decode" / "1" / "dictionary.txt"
    path.write_text(path.read_text(encoding="utf-8") + "\nx", encoding="utf-8")
    refused(run_serve("--model-repository", weighted_copy), "6625 characters", "6625 classes", "ocr-convert")


def test_a_dictionary_that_is_not_utf_8(run_serve, weighted_copy):
    (weighted_copy / "ctc_decode" / "1" / "dictionary.txt").write_bytes("é\nà".encode("latin-1"))
    refused(run_serve("--model-repository", weighted_copy), "dictionary.txt is not UTF-8", "ocr-convert")


def test_a_repository_of_an_earlier_version(run_serve, weighted_copy):
    config = weighted_copy / "admit" / "config.pbtxt"
    config.write_text("".join(line for line in config.open() if "max_in_flight" not in line))
    said = run_serve("--model-repository", weighted_copy)
    refused(said, "admit/config.pbtxt does not say max_in_flight", "of another version", "ocr-convert")


@pytest.mark.parametrize(
    ("step", "limit", "before", "after"),
    [
        ("det_batcher", "max_lines", "10000", "many"),
        ("admit", "max_in_flight", "64", "4097"),
        ("wait_turn", "max_at_work", "8", "none"),
        ("rec_batcher", "rec_lines_per_call", "4", "0"),
        ("rec_batcher", "rec_lines_per_call", "4", "5"),  # max_batch_size of rec is 4
        ("rec_batcher", "max_seconds", "300", "9" * 5000),
    ],
)
def test_a_limit_that_is_none(run_serve, weighted_copy, step, limit, before, after):
    config = weighted_copy / step / "config.pbtxt"
    config.write_text(config.read_text().replace(f'"{before}"', f'"{after}"'))
    refused(run_serve("--model-repository", weighted_copy), f"{limit} in config.pbtxt of {step}", f"'{after[:18]}'")


def test_every_limit_of_a_step_is_asked_for(bare_repository):
    repository = ModelRepository(bare_repository)
    for model in repository.models():
        config = repository.config(model)
        if config.get("backend") == "python":
            assert set(config.get("parameters", ())) == set(NUMBERS.get(model, ()))


@pytest.mark.parametrize("step", ["det_batcher", "ctc_decode", "rec_preprocess", "rec_batcher"])
def test_parameters_that_no_step_takes(run_serve, weighted_copy, step):
    (weighted_copy / step / "1" / "parameters.json").write_text('{"text_det_thresh": 7}')
    refused(run_serve("--model-repository", weighted_copy), f"{step}/1/parameters.json", "from 0 to 1, not 7")


def test_steps_that_disagree(run_serve, weighted_copy):
    (weighted_copy / "det_batcher" / "1" / "parameters.json").write_text('{"cls_width": 160}')
    refused(run_serve("--model-repository", weighted_copy), "different inputs of cls", "ocr-convert")


def test_weights_that_are_cut_short(run_serve, weighted_copy):
    path = weighted_copy / "rec" / "1" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1000])
    refused(run_serve("--model-repository", weighted_copy), "rec/1/model.onnx is corrupt", "ocr-convert")


def test_a_set_that_lists_no_weights(run_serve, weighted_copy):
    summary = weighted_copy / "ocr" / "1" / "model_set.json"
    document = json.loads(summary.read_text())
    del document["files"]["rec/1/model.onnx"]
    summary.write_text(json.dumps(document))
    refused(run_serve("--model-repository", weighted_copy), "has no rec/1/model.onnx", "ocr-convert")


@pytest.fixture
def two_pass_copy(two_pass_repository, tmp_path):
    return Path(shutil.copytree(two_pass_repository, tmp_path / "two_passes", symlinks=True))


def test_a_set_that_lacks_its_second_recogniser(run_serve, two_pass_copy):
    summary = two_pass_copy / "ocr" / "1" / "model_set.json"
    document = json.loads(summary.read_text())
    del document["files"]["rec_second/1/model.onnx"]
    summary.write_text(json.dumps(document))
    refused(run_serve("--model-repository", two_pass_copy), "has no rec_second/1/model.onnx", "ocr-convert")


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        (
            "ctc_decode/1/dictionary_second.txt",
            "a\nb",
            "have 6624 and 2 characters, but the recognisers have 6625 and 6625",
        ),
        (
            "rec_batcher/1/parameters.json",
            '{"rec_characters": 3}',
            "the first of 3 characters, but",
        ),
        ("rec_batcher/1/parameters.json", "{}", "says one recogniser, but"),
        ("rec_batcher/1/parameters.json", '{"rec_characters": true}', "rec_characters must be a whole number"),
    ],
)
def test_recognisers_and_dictionaries_that_do_not_fit(run_serve, two_pass_copy, file, text, sentence):
    (two_pass_copy / file).write_text(text)
    refused(run_serve("--model-repository", two_pass_copy), sentence, "ocr-convert")


@pytest.mark.parametrize(
    ("step", "text", "sentence"),
    [
        ("rec_batcher", '{"text_det_thresh": 0.9}', "states text_det_thresh, which is another step's"),
        ("det_batcher", '{"rec_characters": 3}', "states rec_characters, which is another step's"),
        ("rec_batcher", '{"text_rec_second_pass_thresh": 0.5}', "but the model set has one recogniser"),
    ],
)
def test_values_that_stand_in_the_wrong_file(run_serve, weighted_copy, step, text, sentence):
    (weighted_copy / step / "1" / "parameters.json").write_text(text)
    refused(run_serve("--model-repository", weighted_copy), f"{step}/1/parameters.json", sentence)


@pytest.mark.parametrize("name", ["rec/1/model.onnx", "det_batcher/1/parameters.json", "ctc_decode/1/dictionary.txt"])
def test_missing_file(run_serve, weighted_copy, name):
    (weighted_copy / name).unlink()
    refused(run_serve("--model-repository", weighted_copy), f"{name} is missing", "ocr-convert")


def test_port_taken(run_serve, weighted_copy):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused(run_serve("--model-repository", weighted_copy, "--grpc-port", port), f"127.0.0.1:{port}", "--grpc-port")


def test_two_services_on_one_port(run_serve, weighted_copy):
    result = run_serve("--model-repository", weighted_copy, "--http-port", 18000, "--grpc-port", 18000)
    refused(result, "--http-port", "--grpc-port", "must differ")


def test_gpu_that_is_not_there(run_serve, weighted_copy):
    result = run_serve("--model-repository", weighted_copy, "--device", "gpu", CUDA_VISIBLE_DEVICES="")
    refused(result, "--device gpu", "no NVIDIA GPU")


def test_a_precision_in_the_container():
    for forced in (Precision.BF16, Precision.F32):
        with pytest.raises(EnvironmentProblem, match="Triton's own onnxruntime backend takes none"):
            checks.check_precision_is_taken(forced, in_container=True)
    checks.check_precision_is_taken(Precision.AUTO, in_container=True)
    checks.check_precision_is_taken(Precision.BF16, in_container=False)


def test_numpy_2(monkeypatch):
    monkeypatch.setattr(checks.importlib.metadata, "version", lambda name: "2.1.0")
    with pytest.raises(EnvironmentProblem, match=r"numpy 2\.1\.0.*pip install 'numpy<2'"):
        checks.check_numpy()


def test_little_shared_memory(monkeypatch):
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2**26, 0, 2**26))
    with pytest.raises(EnvironmentProblem, match=r"64 MiB free.*--shm-size"):
        checks.check_shared_memory()


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("sys.version_info", (3, 13, 0), "Python 3.13 is not supported, only 3.10 to 3.12"),
        ("platform.machine", lambda: "aarch64", "Linux on aarch64 is not supported"),
        ("os.confstr", lambda name: "glibc 2.31", "glibc 2.31 is not supported, only glibc 2.35 or newer"),
        ("os.confstr", lambda name: None, "an unknown libc is not supported"),
    ],
)
def test_a_platform_that_needs_the_container(monkeypatch, attribute, value, words):
    monkeypatch.setattr(f"ocr_serve.platform_check.{attribute}", value)
    assert words in problem()
    assert "container" in problem()


def test_this_platform_is_supported():
    assert problem() is None


def test_the_containers_server_comes_first(tmp_path):
    binary = tmp_path / "bin" / "tritonserver"
    binary.parent.mkdir()
    binary.touch()
    home = find_triton(tmp_path)
    assert home == TritonHome(binary)
    assert home.is_container


def test_no_server_at_all(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ServerNotFound, match=r"make venv"):
        find_triton(tmp_path)


def test_the_backend_directory_is_complete_and_made_once(tmp_path):
    home = find_triton(tmp_path)
    directory = assemble(home, tmp_path / "backends")
    files = {
        str(path.relative_to(directory)): path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()
    }
    assert set(files) == {
        "python/libtriton_python.so",
        "python/triton_python_backend_utils.py",
        "python/triton_python_backend_stub",
        "onnxruntime/model.py",
    }
    assemble(home, directory)
    assert {name: (directory / name).stat().st_mtime_ns for name in files} == files


def test_the_summary_that_is_checked_is_the_one_that_convert_wrote(model_repository):
    installed = check_repository(ModelRepository(model_repository))
    assert {"rec/1/model.onnx", "ctc_decode/1/dictionary.txt"} <= set(installed.files)
    assert installed.classes == (6625,)


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"name": "x", "files": 3, "classes": 5}'])
def test_a_broken_summary(run_serve, weighted_copy, text):
    (weighted_copy / "ocr" / "1" / "model_set.json").write_text(text)
    refused(run_serve("--model-repository", weighted_copy), "model_set.json cannot be read", "ocr-convert")


@pytest.mark.parametrize("text", ["", "[1]", '{"text_det_thresh": 7}', '{"text_det_thersh": 0.3}', "\xff"])
def test_broken_parameters(run_serve, weighted_copy, text):
    path = weighted_copy / "det_batcher" / "1" / "parameters.json"
    path.write_bytes(text.encode("latin-1"))
    refused(run_serve("--model-repository", weighted_copy), "det_batcher/1/parameters.json is not as it should be")


@pytest.mark.parametrize("options", [("--address", "0.0.0.0"), ("--", "--grpc-address=0.0.0.0")])  # noqa: S104
def test_an_address_that_others_reach(run_serve, weighted_copy, options):
    result = run_serve("--model-repository", weighted_copy, *options)
    refused(result, "CVE-2025-23319", "the container, whose Triton is 26.07", "--accept-known-flaws")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_addresses_of_this_machine_need_no_flag(address):
    check_access(address, ["--http-address", address], in_container=False, accepts_flaws=False)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_other_addresses_are_for_the_container_and_for_those_who_insist(address):
    for in_container, accepts_flaws in ((True, False), (False, True)):
        check_access(address, [], in_container=in_container, accepts_flaws=accepts_flaws)
    with pytest.raises(EnvironmentProblem, match=f"on {address} others reach"):
        check_access(address, [], in_container=False, accepts_flaws=False)


def test_what_is_wrong_is_an_object_where_the_log_is_json(run_serve, tmp_path):
    code, stderr = run_serve("--model-repository", tmp_path, "--log-format", "json")
    said = json.loads(stderr)
    assert (code, said["level"], said["source"]) == (2, "error", "ocr-serve")
    assert "is not the model repository" in said["message"]


@pytest.mark.parametrize("path", ["/opt/my env", "/opt/$HOME", "/opt/a;b"])
def test_an_environment_whose_path_a_shell_would_cut(path):
    with pytest.raises(EnvironmentProblem, match="spaces or shell characters"):
        checks.check_path(Path(path))


def test_make_refuses_such_a_path_before_it_installs_anything(tmp_path):
    checkout = tmp_path / "my checkout"
    (checkout / "server" / "ocr_serve").mkdir(parents=True)
    for name in ("Makefile", "server/ocr_serve/platform_check.py"):
        shutil.copy(ROOT / name, checkout / name)
    for name in ("requirements-cpu.lock", "requirements-uv.lock", "pyproject.toml"):
        (checkout / name).touch()
    for name in ("clients", "bench"):
        (checkout / name).mkdir()
        (checkout / name / "pyproject.toml").touch()
    command = ["make", "--no-print-directory", "venv", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)
    first, *_ = done.stderr.splitlines()
    assert done.returncode == 2
    assert first.startswith(f"the environment is at '{checkout}/.venv': from a path with spaces")
    assert not (checkout / ".venv").exists()


def test_only_the_environments_path_must_be_plain(tmp_path):
    checkout = tmp_path / "my checkout"
    checkout.mkdir()
    command = [sys.executable, ROOT / "server" / "ocr_serve" / "platform_check.py", tmp_path / "environment"]
    subprocess.run(command, cwd=checkout, timeout=60, check=True)


def test_an_address_of_ipv6_is_written_in_brackets(run_serve, weighted_copy):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        result = run_serve("--model-repository", weighted_copy, "--address", "::1", "--http-port", port)
    refused(result, f"cannot listen on [::1]:{port}", "--http-port")


def test_a_word_that_is_no_option(run_serve, weighted_copy):
    refused(run_serve("--model-repository", weighted_copy, "bogus"), "unexpected argument 'bogus'")


def test_a_time_to_stop_that_is_no_number(run_serve, weighted_copy):
    result = run_serve("--model-repository", weighted_copy, "--", "--exit-timeout-secs", "soon")
    refused(result, "--exit-timeout-secs is a number of seconds, not 'soon'")


def test_an_unknown_option_is_a_usage_error(run_serve):
    code, stderr = run_serve("--devices", "cpu")
    assert code == 2
    assert "--devices" in stderr
