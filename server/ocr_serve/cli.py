"""ocr-serve: check what the server needs, then keep tritonserver alive."""

import shlex
import sys
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ocr_contract.errors import OcrError
from ocr_pipeline import beats, tickets
from ocr_pipeline.repository import ModelRepository
from ocr_serve import checks, command
from ocr_serve.access import KNOWN_FLAWS, SAFE_TRITON, WHEEL_TRITON, check_access
from ocr_serve.arguments import check_arguments, exit_timeout_s
from ocr_serve.claim import Claim, claim, remove_stale
from ocr_serve.command import Api
from ocr_serve.errors import EnvironmentProblem, ServeError, UnsupportedPlatform
from ocr_serve.log import LogFormat, speaker
from ocr_serve.platform_check import problem
from ocr_serve.probe import problem as problem_of_server
from ocr_serve.repository import check_repository
from ocr_serve.running import Launch, Policy
from ocr_serve.supervisor import Supervisor
from ocr_serve.tritonserver import TritonHome, find_triton
from onnxruntime_backend.precision import (
    PRECISION_VARIABLE,
    REPORT,
    Precision,
    arithmetic,
    auto_of,
    check_precision,
)
from onnxruntime_backend.settings import Device

_LAST_S = 5.0  # beyond Triton's own limit for requests under way, when it is told to stop
_CANARY_S = 60.0  # that the answer to the known picture may take, by which ready is told

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class DeviceOption(str, Enum):
    """Where the ONNX models run."""

    AUTO = "auto"
    CPU = Device.CPU.value
    GPU = Device.GPU.value


