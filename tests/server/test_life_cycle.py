"""Servers started in other ways, stopped by a signal, killed, and stopped by a model that does not load."""

import os
import shlex
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from ocr_client import OcrClient
from ocr_convert.export import export
from ocr_convert.progress import quiet
from ocr_serve.claim import remove_stale
from ocr_serve.stubs import stubs
from onnxruntime_backend.errors import InvalidConfig
from onnxruntime_backend.precision import PRECISION_VARIABLE, Precision, check_precision
from onnxruntime_backend.settings import Device

RECEIPT = Path(__file__).resolve().parents[2] / "samples" / "receipt.png"
MMAP_THRESHOLD = b"glibc.malloc.mmap_threshold=4194304"


@pytest.fixture(scope="module")
def tuned(launch_server, quick_repository):
    """A server with options of every kind: ocr-serve's, tritonserver's, and the C library's."""
    return launch_server(
        quick_repository,
        *("--allow-shared-memory", "--allow-trace", "--allow-logging"),
        *("--", "--exit-timeout-secs=7", "--log-info", "true"),
        *("--http-restricted-api=statistics:known=x", "--grpc-restricted-protocol=statistics:known=x"),
        env={**os.environb, b"GLIBC_TUNABLES": MMAP_THRESHOLD, b"MALLOC_ARENA_MAX": b"4"},
        start_new_session=True,
    )


def children(server):
    return [each.pid for each in psutil.Process(server.process.pid).children(recursive=True)]


def steps(server):
    return stubs(server.claim.region_prefix)


def test_arguments_after_the_dashes_go_to_tritonserver(tuned):
    assert tuned.command[0].endswith("bin/tritonserver")
    assert {"--exit-timeout-secs=7", "--log-info", "true"} <= set(tuned.command)


def test_freed_memory_goes_back_to_the_system_unless_the_user_says_otherwise(tuned):
    processes = [tuned.tritonserver, *steps(tuned)]
    assert len(processes) > 5
    for process in processes:
        # The C library cuts the string at its colons where it lies; of two values it takes the later one.
        _, _, tunables = Path(f"/proc/{process}/environ").read_bytes().partition(b"GLIBC_TUNABLES=")
        assert -1 < tunables.find(b"glibc.malloc.mmap_threshold=16777216") < tunables.find(MMAP_THRESHOLD)
        assert b"glibc.malloc.arena_max" not in tunables


def test_apis_are_open_to_those_who_ask_for_it_but_models_are_never_loaded(tuned):
    with InferenceServerClient(tuned.grpc_url) as client:
        client.get_system_shared_memory_status()
        client.get_cuda_shared_memory_status()
        client.get_trace_settings()
        client.get_log_settings()
        with pytest.raises(InferenceServerException, match="restricted"):
            client.load_model("det")


def test_raw_requests_with_a_header_that_can_be_sent_pass_a_restriction(tuned, raw_http, raw_grpc):
    """So it means something that those of test_closed_apis.py do not."""
    header, metadata = ("known", "x"), ("triton-grpc-protocol-known", "x")
    assert b"restricted" in raw_http(tuned.http_port, "GET", "/v2/models/stats", [])
    assert b"model_stats" in raw_http(tuned.http_port, "GET", "/v2/models/stats", [header])
    assert b"restricted" in raw_grpc(tuned.grpc_port, "ModelStatistics", [])
    assert b"grpc-status\x010" in raw_grpc(tuned.grpc_port, "ModelStatistics", [metadata])


def test_another_server_that_starts_leaves_this_one_alone(tuned):
    before = tuned.left_behind()
    remove_stale()
    assert tuned.left_behind() == before
    assert len(before) > 5


def test_ctrl_c_leaves_no_process_and_no_shared_memory(tuned, wait_for):
    with OcrClient(tuned.http_url) as client:
        assert client.ocr(RECEIPT).texts
    processes = children(tuned)
    os.killpg(tuned.process.pid, signal.SIGINT)  # as a terminal does it
    assert tuned.process.wait(60) == 0
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "the steps end")
    wait_for(lambda: not tuned.left_behind(), "shared memory is free")


