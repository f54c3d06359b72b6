"""Fixtures of the conversion tests: a bare model repository, small Paddle models, and PP-OCRv4 itself."""

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
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


def write_onnx(folder: Path, kind: Kind, takes: Sequence[int | str] = (), classes: int = 12) -> onnx.ModelProto:
    """Write model.onnx into `folder`: a few layers, like those of small_pir_models.py, of random weights but for det.

    Args:
        folder: is made
        kind: of network
        takes: dimensions of the input that it states; by default what is served
        classes: how many rec and cls tell apart
    """
    random = np.random.default_rng(7)
    if kind == "det":
        values = {"kernel": np.full((1, 3, 5, 5), 10 / 75), "bias": np.full(1, -10)}
        nodes = [
            helper.make_node("Conv", ["x", "kernel", "bias"], ["map"], pads=[2] * 4),
            helper.make_node("Sigmoid", ["map"], ["y"]),
        ]
        answers: list[int | str] = ["N", 1, "H", "W"]
    else:
        values = {"kernel": random.normal(0, 0.3, (16, 3, 3, 3)), "weight": random.normal(0, 4, (16, classes))}
        values["bias"] = np.zeros(classes)
        nodes = [
            helper.make_node("Conv", ["x", "kernel"], ["features"], strides=[8, 8], pads=[1] * 4),
            helper.make_node("ReduceMax", ["features"], ["largest"], axes=[2] if kind == "rec" else [2, 3], keepdims=0),
            helper.make_node("Transpose", ["largest"], ["columns"], perm=[0, 2, 1])
            if kind == "rec"
            else helper.make_node("Identity", ["largest"], ["columns"]),
            helper.make_node("MatMul", ["columns", "weight"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["y"], axis=-1),
        ]
        answers = ["N", "T", classes] if kind == "rec" else ["N", classes]
    takes = takes or {"det": ["N", 3, "H", "W"], "rec": ["N", 3, 48, "W"], "cls": ["N", 3, 48, 192]}[kind]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, takes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, answers)],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    return model


@pytest.fixture(scope="session")
def make_onnx() -> Callable[..., onnx.ModelProto]:
    """`write_onnx`, for the tests."""
    return write_onnx


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders det, rec, cls and stretched_cls, each with a small network in PaddleOCR 3's form."""
    folder = tmp_path_factory.mktemp("small-models")
    script = Path(__file__).parent / "small_pir_models.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def ppocrv4(prepared_v4: Preparation) -> dict[Kind, Converted]:
    """PP-OCRv4, unfused and fused."""
    return prepared_v4.networks
