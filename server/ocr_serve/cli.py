"""ocr-serve: check what the server needs, then become tritonserver."""

import os
import secrets
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ocr_contract.errors import InvalidModel
from ocr_pipeline.repository import ModelRepository
from ocr_serve import checks, cleaner
from ocr_serve.backend_directory import assemble
from ocr_serve.errors import ServeError, UnsupportedPlatform
from ocr_serve.platform_check import problem
from ocr_serve.repository import check_repository
from ocr_serve.tritonserver import TritonHome, find_triton
from onnxruntime_backend.settings import PRECISION_VARIABLE, Precision

CLOSED_APIS = "model-repository,logging"
MAX_HTTP_BYTES = 128 * 1024 * 1024
# What is freed goes back to the system sooner: the C library keeps an arena for each thread, and buffers of up to
# 32 MiB for others of their size, which pages of many sizes do not have. The keys are the variables that users know.
MALLOC_TUNABLES = {
    "MALLOC_ARENA_MAX": "glibc.malloc.arena_max=1",
    "MALLOC_MMAP_THRESHOLD_": "glibc.malloc.mmap_threshold=16777216",
    "MALLOC_TRIM_THRESHOLD_": "glibc.malloc.trim_threshold=33554432",
}
REGION_PREFIX = "triton_paddleocr_"  # of shared memory; the server's process id follows

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Device(str, Enum):
    """Where the ONNX models run."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


@app.command(context_settings={"allow_extra_args": True})
def serve(
    context: typer.Context,
    device: Annotated[
        Device, typer.Option(help="Where the ONNX models run; auto takes a GPU if there is one.")
    ] = Device.AUTO,
    precision: Annotated[
        Precision | None,
        typer.Option(help="Arithmetic of the networks on a CPU; without it what config.pbtxt says, else f32."),
    ] = None,
    model_repository: Annotated[Path, typer.Option(help="Folder with the models.")] = Path("model_repository"),
    address: Annotated[str, typer.Option(help="IP address to listen on; 0.0.0.0 for every interface.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    grpc_port: Annotated[int, typer.Option(min=1, max=65535)] = 8001,
    metrics_port: Annotated[int, typer.Option(min=1, max=65535)] = 8002,
    log_verbose: Annotated[int, typer.Option(min=0, help="Triton's verbosity; 1 shows every request.")] = 0,
) -> None:
    """Serve the model repository with Triton. Anything after -- goes to tritonserver."""
    try:
        home = find_triton()
        _check_platform(home)
        repository = ModelRepository(model_repository.resolve())
        installed = check_repository(repository)
        ports = {"--http-port": http_port, "--grpc-port": grpc_port, "--metrics-port": metrics_port}
        checks.check_ports(address, ports)
        checks.remove_stale_regions(REGION_PREFIX)
        checks.check_shared_memory()
        resolved = checks.resolve_device(device.value, home.is_container)
        if precision is not None:
            checks.check_precision(precision.value, resolved, home.is_container)
        checks.check_paths(Path(sys.prefix), repository.path)
        checks.check_arguments(context.args)
        arguments = [str(home.binary), *_backend_arguments(home), *_repository_arguments(repository)]
    except (ServeError, InvalidModel) as error:
        typer.echo(f"ocr-serve: {error}", err=True)
        raise typer.Exit(2) from error
    arguments += _restrictions(home)
    for service, port in zip(("http", "grpc", "metrics"), ports.values(), strict=True):
        arguments += [f"--{service}-address={address}", f"--{service}-port={port}"]
    arguments += [f"--log-verbose={log_verbose}", *context.args]
    environment = _environment(home, resolved)
    environment[PRECISION_VARIABLE] = "" if precision is None else precision.value
    typer.echo(f"ocr-serve: {installed.name} on {resolved}, http://{address}:{http_port}/v2/models/ocr", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    watch = [str(os.getpid()), _region_prefix(), address, str(http_port)]
    subprocess.Popen([sys.executable, "-I", "-S", cleaner.__file__, *watch])
    os.execve(home.binary, arguments, environment)  # noqa: S606 - a fixed program, no shell


def _check_platform(home: TritonHome) -> None:
    sentence = None if home.is_container else problem()
    if sentence:
        raise UnsupportedPlatform(sentence)


def _region_prefix() -> str:
    return f"{REGION_PREFIX}{os.getpid()}_"


def _backend_arguments(home: TritonHome) -> list[str]:
    arguments = [f"--backend-config=python,shm-region-prefix-name={_region_prefix()}"]
    if not home.is_container:
        checks.check_numpy()
        directory = assemble(home, Path(sys.prefix) / "share" / "triton-paddleocr" / "backends")
        arguments.append(f"--backend-directory={directory}")
    return arguments


def _repository_arguments(repository: ModelRepository) -> list[str]:
    return [
        f"--model-repository={repository.path}",
        "--model-control-mode=explicit",
        *(f"--load-model={model}" for model in repository.served_models()),
        "--disable-auto-complete-config",  # else the C++ onnxruntime backend invents a max_batch_size
    ]


def _restrictions(home: TritonHome) -> list[str]:
    # Loading a model runs its Python code, and a load request may carry that code with it; the logging API names files.
    # A key that nobody knows closes both to everybody.
    key = secrets.token_hex()
    arguments = [
        f"--http-restricted-api={CLOSED_APIS}:ocr-serve-key={key}",
        f"--grpc-restricted-protocol={CLOSED_APIS}:ocr-serve-key={key}",
    ]
    if home.has_option("http-max-input-size"):  # Triton from 25.06 on: 64 MiB by default, base64 needs a third more
        arguments.append(f"--http-max-input-size={MAX_HTTP_BYTES}")
    return arguments


def _environment(home: TritonHome, device: str) -> dict[str, str]:
    environment = dict(os.environ)
    # What the user has set wins: of two values of a tunable the later one counts, and each counts before its variable.
    tunables = [tunable for variable, tunable in MALLOC_TUNABLES.items() if variable not in environment]
    environment["GLIBC_TUNABLES"] = ":".join(filter(None, [*tunables, environment.get("GLIBC_TUNABLES")]))
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    if home.libraries is not None:
        paths = [str(home.libraries), environment.get("LD_LIBRARY_PATH", "")]
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, paths))
        # The stub finds its packages by way of the first python on PATH.
        environment["PATH"] = os.pathsep.join([str(Path(sys.prefix) / "bin"), environment.get("PATH", "")])
    return environment


def main() -> None:
    """Entry point of the command."""
    app()
