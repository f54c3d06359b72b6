"""Validators that need no cluster: Helm, the schemas of Kubernetes, policies, and the types of KServe's SDK."""

import json

import pytest
import yaml
from tests.conftest import ROOT
from tests.deploy.rendering import CASES, CHART, NAME, NAMESPACE, RELEASE

OLDEST, NEWEST = "1.27.0", "1.37.0"  # of Kubernetes
FOREIGN = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}  # not of Kubernetes itself; its schemas do not know them
# What `helm test` runs ends by itself: nobody asks whether it is alive or ready, and nobody sends anything to it.
ACCEPTED = {(check, f"Pod.{NAMESPACE}.{NAME}-test") for check in ("CKV_K8S_8", "CKV_K8S_9", "CKV2_K8S_6")}
HERE = ROOT / "tests" / "deploy"


@pytest.fixture(scope="module")
def manifests(cases, tmp_path_factory):
    """A folder with a file for each object of every case."""
    folder = tmp_path_factory.mktemp("manifests")
    for case, rendered in cases.items():
        for number, document in enumerate(rendered.documents):
            (folder / f"{case}-{number}-{document['kind']}.yaml").write_text(yaml.safe_dump(document))
    return folder


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_no_fault(run_tool, case):
    done = run_tool("helm", "lint", "--strict", CHART, *CASES[case])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_objects_of_kubernetes_fit_its_schemas(run_tool, manifests, version):
    files = [file for file in manifests.iterdir() if file.stem.rpartition("-")[2] not in FOREIGN]
    assert len(files) > 5 * len(CASES)
    done = run_tool("kubernetes-validate", "--strict", "--quiet", "-k", version, *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_oldest_kubernetes_is_the_one_that_the_chart_asks_for():
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={OLDEST}-0"


def test_policies_are_kept(run_tool, manifests):
    options = ("--config-file", HERE / "checkov.yaml", "--skip-download", "--output", "json")
    done = run_tool("checkov", "--directory", manifests, *options)
    result = json.loads(done.stdout)
    failed = {
        f"{one['check_id']} {one['check_name']}: {one['resource']} ({one['file_path']})"
        for one in result["results"]["failed_checks"]
        if (one["check_id"], one["resource"]) not in ACCEPTED
    }
    assert failed == set()
    assert result["summary"]["passed"] > 500


def test_what_kserve_is_given_fits_its_types_and_a_field_that_it_does_not_know_is_found(run_tool, tmp_path):
    files = sorted((ROOT / "deploy" / "kserve").glob("*.yaml"))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((ROOT / "deploy" / "kserve" / "service.yaml").read_text().replace("storageUri:", "storageURL:"))
    done = run_tool("python", HERE / "check_kserve.py", *files, wrong)
    assert done.stderr == f"{wrong}: V1beta1InferenceService has no .spec.predictor.model.storageURL\n"
    assert sorted(done.stdout.split()[1::2]) == ["V1alpha1ServingRuntime"] + 3 * ["V1beta1InferenceService"]


REFUSED = {
    "server.cpu=3": "additional properties 'cpu' not allowed",
    "server.device=gpu": "at '/server/gpus': minimum: got 0, want 1",
    "server.gpus=1": "at '/server/gpus': value must be 0",
    "server.sharedMemoryMiB=64": "at '/server/sharedMemoryMiB': minimum: got 64, want 1,088",
    "server.tritonArgs={verbose}": "'verbose' does not match pattern",
    "models.source=hub": "value must be one of 'image', 'convert', 'claim'",
    "models.source=claim": "at '/models/claim/name'",
    "image.digest=latest": "at '/image/digest'",
    "autoscaling.enabled=true": "at '/autoscaling/prometheus/serverAddress'",
    "autoscaling.minReplicas=0": "at '/autoscaling/minReplicas': minimum: got 0, want 1",
    "monitoring.serviceMonitor.intervalSeconds=60": "at '/monitoring/serviceMonitor/intervalSeconds': maximum: got 60",
    "server.rollingUpdate.maxSurge=0": "server.rollingUpdate.maxUnavailable are both 0",
    "gateway.token.existingsecret=a": "additional properties 'existingsecret' not allowed",
    "autoscaling.enabled=true,autoscaling.prometheus.serverAddress=http://a,autoscaling.minReplicas=9": (
        "autoscaling.maxReplicas is 8, which is less than autoscaling.minReplicas, 9"
    ),
}


@pytest.mark.parametrize(("values", "said"), REFUSED.items(), ids=REFUSED)
def test_a_wrong_value_is_refused_and_named(run_tool, values, said):
    done = run_tool("helm", "template", RELEASE, CHART, "--set", values)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_schema_knows_every_value_and_no_other():
    """So that a value that is added is described, and one that is gone is refused."""

    def names(schema, values, where=""):
        if schema.get("additionalProperties") is not False:
            return
        assert set(schema["properties"]) - {"global"} == set(values), where
        for name, value in values.items():
            if isinstance(value, dict):
                names(schema["properties"][name], value, f"{where}.{name}")

    schema = json.loads((CHART / "values.schema.json").read_text())
    names(schema, yaml.safe_load((CHART / "values.yaml").read_text()))
