"""Fixtures of the conversion tests: a bare model repository, small Paddle models, and PP-OCRv4 itself."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from ocr_convert.graphs.fuse import Kind
from ocr_convert.paddle.folder import read_model_folder
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.paddle.to_onnx import Converted, to_fused_onnx
from ocr_convert.progress import Reporter, quiet
from ocr_convert.sources.fetch import Fetcher
from ocr_convert.sources.model_sets import find_model_set

MODELS = ("det", "rec", "cls", "ctc_decode", "det_preprocess", "det_postprocess")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A model repository into which nothing has been installed."""
    folder = tmp_path / "model_repository"
    for model in MODELS:
        (folder / model / "1").mkdir(parents=True)
        (folder / model / "config.pbtxt").write_text(f'name: "{model}"\n')
        (folder / model / "1" / "model.py").write_text("# untouched\n")
    return folder


@pytest.fixture
def output() -> io.StringIO:
    """What `reporter` has written."""
    return io.StringIO()


@pytest.fixture
def reporter(output: io.StringIO) -> Reporter:
    return Reporter(Console(file=output, soft_wrap=True))


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders det, rec and cls, each with a small network in PaddleOCR 3's form."""
    folder = tmp_path_factory.mktemp("small-models")
    script = Path(__file__).parent / "small_pir_models.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def ppocrv4(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Converted]:
    """PP-OCRv4, unfused and fused."""
    workdir = tmp_path_factory.mktemp("ppocrv4")
    fetcher = Fetcher(workdir, quiet())
    converted: dict[Kind, Converted] = {}
    with PaddleProcess(workdir) as paddle:
        for network in find_model_set("pp-ocrv4-mobile").networks:
            folder = read_model_folder(fetcher.fetch(network, network.sources).folder, network.kind)
            converted[network.kind] = to_fused_onnx(folder, {"name": network.name}, workdir, paddle)
    return converted
