"""config.pbtxt keys to session settings, as the C++ onnxruntime backend reads them."""

import json

import pytest
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from onnxruntime_backend import precision
from onnxruntime_backend.errors import InvalidConfig
from onnxruntime_backend.precision import (
    BF16_CPU_FLAGS,
    Precision,
    arithmetic,
    auto_of,
    check_precision,
    with_precision,
)
from onnxruntime_backend.settings import Device, session_settings


def settings(text="", device=Device.CPU, device_id=0):
    config = text_format.Parse(text, ModelConfig())
    return session_settings(json_format.MessageToDict(config, preserving_proto_field_name=True), device, device_id)


def parameter(key, value):
    return f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}\n'


def accelerators(**kinds):
    """optimization.execution_accelerators with one accelerator of each kind: cpu=("openvino", {parameters})."""
    lists = ""
    for kind, (name, parameters) in kinds.items():
        given = " ".join(f'parameters {{ key: "{key}" value: "{value}" }}' for key, value in parameters.items())
        lists += f'{kind}_execution_accelerator [ {{ name: "{name}" {given} }} ]\n'
    return f"optimization {{ execution_accelerators {{ {lists} }} }}"


def test_an_empty_configuration_is_the_default_cpu_provider():
    plain = settings()
    assert plain.providers == [("CPUExecutionProvider", {})]
    assert plain.graph_level == "ORT_ENABLE_ALL"
    assert plain.execution_mode == "ORT_SEQUENTIAL"
    assert (plain.intra_op_threads, plain.inter_op_threads) == (0, 0)
    assert plain.enable_mem_arena
    assert plain.enable_mem_pattern


@pytest.mark.parametrize(
    ("level", "expected"),
    [(-1, "ORT_ENABLE_BASIC"), (0, "ORT_ENABLE_ALL"), (1, "ORT_ENABLE_EXTENDED"), (2, "ORT_DISABLE_ALL")],
)
def test_graph_levels(level, expected):
    assert settings(f"optimization {{ graph {{ level: {level} }} }}").graph_level == expected


def test_threads_modes_and_memory():
    text = "".join(
        parameter(key, value)
        for key, value in {
            "intra_op_thread_count": "3",
            "inter_op_thread_count": "2",
            "execution_mode": "1",
            "enable_mem_arena": "false",
            "enable_mem_pattern": "0",
            "session.use_device_allocator_for_initializers": "1",
        }.items()
    )
    found = settings(text)
    assert (found.intra_op_threads, found.inter_op_threads) == (3, 2)
    assert found.execution_mode == "ORT_PARALLEL"
    assert not found.enable_mem_arena
    assert not found.enable_mem_pattern
    assert found.config_entries == {"session.use_device_allocator_for_initializers": "1"}


def test_openvino_takes_the_thread_count_and_its_own_properties():
    text = parameter("intra_op_thread_count", "2") + accelerators(
        cpu=("openvino", {"INFERENCE_PRECISION_HINT": "bf16"})
    )
    (name, options), cpu = settings(text).providers
    assert name == "OpenVINOExecutionProvider"
    assert options["num_of_threads"] == "2"
    assert json.loads(options["load_config"]) == {"CPU": {"INFERENCE_PRECISION_HINT": "bf16"}}
    assert cpu == ("CPUExecutionProvider", {})


def test_a_gpu_instance_has_cuda_and_not_openvino():
    text = accelerators(cpu=("openvino", {}), gpu=("cuda", {"cudnn_conv_use_max_workspace": "0"}))
    (name, options), cpu = settings(text, Device.GPU, 1).providers
    assert name == "CUDAExecutionProvider"
    assert options["device_id"] == "1"
    assert options["cudnn_conv_use_max_workspace"] == "0"
    assert options["cudnn_conv_algo_search"] == "EXHAUSTIVE"
    assert cpu[0] == "CPUExecutionProvider"


@pytest.mark.parametrize(("cores", "streams"), [(1, 1), (2, 2), (64, 8)])
def test_automatic_streams_are_one_for_each_core_up_to_eight(cores, streams):
    text = accelerators(cpu=("openvino", {"NUM_STREAMS": "AUTO"})) + parameter("intra_op_thread_count", cores)
    found = settings(text)
    _, options = found.providers[0]
    assert found.streams == streams
    assert (options["num_of_threads"], options.get("num_streams", "1")) == (str(cores), str(streams))


