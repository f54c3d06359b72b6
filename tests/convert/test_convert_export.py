"""An export is a folder of plain files, and a self-contained one needs nothing of ours around it."""

import base64
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_contract.errors import TIME_HAS_PASSED
from ocr_convert.errors import ExportError
from ocr_convert.export import FOLDER, export
from ocr_convert.progress import quiet
from ocr_convert.template import CHECKOUT
from ocr_pipeline.repository import ModelRepository
from ocr_predictor import LocalOcr
from ocr_serve.backend_directory import assemble
from ocr_serve.tritonserver import find_triton

RECEIPT = CHECKOUT / "samples" / "receipt.png"
UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]])) or "uv"
START_LIMIT_S = 120
STOP_LIMIT_S = 60


def test_an_export_is_the_same_repository_without_links(model_repository: Path, tmp_path: Path) -> None:
    export(model_repository, tmp_path / "models", reporter=quiet())
    exported, source = ModelRepository(tmp_path / "models"), ModelRepository(model_repository)
    assert not [path for path in exported.path.rglob("*") if path.is_symlink()]
    assert sorted(path.name for path in exported.path.iterdir()) == list(source.served_models()), "models alone"
    assert sorted(path.name for path in (exported.path / "ocr").iterdir()) == ["1", "config.pbtxt"]
    assert exported.installed() == source.installed()
    with LocalOcr(exported.path) as reader:
        assert "山海茶事" in reader.ocr(RECEIPT).texts


def test_a_model_without_weights_is_left_out(model_repository: Path, tmp_path: Path) -> None:
    shutil.copytree(model_repository, tmp_path / "without", symlinks=True)
    (tmp_path / "without" / "cls" / "1" / "model.onnx").unlink()
    export(tmp_path / "without", tmp_path / "models", reporter=quiet())
    assert not (tmp_path / "models" / "cls").exists()


def test_an_export_that_fails_leaves_nothing(model_repository: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").touch()
    with pytest.raises(ExportError, match="is not an empty folder: nothing was exported"):
        export(model_repository, full, reporter=quiet())
    with pytest.raises(ExportError, match=r"pip could not install the packages for Python 2\.7: "):
        export(model_repository, tmp_path / "models", self_contained=True, python_version="2.7", reporter=quiet())
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ExportError, match="pip could not install"):
        export(model_repository, empty, self_contained=True, python_version="2.7", reporter=quiet())
    assert list(empty.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]
    assert [path.name for path in full.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("where", [".", "folder", "../{name}/folder", "link"])
def test_an_empty_folder_is_filled_whatever_its_path(
    model_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    before = folder.stat().st_ino
    monkeypatch.chdir(folder if where == "." else tmp_path)
    export(model_repository, Path(where.format(name=tmp_path.name)), reporter=quiet())
    assert folder.stat().st_ino == before, "it may be a mount, or somebody's current folder"
    assert sorted(path.name for path in folder.iterdir()) == list(ModelRepository(model_repository).served_models())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link"]


@pytest.mark.parametrize("inside", ["", "export", "ocr/export", "det/../export"])
def test_a_folder_in_the_repository_is_refused(weighted_copy: Path, tmp_path: Path, inside: str) -> None:
    (tmp_path / "link").symlink_to(weighted_copy)
    before = sorted(weighted_copy.rglob("*"))
    for repository, target in ((weighted_copy, tmp_path / "link"), (tmp_path / "link", weighted_copy)):
        with pytest.raises(ExportError, match="lies in the model repository"):
            export(repository, target / inside, reporter=quiet())
    assert sorted(weighted_copy.rglob("*")) == before


@pytest.fixture(scope="module")
def exported(quick_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-contained export for this Python."""
    folder = tmp_path_factory.mktemp("export") / "models"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    export(quick_repository, folder, self_contained=True, python_version=version, reporter=quiet())
    return folder


def test_steps_share_their_packages_on_the_disk_and_each_has_them_all(exported: Path) -> None:
    copies = sorted(exported.glob(f"*/1/{FOLDER}/cv2/cv2.abi3.so"))
    assert [copy.parts[-5] for copy in copies] == sorted(path.parts[-3] for path in exported.glob("*/1/model.py"))
    assert len(copies) == 6
    assert len({copy.stat().st_ino for copy in copies}) == 1


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what Triton's image has, and ONNX Runtime for the backend that the wheel's server lacks."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    lock = CHECKOUT / "requirements-cpu.lock"
    how = ("--quiet", "--python", folder / "bin" / "python", "--constraint", lock)
    subprocess.run([UV, "pip", "install", *how, "numpy", "onnxruntime-openvino"], check=True)
    listed = subprocess.run([UV, "pip", "freeze", *how[1:3]], check=True, capture_output=True, text=True).stdout
    assert not any(name in listed for name in ("opencv", "pillow", "pyclipper", "paddleocr", "tritonclient"))
    return folder


@pytest.fixture
def tritonserver(exported: Path, bare_python: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a plain tritonserver; every model lies where the others are not, as out of an object store."""
    home = find_triton()
    backends = assemble(home, tmp_path / "backends")
    for package in ("onnxruntime_backend", "ocr_pipeline", "ocr_contract"):  # on the path of that backend alone
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, backends / "onnxruntime" / package)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    arguments = [f"--backend-directory={backends}", "--http-address=127.0.0.1", f"--http-port={address[10:]}"]
    for model in exported.iterdir():
        shutil.copytree(model, tmp_path / "stores" / model.name / model.name, copy_function=os.link)
        arguments.append(f"--model-repository={tmp_path / 'stores' / model.name}")
    environment = {"PATH": f"{bare_python / 'bin'}:/usr/bin:/bin", "LD_LIBRARY_PATH": str(home.libraries)}
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        quiet_ports = ("--allow-grpc=false", "--allow-metrics=false")
        server = subprocess.Popen(
            [home.binary, *arguments, *quiet_ports], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        give_up = time.monotonic() + START_LIMIT_S
        while not is_ready(address):
            assert server.poll() is None and time.monotonic() < give_up, log.read_text(errors="replace")[-6000:]
            time.sleep(0.2)
        yield address
        server.send_signal(signal.SIGINT)
        assert server.wait(STOP_LIMIT_S) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_self_contained_export_is_served_where_nothing_of_ours_is_installed(
    tritonserver: str, model_repository: Path
) -> None:
    body = json.dumps({"image": base64.b64encode(RECEIPT.read_bytes()).decode(), "use_textline_orientation": True})
    url, headers = f"http://{tritonserver}/v2/models/ocr/generate", {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        texts = json.load(answer)["texts"]
    with LocalOcr(model_repository) as reader:
        assert texts == list(reader.ocr(RECEIPT, use_textline_orientation=True).texts)
    late = urllib.request.Request(url, body.replace("{", '{"timeout": 1, ', 1).encode(), headers)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(late, timeout=60)
    assert TIME_HAS_PASSED in json.load(refusal.value)["error"]
