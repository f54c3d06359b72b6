"""Fixtures of the conversion tests: a bare model repository, small Paddle models, and PP-OCRv4 itself."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from ocr_convert.graphs.fuse import Kind
from ocr_convert.paddle.to_onnx import Converted
from ocr_convert.prepare import Preparation
from ocr_convert.progress import Reporter
from ocr_convert.template import complete, template


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A model repository into which nothing has been installed."""
    folder = tmp_path / "model_repository"
    complete(folder, template().models())
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
def ppocrv4(prepared_v4: Preparation) -> dict[Kind, Converted]:
    """PP-OCRv4, unfused and fused."""
    return prepared_v4.networks