def test_cuda_parameters_of_old_configurations():
    text = "".join(
        parameter(key, value)
        for key, value in {
            "cudnn_conv_algo_search": "1",
            "arena_extend_strategy": "1",
            "gpu_mem_limit": "1000000",
            "do_copy_in_default_stream": "false",
        }.items()
    )
    options = settings(text, Device.GPU).providers[0][1]
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert options["arena_extend_strategy"] == "kSameAsRequested"
    assert options["gpu_mem_limit"] == "1000000"
    assert options["do_copy_in_default_stream"] == "0"


def test_tensorrt_comes_before_cuda():
    options = {"precision_mode": "FP16", "max_workspace_size_bytes": "1024", "trt_engine_cache_enable": "1"}
    text = accelerators(gpu=("tensorrt", options))
    (first, options), (second, _), _ = settings(text, Device.GPU).providers
    assert (first, second) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert options == {
        "trt_fp16_enable": "1",
        "trt_max_workspace_size": "1024",
        "trt_engine_cache_enable": "1",
        "device_id": "0",
    }


@pytest.mark.parametrize(
    ("text", "device", "words"),
    [
        (accelerators(cpu=("tpu", {})), Device.CPU, 'unknown cpu_execution_accelerator "tpu"'),
        (accelerators(gpu=("rocm", {})), Device.GPU, 'unknown gpu_execution_accelerator "rocm"'),
        (accelerators(gpu=("tensorrt", {"precision_mode": "FP4"})), Device.GPU, "precision_mode"),
        (accelerators(gpu=("tensorrt", {"workspace": "1"})), Device.GPU, 'unknown parameter "workspace"'),
        (parameter("execution_mode", "2"), Device.CPU, "execution_mode"),
        (parameter("intra_op_thread_count", "many"), Device.CPU, "intra_op_thread_count"),
        (parameter("enable_mem_arena", "perhaps"), Device.CPU, "enable_mem_arena"),
        ("optimization { graph { level: 7 } }", Device.CPU, "optimization.graph.level"),
    ],
)
def test_what_is_not_known_is_an_error(text, device, words):
    with pytest.raises(InvalidConfig) as raised:
        settings(text, device)
    assert words in str(raised.value)


@pytest.mark.parametrize("choice", [Device, Precision])
@pytest.mark.parametrize("word", ["cuda", "CPU", "bf8", "", None])
def test_a_device_or_precision_that_there_is_not_names_those_that_there_are(choice, word):
    with pytest.raises(InvalidConfig) as raised:
        choice(word)
    assert all(f'"{one.value}"' in str(raised.value) for one in choice)
    assert repr(word) in str(raised.value)


@pytest.fixture
def cpu_flags(tmp_path, monkeypatch):
    """Give this machine's CPU other flags."""

    def give(flags):
        (tmp_path / "cpuinfo").write_text(f"flags\t\t: fpu avx2 avx512f avx512_vnni {flags}\n")

    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
    return give


def network(**own):
    """A model that runs on OpenVINO, and on a GPU in TensorRT's FP16, with properties of its own."""
    text = accelerators(cpu=("openvino", own), gpu=("tensorrt", {"precision_mode": "FP16"}))
    config = text_format.Parse(f'name: "det" {text}', ModelConfig())
    return json_format.MessageToDict(config, preserving_proto_field_name=True)


F32, BF16 = {"INFERENCE_PRECISION_HINT": "f32"}, {"INFERENCE_PRECISION_HINT": "bf16"}


@pytest.mark.parametrize("own", [{}, {**F32, "NUM_STREAMS": "2"}, BF16])
def test_a_precision_that_is_forced_wins_and_leaves_the_rest(cpu_flags, own):
    cpu_flags("avx512_bf16")
    assert with_precision(network(**own), Precision.BF16, Device.CPU) == network(**{**own, **BF16})
    assert with_precision(network(**own), Precision.F32, Device.CPU) == network(**{**own, **F32})