def answers(url):
    """Whether a server answers, which it may do a moment after its log has named the service."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status == 200
    except urllib.error.URLError:
        return False


def test_a_server_listens_on_an_ipv6_address_and_leaves_nothing_behind_when_it_is_killed(
    begin_server, quick_repository, wait_for
):
    server = begin_server(quick_repository, "--address", "::1")
    wait_for(lambda: f"[::1]:{server.http_port}" in server.log.read_text(), "ocr-serve names its address")
    for port, path in ((server.http_port, "v2/health/ready"), (server.metrics_port, "metrics")):
        wait_for(lambda: answers(f"http://[::1]:{port}/{path}"), f"{path} is answered", 120)  # noqa: B023 - at once
    with InferenceServerClient(f"[::1]:{server.grpc_port}") as client:
        assert client.is_server_ready()
    assert steps(server)
    server.stop(signal.SIGKILL)
    wait_for(lambda: not steps(server) and not server.left_behind(), "nothing is left")


@pytest.mark.parametrize("moment", ["loading: rec:1", "successfully loaded 'det_batcher'"])
def test_ctrl_c_while_models_load_leaves_nothing_behind(begin_server, weighted_copy, wait_for, moment):
    server = begin_server(weighted_copy, start_new_session=True)
    wait_for(lambda: moment in server.log.read_text(errors="replace"), moment)
    assert server.claim
    os.killpg(server.process.pid, signal.SIGINT)
    server.process.wait(60)
    wait_for(lambda: not steps(server) and not server.left_behind(), "nothing is left")


def test_what_is_wrong_in_a_configuration_stops_the_load_with_its_name(begin_server, weighted_copy):
    rec = weighted_copy / "rec" / "config.pbtxt"
    rec.write_text(rec.read_text().replace('"openvino"', '"warp_drive"'))
    server = begin_server(weighted_copy)
    assert server.process.wait(120) != 0
    assert 'unknown cpu_execution_accelerator "warp_drive"' in server.log.read_text(errors="replace")


def test_where_the_cpu_has_bf16_it_is_the_default_and_reads_the_same_but_for_spaces_with_other_scores(
    server, start_server, quick_repository, two_pass_repository, run_serve
):
    """The server of this run has the same networks in a set that stays in float32."""
    usual = start_server(two_pass_repository)
    assert server.has_said(" on cpu in f32, http://")
    with OcrClient(usual.http_url) as auto, OcrClient(server.http_url) as in_f32:
        found, expected = auto.ocr(RECEIPT), in_f32.ocr(RECEIPT)
    assert usual.stop(signal.SIGTERM) == 0
    try:
        check_precision(Precision.BF16, Device.CPU)
    except InvalidConfig as problem:
        assert usual.has_said(" on cpu in f32, http://")
        assert np.array_equal(found.scores, expected.scores)
        code, stderr = run_serve("--model-repository", quick_repository, "--device", "cpu", "--precision", "bf16")
        assert (code, stderr.strip()) == (2, f"ocr-serve: {problem}")
        return
    assert usual.has_said(" on cpu in bf16, http://")
    assert [text.replace(" ", "") for text in found.texts] == [text.replace(" ", "") for text in expected.texts]
    np.testing.assert_allclose(found.scores, expected.scores, atol=0.05)
    assert (found.scores != expected.scores).mean() > 0.5


def test_a_plain_tritonserver_serves_the_repository(server, begin_server, quick_repository, tmp_path, wait_for):
    """As users of Triton start it: with a repository, and the backends that the wheel's server has not at its place."""
    repository = tmp_path / "model_repository"
    export(quick_repository, repository, reporter=quiet())
    printed = subprocess.run(
        [Path(sys.prefix) / "bin" / "ocr-serve", "--print-command"], capture_output=True, text=True, check=True
    ).stdout
    here = [f"--{service}-address=127.0.0.1" for service in ("http", "grpc", "metrics")]
    plain = begin_server(repository, *here, program=shlex.split(printed))
    wait_for(plain.is_ready, "tritonserver is ready", 120)
    with OcrClient(plain.http_url) as client, OcrClient(server.http_url) as usual:
        here, there = client.ocr(RECEIPT), usual.ocr(RECEIPT)
        assert here.texts == there.texts
        assert np.array_equal(here.scores, there.scores)  # in the same arithmetic
    with InferenceServerClient(plain.grpc_url) as client:
        loaded = {model.name for model in client.get_model_repository_index().models if model.state == "READY"}
        assert loaded == {path.parent.name for path in repository.glob("*/config.pbtxt")}
        for load in (lambda: client.load_model("det"), lambda: client.unload_model("det")):
            with pytest.raises(InferenceServerException, match="not allowed"):
                load()
        with pytest.raises(InferenceServerException, match="not allowed"):
            client.load_model("evil", config='{"backend": "python"}', files={"file:1/model.py": b"raise SystemExit"})
    assert plain.stop(signal.SIGTERM) == 0


def test_a_precision_that_is_forced_stands_in_the_command_for_a_plain_tritonserver():
    program = [Path(sys.prefix) / "bin" / "ocr-serve", "--print-command"]
    printed = [
        subprocess.run([*program, *options], capture_output=True, text=True, check=True).stdout
        for options in ((), ("--precision", "f32"))
    ]
    assert [f"{PRECISION_VARIABLE}=f32" in shlex.split(words) for words in printed] == [False, True]
