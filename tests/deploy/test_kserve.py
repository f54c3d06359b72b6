"""What KServe is given agrees with the image, with ocr-serve, and with the chart."""

import pytest
import typer
import yaml
from tests.conftest import ROOT
from tests.container.test_dockerfile import the_value
from tests.deploy.rendering import CHART

import ocr_serve.cli
from ocr_convert.export import IMAGE_PYTHON
from ocr_serve.checks import MIN_SHARED_MEMORY_MIB
from ocr_serve.command import MALLOC_TUNABLES

FOLDER = ROOT / "deploy" / "kserve"
RUNTIME = yaml.safe_load((FOLDER / "runtime.yaml").read_text())
SERVICE, STOCK = (
    next(yaml.safe_load_all((FOLDER / file).read_text())) for file in ("service.yaml", "service-stock.yaml")
)
(CONTAINER,) = RUNTIME["spec"]["containers"]
MODEL = STOCK["spec"]["predictor"]["model"]


def parsed(arguments):
    command = typer.main.get_command(ocr_serve.cli.app)
    with command.make_context("ocr-serve", list(arguments)) as context:
        return context.params


def test_the_runtime_starts_the_server_where_kserve_puts_models_and_expects_ports():
    asked = parsed(CONTAINER["args"])
    assert str(asked["model_repository"]) == "/mnt/models"
    ports = {one["name"]: one["containerPort"] for one in CONTAINER["ports"]}
    assert ports == {"http1": asked["http_port"], "grpc": asked["grpc_port"], "metrics": asked["metrics_port"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        words = CONTAINER[probe]["exec"]["command"]
        assert words[:2] == ["ocr-serve", "probe"]
        assert int(words[words.index("--http-port") + 1]) == asked["http_port"]


def test_models_of_the_image_are_chosen_by_one_more_argument():
    """As the comment in service.yaml says."""
    (line,) = [line for line in (FOLDER / "service.yaml").read_text().splitlines() if "#   args: [" in line]
    added = yaml.safe_load(line.strip("# "))["args"]
    asked = parsed([*CONTAINER["args"], *added])
    assert str(asked["model_repository"]) == f"{the_value('WORKDIR')}/model_repository"
    assert triton_args(added) == triton_args(SERVICE["spec"]["predictor"]["model"]["args"])


def triton_args(added):
    """What tritonserver is given of the arguments of a service, which stand behind those of the runtime."""
    command = typer.main.get_command(ocr_serve.cli.app)
    with command.make_context("ocr-serve", [*CONTAINER["args"], *added]) as context:
        return context.args


def test_clients_find_servers_that_were_added_as_with_the_chart():
    age_s = yaml.safe_load((CHART / "values.yaml").read_text())["server"]["grpcMaxConnectionAgeSeconds"]
    option = f"--grpc-max-connection-age={1000 * age_s}"
    assert triton_args(SERVICE["spec"]["predictor"]["model"]["args"]) == [option]
    assert option in MODEL["args"]


def test_probes_wait_as_long_as_those_of_the_chart():
    timeout_s = yaml.safe_load((CHART / "values.yaml").read_text())["server"]["probes"]["timeoutSeconds"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        words = CONTAINER[probe]["exec"]["command"]
        assert int(words[words.index("--timeout") + 1]) == timeout_s < CONTAINER[probe]["timeoutSeconds"]


def test_the_service_asks_for_the_runtime():
    model = SERVICE["spec"]["predictor"]["model"]
    assert model["runtime"] == RUNTIME["metadata"]["name"]
    assert SERVICE["metadata"]["namespace"] == RUNTIME["metadata"]["namespace"]
    assert model["modelFormat"]["name"] in [one["name"] for one in RUNTIME["spec"]["supportedModelFormats"]]
    assert model["protocolVersion"] in RUNTIME["spec"]["protocolVersions"]


@pytest.mark.parametrize("service", [SERVICE, STOCK], ids=lambda service: service["metadata"]["name"])
def test_keda_scales_in_standard_mode_by_a_value(service):
    """KServe hands `value` of the target to KEDA, and nothing else."""
    annotations = service["metadata"]["annotations"]
    assert annotations["serving.kserve.io/deploymentMode"] == "Standard"
    assert annotations["serving.kserve.io/autoscalerClass"] == "keda"
    predictor = service["spec"]["predictor"]
    (metric,) = predictor["autoScaling"]["metrics"]
    chart = yaml.safe_load((CHART / "values.yaml").read_text())
    assert float(metric["external"]["target"]["value"]) == chart["autoscaling"]["target"]
    assert predictor["minReplicas"] == chart["autoscaling"]["minReplicas"]
    assert predictor["maxReplicas"] == chart["autoscaling"]["maxReplicas"]


@pytest.mark.parametrize(
    ("container", "volumes"),
    [(CONTAINER, RUNTIME["spec"]["volumes"]), (MODEL, STOCK["spec"]["predictor"]["volumes"])],
    ids=["runtime", "stock"],
)
def test_shared_memory_is_there_and_counts_in_the_limit(container, volumes):
    sizes = {one["name"]: int(one["emptyDir"]["sizeLimit"].removesuffix("Mi")) for one in volumes}
    assert {one["mountPath"] for one in container["volumeMounts"]} == {"/dev/shm", "/tmp"}
    assert {one["name"] for one in container["volumeMounts"]} == set(sizes)
    assert sizes["shared-memory"] > MIN_SHARED_MEMORY_MIB
    assert int(container["resources"]["limits"]["memory"].removesuffix("Mi")) >= 4096 + sum(sizes.values())


def test_a_pod_is_given_longer_to_stop_than_the_server_takes():
    assert SERVICE["spec"]["predictor"]["terminationGracePeriodSeconds"] > 5 + 30 + ocr_serve.cli._LAST_S
    (option,) = [one for one in MODEL["args"] if one.startswith("--exit-timeout-secs=")]
    assert STOCK["spec"]["predictor"]["terminationGracePeriodSeconds"] > 5 + int(option.partition("=")[2])


def test_the_stock_image_is_the_one_that_a_self_contained_export_is_for():
    assert MODEL["runtimeVersion"] == the_value("ARG", stage=0).partition("=")[2] + "-py3"
    assert IMAGE_PYTHON == "3.12"  # of that image
    variables = {one["name"]: one["value"] for one in MODEL["env"]}
    assert variables["GLIBC_TUNABLES"] == ":".join(MALLOC_TUNABLES.values())
