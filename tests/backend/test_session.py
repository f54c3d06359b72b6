"""Sessions of real models: loading, checking, and joining requests."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf import json_format, text_format
from onnx import TensorProto, helper
from tritonclient.grpc.model_config_pb2 import ModelConfig

from onnxruntime_backend.errors import InvalidConfig, ModelLoadError
from onnxruntime_backend.session import Session, warmup_inputs
from onnxruntime_backend.settings import Device

ROOT = Path(__file__).resolve().parents[2]

CONFIG = {
    "input": [{"name": "x", "data_type": "TYPE_FP32"}, {"name": "y", "data_type": "TYPE_FP32"}],
    "output": [{"name": "total", "data_type": "TYPE_FP32"}, {"name": "difference", "data_type": "TYPE_FP32"}],
}


@pytest.fixture
def model(tmp_path):
    """total = x + y, difference = x - y, for any batch."""
    tensors = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 2]) for name in ("x", "y")}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 2]) for name in ("total", "difference")]
    nodes = [helper.make_node("Add", ["x", "y"], ["total"]), helper.make_node("Sub", ["x", "y"], ["difference"])]
    graph = helper.make_graph(nodes, "sums", list(tensors.values()), outputs)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)
    return path


def request(batch, seed):
    rng = np.random.default_rng(seed)
    return {name: rng.random((batch, 2), dtype=np.float32) for name in ("x", "y")}


def test_a_session_answers(model):
    tensors = request(3, 0)
    outputs = Session(model, CONFIG).run(tensors)
    assert np.array_equal(outputs["total"], tensors["x"] + tensors["y"])
    assert np.array_equal(outputs["difference"], tensors["x"] - tensors["y"])


def test_memory_is_released_after_every_shape_that_is_new_to_the_runtime(model, monkeypatch):
    released = []
    monkeypatch.setattr("onnxruntime_backend.session.release_freed_memory", lambda: released.append(True))
    session = Session(model, CONFIG)
    counts = []
    for requests in ([1], [1], [2], [1, 1], [1, 1, 1], [3], [1]):  # joined: batches of 2 again, then of 3
        session.run_batched([request(batch, 0) for batch in requests])
        counts.append(len(released))
    assert counts == [1, 1, 2, 2, 3, 3, 3]


@pytest.mark.parametrize("batches", [[1], [1, 1], [3, 1, 2]])
def test_joined_requests_are_answered_as_if_alone(model, batches):
    session = Session(model, CONFIG)
    requests = [request(batch, seed) for seed, batch in enumerate(batches)]
    for tensors, outputs in zip(requests, session.run_batched(requests), strict=True):
        alone = session.run(tensors)
        assert all(np.array_equal(outputs[name], alone[name]) for name in ("total", "difference"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "is missing; run ocr-convert"),
        (lambda path: path.write_bytes(b"no model"), "cannot be loaded"),
        (lambda path: path.write_bytes(path.read_bytes()[:40]), "cannot be loaded|but its config.pbtxt says"),
    ],
)
def test_a_missing_or_corrupt_file(model, damage, words):
    damage(model)
    with pytest.raises(ModelLoadError, match=words):
        Session(model, CONFIG)


@pytest.mark.parametrize(
    ("key", "declared"),
    [
        ("input", [{"name": "x", "data_type": "TYPE_FP32"}]),
        ("input", [{"name": "x", "data_type": "TYPE_UINT8"}, {"name": "y", "data_type": "TYPE_FP32"}]),
        ("output", [{"name": "sum", "data_type": "TYPE_FP32"}]),
    ],
)
def test_tensors_that_differ_from_the_configuration(model, key, declared):
    with pytest.raises(ModelLoadError, match=f"has {key}s"):
        Session(model, {**CONFIG, key: declared})


def test_a_provider_that_is_not_installed(model):
    with pytest.raises(InvalidConfig, match=r"CUDAExecutionProvider is asked for.*install"):
        Session(model, CONFIG, Device.GPU)


def test_an_openvino_property_that_does_not_exist(model):
    accelerators = {"cpu_execution_accelerator": [{"name": "openvino", "parameters": {"NO_SUCH_PROPERTY": "1"}}]}
    config = {**CONFIG, "optimization": {"execution_accelerators": accelerators}}
    with pytest.raises((InvalidConfig, ModelLoadError)):
        Session(model, config)


@pytest.mark.parametrize("name", ["det", "rec", "cls"])
def test_the_repositorys_models_fit_their_configurations(model_repository, name):
    text = (model_repository / name / "config.pbtxt").read_text()
    config = json_format.MessageToDict(text_format.Parse(text, ModelConfig()), preserving_proto_field_name=True)
    session = Session(model_repository / name / "1" / "model.onnx", config)
    assert session.providers[0] == "OpenVINOExecutionProvider"


def test_warm_up_has_the_shapes_that_config_pbtxt_names():
    config = text_format.Parse((ROOT / "model_repository" / "rec" / "config.pbtxt").read_text(), ModelConfig())
    samples = warmup_inputs(json_format.MessageToDict(config, preserving_proto_field_name=True))
    shapes = [(sample["crops"].shape, sample["widths"].shape) for sample in samples]
    assert ((1, 48, 1024, 3), (1, 1)) in shapes
    assert ((4, 48, 320, 3), (4, 1)) in shapes
    assert {(sample["crops"].dtype, sample["widths"].dtype) for sample in samples} == {
        (np.dtype(np.uint8), np.dtype(np.int64))
    }
    assert warmup_inputs({"max_batch_size": 0}) == []


def test_a_run_that_fails_leaves_nothing_behind(model_repository):
    """OpenVINO's provider, asked for a size that the network cannot take, then failed on the sizes that it knew."""
    path = model_repository / "det" / "1" / "model.onnx"
    config = json_format.MessageToDict(
        text_format.Parse((model_repository / "det" / "config.pbtxt").read_text(), ModelConfig()),
        preserving_proto_field_name=True,
    )
    session = Session(path, config)
    page = {"image": np.full((1, 64, 96, 3), 200, np.uint8)}
    expected = session.run(page)["prob"]
    with pytest.raises(Exception, match=r"(?i)shape|openvino|onnxruntime"):
        session.run({"image": np.zeros((1, 33, 1, 3), np.uint8)})
    for _ in range(2):
        assert np.array_equal(session.run(page)["prob"], expected)
