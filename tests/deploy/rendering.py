"""What Helm makes of the chart, for some sets of values that a user may give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from tests.conftest import ROOT

CHART = ROOT / "deploy" / "helm" / "triton-paddleocr"
RELEASE, NAMESPACE = "reader", "ocr"
NAME = f"{RELEASE}-triton-paddleocr"

SCALING = ("--set", "autoscaling.enabled=true,autoscaling.prometheus.serverAddress=http://prometheus:9090")
_GATEWAY = ("--set", "gateway.enabled=true")
_SECRETS = ("--set", "gateway.token.existingSecret=token,gateway.tls.existingSecret=certificate")
_MONITORED = (
    "--set",
    "monitoring.serviceMonitor.enabled=true,monitoring.rules.enabled=true,monitoring.dashboard.enabled=true",
)
CASES: dict[str, tuple[str, ...]] = {
    "cpu": (),
    "gpu": ("--values", str(CHART / "values-gpu.yaml")),
    "converted": ("--set", "models.source=convert,models.set=pp-ocrv6-tiny"),
    "claimed": ("--set", "models.source=claim,models.claim.name=ocr-models,models.claim.subPath=v6/model_repository"),
    "gateway": _GATEWAY,
    "everything": (
        *_GATEWAY,
        *_SECRETS,
        *SCALING,
        *_MONITORED,
        *("--set", "autoscaling.prometheus.authentication.name=keda-prometheus,server.labels.team=forms"),
        *("--set", "image.pullSecrets={registry},server.tritonArgs={--log-warning=false}"),
        *("--set-json", 'networkPolicy.serverClients=[{"podSelector":{"matchLabels":{"app":"jobs"}}}]'),
        *("--set-json", 'networkPolicy.gatewayClients=[{"podSelector":{"matchLabels":{"app":"web"}}}]'),
        *("--set-json", 'networkPolicy.gatewayEgress=[{"ports":[{"port":443,"protocol":"TCP"}]}]'),
        *("--set-json", 'server.nodeSelector={"disk":"fast"}'),
        *("--set-json", 'server.env=[{"name":"OMP_NUM_THREADS","value":"1"}]'),
    ),
    "least": (
        *("--set", "networkPolicy.enabled=false,disruptionBudget.enabled=false,serviceAccount.create=false"),
        *("--set", "fullnameOverride=reader-triton-paddleocr"),
    ),
}


@dataclass(frozen=True)
class Rendered:
    """What Helm has made: all documents, and the text as it was."""

    text: str
    documents: list[dict[str, Any]]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.documents if each["kind"] == kind]

    def one(self, kind: str, name: str = NAME) -> dict[str, Any]:
        (found,) = [each for each in self.all(kind) if each["metadata"]["name"] == name]
        return found

    def pod(self, name: str = NAME) -> dict[str, Any]:
        return self.one("Deployment", name)["spec"]["template"]["spec"]

    def container(self, name: str = NAME) -> dict[str, Any]:
        (container,) = self.pod(name)["containers"]
        return container


def command(*arguments: str) -> tuple[str, ...]:
    """The arguments of `helm template` for a set of values."""
    return ("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *arguments)


def read(text: str) -> Rendered:
    return Rendered(text, [document for document in yaml.safe_load_all(text) if document is not None])