@app.command(context_settings={"allow_extra_args": True})
def serve(
    context: typer.Context,
    device: Annotated[
        DeviceOption, typer.Option(help="Where the ONNX models run; auto takes a GPU if there is one.")
    ] = DeviceOption.AUTO,
    precision: Annotated[
        Precision,
        typer.Option(
            help="Arithmetic of the networks on a CPU; auto: what config.pbtxt says, else BF16 where the processor has "
            "it, else float32."
        ),
    ] = Precision.AUTO,
    model_repository: Annotated[Path, typer.Option(help="Folder with the models.")] = Path("model_repository"),
    address: Annotated[str, typer.Option(help="IP address to listen on; 0.0.0.0 for every interface.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    grpc_port: Annotated[int, typer.Option(min=1, max=65535)] = 8001,
    metrics_port: Annotated[int, typer.Option(min=1, max=65535)] = 8002,
    allow_shared_memory: Annotated[
        bool,
        typer.Option("--allow-shared-memory", help="Open the shared-memory API: clients may register shared memory."),
    ] = False,
    allow_trace: Annotated[
        bool, typer.Option("--allow-trace", help="Open the trace API: clients may have requests traced.")
    ] = False,
    allow_logging: Annotated[
        bool, typer.Option("--allow-logging", help="Open the logging API: clients may change what is logged.")
    ] = False,
    accept_known_flaws: Annotated[
        bool,
        typer.Option(
            "--accept-known-flaws",
            help=f"Listen where others reach this server, although Triton {WHEEL_TRITON}, which nvidia-pytriton "
            f"carries, has flaws that let them run code in it ({KNOWN_FLAWS}). The container has Triton {SAFE_TRITON} "
            "or newer.",
        ),
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option(help="How the log is written: text, or json, one object a line.")
    ] = LogFormat.TEXT,
    log_verbose: Annotated[int, typer.Option(min=0, help="Triton's verbosity; 1 shows every request.")] = 0,
    print_command: Annotated[
        bool,
        typer.Option(
            "--print-command", help="Print the command for a plain tritonserver with the backends it needs, and exit."
        ),
    ] = False,
) -> None:
    """Serve the model repository with Triton. Anything after -- goes to tritonserver."""
    ports = {"http": http_port, "grpc": grpc_port, "metrics": metrics_port}
    allowed = {Api.SHARED_MEMORY: allow_shared_memory, Api.TRACE: allow_trace, Api.LOGGING: allow_logging}
    say, complain = speaker(log_format), speaker(log_format, "error")
    try:
        home = _find_triton()
        if print_command:
            typer.echo(_plain_command(home, precision))
            return
        repository = ModelRepository(model_repository.resolve())
        installed = check_repository(repository)
        check_access(address, context.args, in_container=home.is_container, accepts_flaws=accept_known_flaws)
        checks.check_ports(address, {f"--{service}-port": port for service, port in ports.items()})
        asked = None if device is DeviceOption.AUTO else Device(device.value)
        resolved = checks.resolve_device(asked, home.is_container)
        checks.check_precision_is_taken(precision, home.is_container)
        check_precision(precision, resolved)
        computed = _arithmetic(home, repository, precision, resolved)
        checks.check_path(Path(sys.prefix))
        check_arguments(context.args)
        policy = Policy(stop_s=exit_timeout_s(context.args) + _LAST_S)
        closed = [api for api in Api if not allowed.get(api)]
        backends = command.backend_arguments(home)
        arguments = command.service_arguments(home, address, ports.items(), closed)
    except (ServeError, OcrError) as error:
        complain(str(error))
        raise typer.Exit(2) from error
    environment = command.environment(home, resolved)
    environment[PRECISION_VARIABLE] = precision.value
    url = f"http://{checks.host_and_port(address, http_port)}/v2/models/ocr"
    say(f"{installed.name} on {resolved.value} in {computed}, {url}")
    is_ready = partial(checks.is_ready, address, http_port)
    problem_of_reading = partial(problem_of_server, checks.reachable(address), http_port, _CANARY_S)

    def launch(restarts: int) -> Launch:
        own, lock = _claim(repository)
        words = [str(home.binary), *backends, *command.model_arguments(own), *arguments]
        words += [f"--log-verbose={log_verbose}", *context.args]
        variables = {**environment, beats.RESTARTS_VARIABLE: str(restarts)}
        is_json = log_format is LogFormat.JSON
        return Launch(words, variables, own, lock, is_ready, problem_of_reading, has_json_log=is_json)

    try:
        code = Supervisor(launch, policy, say).run()
    except (ServeError, OcrError) as error:
        complain(str(error))
        raise typer.Exit(2) from error
    raise typer.Exit(code)


def _find_triton() -> TritonHome:
    home = find_triton()
    sentence = None if home.is_container else problem()
    if sentence:
        raise UnsupportedPlatform(sentence)
    return home


def _arithmetic(home: TritonHome, repository: ModelRepository, precision: Precision, device: Device) -> str:
    """What the networks compute in. In the container ONNX Runtime has OpenVINO compute in float32 on every CPU."""
    if home.is_container and device is Device.CPU:
        return Precision.F32.value
    of_set = auto_of(repository.file("rec", REPORT))
    return arithmetic(repository.reading_networks(), precision, device, of_set)


def _plain_command(home: TritonHome, precision: Precision) -> str:
    variables = command.library_environment(home)
    if precision is not Precision.AUTO:  # which is the backend's own default
        checks.check_precision_is_taken(precision, home.is_container)
        variables[PRECISION_VARIABLE] = precision.value
    words = [f"{name}={value}" for name, value in variables.items()]
    checks.check_path(Path(sys.prefix))
    return shlex.join(["env", *words, str(home.binary), *command.backend_arguments(home)])


def _claim(repository: ModelRepository) -> tuple[Claim, int]:
    """Room in shared memory, and in it the folder of the models that are served."""
    try:
        remove_stale()
        checks.check_shared_memory()
        own, lock = claim()
        own.link_models(repository.path / model for model in repository.served_models())
        beats.ask(own.models)
        tickets.ask(own.models)
    except OSError as error:
        raise EnvironmentProblem(f"shared memory cannot be used, which the Python steps need: {error}") from error
    return own, lock


probe_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@probe_app.command("probe")
def probe(
    host: Annotated[str, typer.Option(help="Name or IP address of the server.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that the answer may take.")] = 10.0,
    accept_busy: Annotated[
        bool,
        typer.Option(
            "--accept-busy", help="Exit with 0 also where the server refuses the picture because it is at too many."
        ),
    ] = False,
) -> None:
    """Have a running server read a small picture; the exit code is 0 where it has read it right, else 1."""
    if sentence := problem_of_server(host, http_port, timeout, accepts_busy=accept_busy):
        typer.echo(f"ocr-serve probe: {sentence}", err=True)
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the command. Everything after `--` is tritonserver's, so a group of commands would not do."""
    if sys.argv[1:2] == ["probe"]:
        probe_app(sys.argv[2:], prog_name="ocr-serve probe")
    app()
