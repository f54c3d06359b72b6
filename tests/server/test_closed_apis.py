"""Nobody loads models, registers shared memory, traces, or moves the log of a server from outside."""

import pytest
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

OVER_HTTP = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/det/load"),
    ("POST", "/v2/repository/models/det/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/any/register"),
    ("POST", "/v2/systemsharedmemory/unregister"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("POST", "/v2/cudasharedmemory/region/any/register"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/models/ocr/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/logging"),
]
OVER_GRPC = {
    "RepositoryIndex": lambda client: client.get_model_repository_index(),
    "RepositoryModelLoad": lambda client: client.load_model(
        "evil", config='{"backend": "python"}', files={"file:1/model.py": b"raise SystemExit"}
    ),
    "RepositoryModelUnload": lambda client: client.unload_model("det"),
    "SystemSharedMemoryStatus": lambda client: client.get_system_shared_memory_status(),
    "SystemSharedMemoryRegister": lambda client: client.register_system_shared_memory("any", "/any", 64),
    "CudaSharedMemoryStatus": lambda client: client.get_cuda_shared_memory_status(),
    "TraceSetting": lambda client: client.update_trace_settings(settings={"trace_level": "TIMESTAMPS"}),
    "LogSettings": lambda client: client.update_log_settings({"log_file": "/tmp/log"}),
}


@pytest.fixture(scope="module")
def header(server):
    """Name and value that the server expects, as everybody reads them in its command line."""
    (word,) = [word for word in server.command if word.startswith("--http-restricted-api=")]
    name, _, value = word.partition(":")[2].partition("=")
    return name, value


def variants(name, value):
    """Ways to write a header down that a parser might take for that name."""
    first, _, rest = name.partition(":")
    return [
        [],
        [(name, value)],
        [(name.lower(), value)],
        [(name.replace(" ", ""), value)],
        [(name.replace(":", "%3a"), value)],
        [(name.replace(":", "\t:"), value)],
        [(name.replace(":", "\0:"), value)],
        [(name.replace(":", "\r\n :"), value)],
        [(name.replace(":", "\\:"), value)],
        [(f'"{name}"', value)],
        [(f":{name}", value)],
        [(first, f"{rest}: {value}")],
        [(first, f"{rest}={value}")],
        [(first, value), (rest, value)],
    ]


@pytest.mark.parametrize(("method", "path"), OVER_HTTP)
def test_no_header_opens_an_api_over_http(server, raw_http, header, method, path):
    plain = raw_http(server.http_port, method, path, [])
    assert b" 403 " in plain
    assert b"see ocr-serve --help" in plain
    for headers in variants(*header):
        answer = raw_http(server.http_port, method, path, headers)
        assert not answer or answer.split()[1] in (b"400", b"403"), (headers, answer)


@pytest.mark.parametrize("call", OVER_GRPC)
def test_an_api_is_closed_to_grpc_clients(server, call):
    with InferenceServerClient(server.grpc_url) as client, pytest.raises(InferenceServerException, match="restricted"):
        OVER_GRPC[call](client)


@pytest.mark.parametrize("call", ["SystemSharedMemoryStatus", "RepositoryIndex"])
def test_no_metadata_opens_an_api_over_grpc(server, raw_grpc, header, call):
    for headers in variants(*header):
        answer = raw_grpc(server.grpc_port, call, [(f"triton-grpc-protocol-{name}", value) for name, value in headers])
        assert b"grpc-status" in answer
        assert b"grpc-status\x010" not in answer, (headers, answer)


def test_models_are_loaded_at_the_start_and_never_again(server):
    assert "--model-control-mode=none" in server.command