@pytest.mark.parametrize(("flags", "chosen"), [("avx512_bf16", BF16), ("amx_bf16", BF16), ("clzero", F32)])
def test_auto_is_bf16_where_the_cpu_has_it_and_loses_to_the_configuration(cpu_flags, flags, chosen):
    cpu_flags(flags)
    for own in ({}, {"NUM_STREAMS": "AUTO"}):
        assert with_precision(network(**own), Precision.AUTO, Device.CPU) == network(**own, **chosen)
    assert with_precision(network(**F32), Precision.AUTO, Device.CPU) == network(**F32)
    name = chosen["INFERENCE_PRECISION_HINT"]
    assert arithmetic({"det": network(), "rec": network()}, Precision.AUTO, Device.CPU) == name


@pytest.mark.usefixtures("cpu_flags")  # which none are given to: there is no such file
def test_auto_is_f32_on_a_cpu_of_which_nothing_is_known():
    assert with_precision(network(), Precision.AUTO, Device.CPU) == network(**F32)
    assert arithmetic({"det": network()}, Precision.AUTO, Device.CPU) == "f32"


def test_auto_is_f32_for_a_model_set_that_says_so(cpu_flags):
    cpu_flags("avx512_bf16")
    assert with_precision(network(), Precision.AUTO, Device.CPU, Precision.F32) == network(**F32)
    assert with_precision(network(**BF16), Precision.AUTO, Device.CPU, Precision.F32) == network(**BF16)
    assert with_precision(network(), Precision.BF16, Device.CPU, Precision.F32) == network(**BF16)
    assert arithmetic({"det": network()}, Precision.AUTO, Device.CPU, Precision.F32) == "f32"


def test_a_report_says_what_auto_may_take(tmp_path):
    report = tmp_path / "report.json"
    assert auto_of(report) is Precision.BF16
    for text, expected in (("{}", Precision.BF16), ('{"auto_precision": "f32"}', Precision.F32)):
        report.write_text(text)
        assert auto_of(report) is expected
    report.write_text("[")
    with pytest.raises(InvalidConfig, match=r"report\.json cannot be read"):
        auto_of(report)


def test_auto_leaves_a_gpu_and_other_runtimes_as_they_are(cpu_flags):
    cpu_flags("avx512_bf16")
    assert with_precision(network(), Precision.AUTO, Device.GPU) == network()
    plain = {"name": "det", "max_batch_size": 0}
    assert with_precision(plain, Precision.AUTO, Device.CPU) == plain
    assert arithmetic({"det": plain}, Precision.AUTO, Device.CPU) == "f32"
    assert arithmetic({"det": plain}, Precision.AUTO, Device.GPU) == "f32"
    assert arithmetic({"det": network()}, Precision.AUTO, Device.GPU) == "fp16"
    assert arithmetic({"det": network(), "rec": plain}, Precision.AUTO, Device.CPU) == "det bf16, rec f32"


def test_bf16_of_a_configuration_is_refused_on_a_cpu_without_it(cpu_flags):
    cpu_flags("clzero")
    with pytest.raises(InvalidConfig, match=r"config\.pbtxt of det: this CPU has no BF16 arithmetic"):
        with_precision(network(**BF16), Precision.AUTO, Device.CPU)
    assert with_precision(network(**BF16), Precision.F32, Device.CPU) == network(**F32)


def test_a_precision_forced_on_a_model_that_does_not_run_on_openvino_is_an_error():
    with pytest.raises(InvalidConfig, match="precision f32 is asked for, but det does not run on OpenVINO"):
        with_precision({"name": "det", "max_batch_size": 0}, Precision.F32, Device.CPU)


def test_a_precision_that_would_not_be_computed_is_refused(cpu_flags):
    cpu_flags("clzero")
    with pytest.raises(InvalidConfig, match="this CPU has no BF16 arithmetic"):
        check_precision(Precision.BF16, Device.CPU)
    check_precision(Precision.F32, Device.CPU)
    for device in Device:
        check_precision(Precision.AUTO, device)
    for either in (Precision.F32, Precision.BF16):
        with pytest.raises(InvalidConfig, match="works on the CPU only"):
            check_precision(either, Device.GPU)


def test_a_cpu_of_which_nothing_is_known_has_no_bf16(cpu_flags):
    with pytest.raises(InvalidConfig, match=r"cpuinfo cannot be read .*leave it out"):
        check_precision(Precision.BF16, Device.CPU)


@pytest.mark.parametrize("flag", BF16_CPU_FLAGS)
def test_a_cpu_with_bf16_may_compute_in_it(cpu_flags, flag):
    cpu_flags(f"{flag} clzero")
    check_precision(Precision.BF16, Device.CPU)
