"""Read objects of KServe with its SDK's types, and say what those do not know. Runs in build/deploy-tools.

The SDK drops a field that it does not know, and says nothing; so what it has read is written again, and compared.
"""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import kserve
import kubernetes.client.models
import yaml
from kubernetes.client import ApiClient

TYPES = {
    ("serving.kserve.io/v1beta1", "InferenceService"): "V1beta1InferenceService",
    ("serving.kserve.io/v1alpha1", "ServingRuntime"): "V1alpha1ServingRuntime",
}


def missing(given: object, read: object, where: str = "") -> list[str]:
    """Paths of what is in the one and not, or otherwise, in the other."""
    if isinstance(given, dict) and isinstance(read, dict):
        return [path for key in given for path in missing(given[key], read.get(key), f"{where}.{key}")]
    if isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        return [path for i, one in enumerate(given) for path in missing(one, read[i], f"{where}[{i}]")]
    return [] if given == read else [where]


def main() -> None:
    """Check the files that are named; the exit code is 1 where a type does not fit."""
    client = ApiClient()  # asks nobody: it only reads and writes
    types = kubernetes.client.models  # where the client looks for all of them
    for name in filter(re.compile("V[0-9]").match, dir(kserve.models)):
        setattr(types, name, getattr(kserve.models, name))
    # The SDK names two types that it does not have: one of Kubernetes, and one that is written as a string.
    types.K8sIoApiAutoscalingV2HorizontalPodAutoscalerBehavior = types.V2HorizontalPodAutoscalerBehavior
    types.V1beta1MetricQuantity = str
    faults = []
    for file in sys.argv[1:]:
        for given in yaml.safe_load_all(Path(file).read_text(encoding="utf-8")):
            if kind := TYPES.get((given["apiVersion"], given["kind"])):
                try:
                    typed = client.deserialize(SimpleNamespace(data=json.dumps(given)), kind)
                except (ValueError, TypeError, AttributeError) as error:
                    faults.append(f"{file}: {given['kind']}: {error}")
                    continue
                read = client.sanitize_for_serialization(typed)
                faults += [f"{file}: {kind} has no {path}" for path in missing(given, read)]
                print(f"{file}: {kind}")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
