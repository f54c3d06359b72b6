"""The model repository without a server: names, types and shapes agree along every ensemble."""

import json
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from ocr_contract.options import ENDPOINTS

ROOT = Path(__file__).resolve().parents[2]
REPOSITORIES = (ROOT / "model_repository", ROOT / "bench" / "model_repository")
PUBLIC = ENDPOINTS


def read_configs():
    configs = {}
    for repository in REPOSITORIES:
        for path in repository.glob("*/config.pbtxt"):
            configs[path.parent.name] = text_format.Parse(path.read_text(), ModelConfig())
    return configs


CONFIGS = read_configs()
ENSEMBLES = [name for name, config in CONFIGS.items() if config.platform == "ensemble"]


def full_dims(config, tensor):
    """Dimensions as a request has them: with the batch axis of a batching model."""
    return ([-1] if config.max_batch_size > 0 else []) + list(tensor.dims)


def agree(one, other):
    return len(one) == len(other) and all(-1 in (a, b) or a == b for a, b in zip(one, other, strict=True))


def test_every_model_is_named_like_its_folder():
    assert CONFIGS
    assert all(config.name == name for name, config in CONFIGS.items())


@pytest.mark.parametrize("name", ENSEMBLES)
def test_tensors_agree_along_the_ensemble(name):
    ensemble = CONFIGS[name]
    tensors = {tensor.name: (tensor.data_type, list(tensor.dims)) for tensor in ensemble.input}
    for step in ensemble.ensemble_scheduling.step:
        model = CONFIGS[step.model_name]
        inputs = {tensor.name: tensor for tensor in model.input}
        outputs = {tensor.name: tensor for tensor in model.output}
        needed = {tensor.name for tensor in model.input if not tensor.optional}
        assert needed <= set(step.input_map) <= set(inputs), step.model_name
        assert set(step.output_map) <= set(outputs), step.model_name
        for key, ensemble_name in step.input_map.items():
            data_type, dims = tensors[ensemble_name]
            assert DataType.Name(inputs[key].data_type) == DataType.Name(data_type), (step.model_name, key)
            assert agree(full_dims(model, inputs[key]), dims), (step.model_name, key)
        for key, ensemble_name in step.output_map.items():
            assert ensemble_name not in tensors, f"{ensemble_name} is written twice"
            tensors[ensemble_name] = (outputs[key].data_type, full_dims(model, outputs[key]))
    for tensor in ensemble.output:
        data_type, dims = tensors[tensor.name]
        assert data_type == tensor.data_type
        assert agree(dims, list(tensor.dims)), tensor.name


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_ticket_of_a_request_goes_to_every_later_step(name):
    first, second, *later = CONFIGS[name].ensemble_scheduling.step
    assert first.output_map["ticket"] == second.input_map["ticket"] == "ticket"
    assert list(second.output_map.values()) == ["turn"]
    assert [step.input_map["ticket"] for step in later] == ["turn"] * len(later)


def test_no_queue_is_bounded_by_triton():
    """Before 26.03 an ensemble hangs for ever when a step refuses what does not fit its queue."""
    assert not any(
        config.HasField("dynamic_batching") and "max_queue_size" in str(config) for config in CONFIGS.values()
    )


def test_public_endpoints_do_not_batch():
    assert all(CONFIGS[name].max_batch_size == 0 for name in PUBLIC)


def test_rec_batcher_knows_how_much_rec_takes():
    stated = CONFIGS["rec_batcher"].parameters["rec_lines_per_call"].string_value
    assert int(stated) <= CONFIGS["rec"].max_batch_size
    assert list(CONFIGS["rec"].dynamic_batching.preferred_batch_size) == [int(stated)]


def test_a_page_has_two_calls_of_rec_for_each_stream():
    from onnxruntime_backend.settings import MAX_AUTO_STREAMS

    stated = CONFIGS["rec_batcher"].parameters["rec_calls_in_flight"].string_value
    assert int(stated) == 2 * MAX_AUTO_STREAMS


def test_the_backend_holds_all_calls_of_rec_that_are_in_flight():
    from onnxruntime_backend.settings import REQUESTS_HELD

    batcher = CONFIGS["rec_batcher"]
    instances = sum(group.count for group in batcher.instance_group)
    assert instances * int(batcher.parameters["rec_calls_in_flight"].string_value) == REQUESTS_HELD


def test_every_common_call_of_rec_is_run_before_the_server_is_ready():
    from ocr_pipeline.stages.buckets import padded_widths, plan_calls

    parameters = CONFIGS["rec_batcher"].parameters
    limits = [int(parameters[key].string_value) for key in ("rec_lines_per_call", "rec_pixels_per_call")]
    expected = set()
    for width in set(padded_widths(np.arange(1, 1025)).tolist()):
        calls = plan_calls(np.full(2 * limits[0] - 1, width), *limits)  # one of every size
        expected |= {(len(call.lines), call.width) for call in calls}
    warmed = [(sample.batch_size, sample.inputs["crops"].dims[1]) for sample in CONFIGS["rec"].model_warmup]
    assert sorted(warmed) == sorted(expected)


def test_line_orientation_is_asked_in_batches_that_cls_takes():
    from ocr_pipeline.stages.orientation import CLS_BATCH

    assert CONFIGS["cls"].max_batch_size == CLS_BATCH


def test_both_recognisers_are_configured_alike():
    second = ModelConfig()
    second.CopyFrom(CONFIGS["rec_second"])
    second.name = "rec"
    assert second == CONFIGS["rec"]


def test_python_models_are_adapters_of_a_few_lines():
    models = list(REPOSITORIES[0].glob("*/1/model.py"))
    assert len(models) == 6
    assert all(len(model.read_text().splitlines()) <= 10 for model in models)


def test_limits_are_the_same_for_pages_and_lines():
    keys = ("max_pixels", "max_bytes")
    limits = [
        json.dumps({key: CONFIGS[name].parameters[key].string_value for key in keys})
        for name in ("det_batcher", "rec_preprocess")
    ]
    assert limits[0] == limits[1]
