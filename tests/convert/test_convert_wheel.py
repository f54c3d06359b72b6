"""Without a checkout: what the wheels carry is enough to convert, to install and to read."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET
from ocr_convert.template import CHECKOUT, template
from ocr_pipeline.repository import ModelRepository

UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]])) or "uv"


def run(*command: object, cwd: Path | None = None) -> str:
    words = [str(word) for word in command]
    # Nothing of this environment: what is tested is the other one.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two wheels, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    for distribution in (CHECKOUT / "clients", CHECKOUT):
        how = ("--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
        run(UV, "build", *how, "--out-dir", folder, distribution)
    return folder


@pytest.fixture(scope="module")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment into which `triton-paddleocr[cpu]` was installed, and nothing else."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    run(
        *(UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "triton-paddleocr[cpu]"),
        *("--find-links", wheels, "--constraint", CHECKOUT / "requirements-cpu.lock"),
    )
    return folder


def test_the_wheel_has_every_model_and_no_weights(wheels: Path) -> None:
    (path,) = wheels.glob("triton_paddleocr-*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if name.startswith("ocr_convert/model_repository/")]
    assert {name.split("/")[2] for name in names} == set(template().models())
    assert {Path(name).name for name in names} == {"config.pbtxt", "model.py", ".gitkeep"}


def test_every_package_of_the_wheels_is_typed(wheels: Path) -> None:
    for path in wheels.glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            names = set(wheel.namelist())
        packages = {name.split("/")[0] for name in names if name.count("/") == 1 and name.endswith("/__init__.py")}
        assert packages
        assert {f"{package}/py.typed" for package in packages} <= names


@pytest.mark.parametrize(
    ("wheel", "file"),
    [
        ("triton_paddleocr-*.whl", "ocr_gateway/web/index.html"),
        ("triton_paddleocr-*.whl", "ocr_gateway/web/app.js"),
        ("triton_paddleocr_client-*.whl", "ocr_contract/canary.png"),
    ],
)
def test_what_is_no_code_is_in_the_wheels_too(wheels: Path, wheel: str, file: str) -> None:
    (path,) = wheels.glob(wheel)
    with zipfile.ZipFile(path) as archive:
        assert file in archive.namelist()


def test_in_an_empty_folder_the_default_set_is_installed_and_reads_a_page(environment: Path, tmp_path: Path) -> None:
    said = run(environment / "bin" / "ocr-convert", cwd=tmp_path)
    assert "sources in Paddle's form are passed over: converting them needs pip install" in said
    assert "put admit, cls, ctc_decode, det, det_batcher," in said
    repository = ModelRepository(tmp_path / "model_repository")
    assert repository.installed().name == DEFAULT_MODEL_SET
    assert repository.installed().document["networks"].keys() == {"det", "rec", "rec_second", "cls"}
    assert list(repository.models()) == list(template().models())
    reads = "import json, sys; from ocr_predictor import LocalOcr; print(json.dumps(LocalOcr().ocr(sys.argv[1]).texts))"
    python = environment / "bin" / "python"
    texts = json.loads(run(python, "-c", reads, CHECKOUT / "samples" / "receipt.png", cwd=tmp_path))
    assert {"MOUNTAIN & SEA TEA HOUSE", "杭州市西湖区龙井路18号", "Jasmine Tea"} <= set(texts)
