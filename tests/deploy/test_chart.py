"""The chart agrees with what the image holds, what the server needs, and what it exports."""

import json
import re
import subprocess

import typer
import yaml
from tests.conftest import OCR_SERVE, ROOT
from tests.container.test_dockerfile import DOCKERFILE, the_value
from tests.deploy.rendering import CASES, CHART, NAME, NAMESPACE, SCALING

import ocr_convert.cli
import ocr_gateway.cli
import ocr_serve.cli
from ocr_client.address import Address
from ocr_contract import __version__
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET
from ocr_gateway import health
from ocr_serve.arguments import exit_timeout_s
from ocr_serve.checks import MIN_SHARED_MEMORY_MIB

GATEWAY = f"{NAME}-gateway"
PROGRAMS = {"ocr-serve": ocr_serve.cli.app, "ocr-gateway": ocr_gateway.cli.app, "ocr-convert": ocr_convert.cli.app}
ADMIT = ROOT / "model_repository" / "admit" / "config.pbtxt"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


def containers(rendered):
    """Every container, those that begin included, with the pod that it is in."""
    pods = [each["spec"]["template"]["spec"] for each in rendered.all("Deployment")]
    pods += [each["spec"] for each in rendered.all("Pod")]
    return [(pod, one) for pod in pods for one in (*pod.get("initContainers", ()), *pod["containers"])]


def parsed(words):
    """What one of the project's programs understands of a command; refuses what it does not know."""
    program, *arguments = map(str, words)
    app = PROGRAMS[program]
    if arguments[:1] == ["probe"]:
        app, arguments = ocr_serve.cli.probe_app, arguments[1:]
    command = typer.main.get_command(app)
    with command.make_context(program, arguments) as context:
        return context


def of_server(rendered):
    container = rendered.container()
    return parsed([*container["command"], *container["args"]])


def mebibytes(quantity):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def test_versions_are_those_of_the_project():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__


def test_every_container_starts_a_program_of_the_image_with_options_that_it_has(rendered):
    for _, container in containers(rendered):
        words = [*container["command"], *container.get("args", ())]
        assert parsed(words) is not None
        if words[0] == "ocr-convert":
            assert container["image"].startswith("triton-paddleocr-convert:")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if "exec" in container.get(probe, {}):
                asked = parsed(container[probe]["exec"]["command"])
                assert asked.params["timeout"] < container[probe]["timeoutSeconds"]


def test_options_of_triton_are_known_to_it(cases):
    """The wheel's Triton is older than the image's; what the chart gives both have."""
    plain = subprocess.run([*OCR_SERVE, "--print-command"], capture_output=True, text=True, check=True).stdout
    answer = subprocess.run(["bash", "-c", f"{plain.strip()} --help"], capture_output=True, text=True, check=False)
    known = set(re.findall(r"^\s*(--[a-z-]+)", answer.stdout + answer.stderr, re.M))
    given = {word.partition("=")[0] for rendered in cases.values() for word in of_server(rendered).args}
    assert {"--exit-timeout-secs", "--grpc-max-connection-age"} <= given <= known


def test_shared_memory_and_tmp_are_memory_and_count_in_the_limit(rendered):
    pod, container = rendered.pod(), rendered.container()
    sizes = {
        one["name"]: mebibytes(one["emptyDir"]["sizeLimit"])
        for one in pod["volumes"]
        if one.get("emptyDir", {}).get("medium") == "Memory"
    }
    assert {one["name"]: one["mountPath"] for one in container["volumeMounts"] if one["name"] in sizes} == {
        "shared-memory": "/dev/shm",
        "tmp": "/tmp",
    }
    assert sizes["shared-memory"] > MIN_SHARED_MEMORY_MIB
    own = mebibytes(container["resources"]["limits"]["memory"]) - sum(sizes.values())
    assert own >= VALUES["server"]["memoryMiB"]
    assert container["resources"]["limits"] == container["resources"]["requests"]


def test_a_pod_is_given_longer_to_stop_than_the_server_takes(rendered):
    pod, container = rendered.pod(), rendered.container()
    slept = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    needed = slept + exit_timeout_s(of_server(rendered).args) + ocr_serve.cli._LAST_S
    assert pod["terminationGracePeriodSeconds"] > needed
    if rendered.all("Deployment")[1:]:
        gateway, container = rendered.pod(GATEWAY), rendered.container(GATEWAY)
        stop = parsed([*container["command"], *container["args"]]).params["stop_timeout"]
        assert gateway["terminationGracePeriodSeconds"] > slept + stop


def test_probes_read_a_picture_and_leave_a_busy_server_alone(rendered):
    container = rendered.container()
    asked = {
        probe: parsed(container[probe]["exec"]["command"]).params["accept_busy"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert asked == {"startupProbe": False, "readinessProbe": True, "livenessProbe": True}
    # The picture waits behind as many as a server takes, and one core reads 0.6 a second (RESULTS: 1.2 by two).
    found = re.search(r'"max_in_flight" value: \{ string_value: "(\d+)"', ADMIT.read_text())
    assert parsed(container["readinessProbe"]["exec"]["command"]).params["timeout"] >= int(found[1]) / 0.6
    # ocr-serve sees a step that hangs within 150 s; the kubelet must not be faster, or both would start it anew.
    liveness = container["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 300


def test_nobody_gains_rights_and_nothing_is_written_but_in_volumes(rendered):
    for pod, container in containers(rendered):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] >= 1000
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        names = {one["name"] for one in pod.get("volumes", ())}
        assert {one["name"] for one in container.get("volumeMounts", ())} <= names


def test_models_are_where_the_image_or_a_volume_has_them(cases):
    entrypoint = json.loads(the_value("ENTRYPOINT"))
    baked = entrypoint[entrypoint.index("--model-repository") + 1]
    served = {name: str(of_server(rendered).params["model_repository"]) for name, rendered in cases.items()}
    assert served.pop("converted") == served.pop("claimed") == "/models/model_repository"
    assert set(served.values()) == {baked}

    converted = cases["converted"].pod()
    (convert,) = converted["initContainers"]
    asked = parsed([*convert["command"], *convert["args"]]).params
    assert (asked["model_set"], str(asked["model_repository"])) == ("pp-ocrv6-tiny", "/models/model_repository")
    assert VALUES["models"]["set"] == DEFAULT_MODEL_SET
    mounts = {one["name"]: one for one in convert["volumeMounts"]}
    assert not mounts["models"].get("readOnly")

    (claimed,) = [one for one in cases["claimed"].container()["volumeMounts"] if one["name"] == "models"]
    assert claimed == {
        "name": "models",
        "mountPath": "/models/model_repository",
        "subPath": "v6/model_repository",
        "readOnly": True,
    }


def test_the_image_of_the_init_container_is_a_stage_of_the_dockerfile():
    stages = [found.value for found in DOCKERFILE if found.keyword == "FROM"]
    assert stages[0].endswith(" AS convert")


def test_a_gpu_is_asked_for_where_the_networks_run_on_one(cases):
    for name, rendered in cases.items():
        gpus = rendered.container()["resources"]["limits"].get("nvidia.com/gpu", 0)
        assert (gpus, of_server(rendered).params["device"].value) == ((1, "gpu") if name == "gpu" else (0, "cpu"))


def test_services_lead_to_pods_at_ports_that_they_have(rendered):
    deployments = {one["metadata"]["name"]: one["spec"]["template"] for one in rendered.all("Deployment")}
    for service in rendered.all("Service"):
        name = service["metadata"]["name"].removesuffix("-headless")
        template = deployments[name]
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        (container,) = template["spec"]["containers"]
        there = {one["name"]: one["containerPort"] for one in container["ports"]}
        for port in service["spec"]["ports"]:
            assert there[port["targetPort"]] == port["port"]
    selectors = [tuple(one["spec"]["selector"]["matchLabels"].items()) for one in rendered.all("Deployment")]
    assert len(set(selectors)) == len(selectors)


def test_ports_are_those_of_the_image(rendered):
    exposed = [int(port) for port in the_value("EXPOSE").split()]
    asked = of_server(rendered).params
    assert [asked[f"{name}_port"] for name in ("http", "grpc", "metrics")] == exposed
    assert [one["containerPort"] for one in rendered.container()["ports"]] == exposed


def test_a_client_can_find_all_servers_by_one_name(rendered):
    headless = rendered.one("Service", f"{NAME}-headless")["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["selector"] == rendered.one("Service")["spec"]["selector"]


def test_the_gateway_asks_all_servers_and_has_its_secrets_as_files(cases):
    container = cases["everything"].container(GATEWAY)
    asked = parsed([*container["command"], *container["args"]]).params
    servers = Address.parse(asked["triton_url"], "grpc")
    assert (servers.host, servers.port, servers.is_every) == (f"{NAME}-headless", 8001, True)
    volumes = {one["name"]: one.get("secret") for one in cases["everything"].pod(GATEWAY)["volumes"]}
    paths = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert volumes["token"]["secretName"] == "token"
    assert str(asked["token_file"]) == f"{paths['token']}/{volumes['token']['items'][0]['path']}"
    assert volumes["tls"]["secretName"] == "certificate"
    assert {str(asked["tls_certificate"]), str(asked["tls_key"])} == {
        f"{paths['tls']}/tls.{end}" for end in ("crt", "key")
    }
    assert {container[probe]["httpGet"]["scheme"] for probe in ("readinessProbe", "livenessProbe")} == {"HTTPS"}

    plain = cases["gateway"].container(GATEWAY)
    asked = parsed([*plain["command"], *plain["args"]]).params
    assert (asked["token_file"], asked["tls_key"]) == (None, None)
    assert plain["readinessProbe"]["httpGet"]["scheme"] == "HTTP"
    # Where other clients fill the servers, every gateway would else be taken away.
    assert plain["readinessProbe"]["httpGet"]["path"] == "/health/ready?accept_busy=true"
    assert plain["readinessProbe"]["timeoutSeconds"] > health.TIMEOUT_S + health._SAYS_READY_S


def allowed(rendered, name=NAME):
    """Who may reach which ports, as a network policy says."""
    return {
        tuple(port["port"] for port in rule["ports"]): rule.get("from")
        for rule in rendered.one("NetworkPolicy", name)["spec"]["ingress"]
    }


def component(peer):
    return peer["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/component", "every pod")


def test_only_the_gateway_reaches_the_servers_where_there_is_one(cases):
    assert [component(peer) for peer in allowed(cases["cpu"])["http", "grpc"]] == ["test", "every pod"]
    assert [component(peer) for peer in allowed(cases["gateway"])["http", "grpc"]] == ["test", "gateway"]
    peers = allowed(cases["everything"])["http", "grpc"]
    assert peers[2:] == [{"podSelector": {"matchLabels": {"app": "jobs"}}}]
    assert allowed(cases["gateway"], GATEWAY)["web",] is None
    assert {"podSelector": {"matchLabels": {"app": "web"}}} in allowed(cases["everything"], GATEWAY)["web",]


def test_a_server_reaches_nobody_unless_it_fetches_models(cases):
    assert cases["cpu"].one("NetworkPolicy")["spec"]["egress"] == []
    ports = [
        [port["port"] for port in rule["ports"]] for rule in cases["converted"].one("NetworkPolicy")["spec"]["egress"]
    ]
    assert ports == [[53, 53], [443]]
    assert not cases["least"].all("NetworkPolicy")


def test_one_pod_at_a_time_may_be_taken_away(cases):
    budgets = {one["metadata"]["name"]: one["spec"] for one in cases["everything"].all("PodDisruptionBudget")}
    assert set(budgets) == {NAME, GATEWAY}
    for name, budget in budgets.items():
        assert budget["maxUnavailable"] == 1
        assert budget["selector"] == cases["everything"].one("Deployment", name)["spec"]["selector"]
    assert not cases["least"].all("PodDisruptionBudget")


def test_prometheus_asks_each_server_once_and_knows_it_as_the_rules_do(cases):
    monitors = {one["metadata"]["name"]: one["spec"] for one in cases["everything"].all("ServiceMonitor")}
    for name, job in ((NAME, "ocr"), (GATEWAY, "ocr-gateway")):
        (endpoint,) = monitors[name]["endpoints"]
        services = [
            one["metadata"]["name"]
            for one in cases["everything"].all("Service")
            if monitors[name]["selector"]["matchLabels"].items() <= one["metadata"]["labels"].items()
            and endpoint["port"] in [port["name"] for port in one["spec"]["ports"]]
        ]
        assert services == [name]
        assert {"targetLabel": "job", "replacement": job} in endpoint["relabelings"]
    (endpoint,) = monitors[GATEWAY]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "token", "key": "token"}
    assert endpoint["scheme"] == "https"


def test_rules_and_dashboard_are_those_of_the_folder_monitoring(cases):
    folder = ROOT / "deploy" / "monitoring"
    rules = cases["everything"].one("PrometheusRule")
    assert rules["spec"] == yaml.safe_load((folder / "rules.yml").read_text())
    (board,) = cases["everything"].one("ConfigMap", f"{NAME}-dashboard")["data"].values()
    assert json.loads(board) == json.loads((folder / "grafana-dashboard.json").read_text())


def test_keda_scales_the_servers_and_nobody_else_sets_their_number(cases):
    scaled = cases["everything"].one("ScaledObject")["spec"]
    deployment = cases["everything"].one("Deployment")
    assert scaled["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    assert cases["cpu"].one("Deployment")["spec"]["replicas"] == 1
    (trigger,) = scaled["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("prometheus", "AverageValue")
    # KEDA takes strings alone.
    assert {type(value) for value in trigger["metadata"].values()} == {str}
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert scaled["fallback"]["replicas"] == scaled["minReplicaCount"] == 1
    assert trigger["authenticationRef"] == {"name": "keda-prometheus"}


def notes(run_tool, *arguments):
    """What helm install says when it has ended."""
    done = run_tool("helm", "install", "reader", CHART, "--namespace", NAMESPACE, "--dry-run=client", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:")[2]


def test_the_notes_say_what_is_open(run_tool):
    assert "no authentication and no TLS" in notes(run_tool)
    assert "ASKS FOR NO TOKEN" in notes(run_tool, *CASES["gateway"])
    assert "ASKS FOR NO TOKEN" not in notes(run_tool, *CASES["everything"])
    assert "every pod of the cluster reaches the server" in notes(run_tool, *CASES["least"])


def test_the_notes_say_where_the_gateway_asks_for_fewer_servers_than_there_may_be(run_tool):
    def of(*settings):
        return notes(run_tool, *CASES["gateway"], *SCALING, *(("--set", ",".join(settings)) if settings else ()))

    said = of()
    assert "AT 2 OR BELOW" in said
    assert "is 8: it has at most 8 pages" in said
    assert "be at least 48." in said
    # A request may be one picture.
    assert "AT 6 OR BELOW" in of("gateway.concurrency=48")
    assert "AT 3 OR BELOW" in of("autoscaling.target=3")
    for enough in ("autoscaling.maxReplicas=2", "gateway.replicas=6"):
        assert "OR BELOW" not in of(enough)
    assert "OR BELOW" not in notes(run_tool, *SCALING)
    assert "OR BELOW" not in notes(run_tool, *CASES["gateway"])


def load_query(text):
    """A query for load without the labels by which servers are chosen, and its spaces."""
    text = re.sub(r"sum by \(instance\) ", "sum", text)
    text = re.sub(r'(SELECTOR|job="[^"]*"|namespace="[^"]*"|service="[^"]*"|pod=~"[^"]*"),', "", text)
    return " ".join(text.split())


def test_all_scale_on_the_figure_that_the_dashboard_shows(cases):
    """tests/gateway/test_monitoring.py checks its rule against what a running server exports."""
    groups = yaml.safe_load((ROOT / "deploy" / "monitoring" / "rules.yml").read_text())["groups"]
    name = "instance:ocr_requests_under_way:mean1m"
    (rule,) = [one["expr"] for group in groups for one in group["rules"] if one.get("record") == name]
    (trigger,) = cases["everything"].one("ScaledObject")["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    assert load_query(query) == load_query(rule)
    assert query.count(f'{{job="ocr",namespace="{NAMESPACE}",service="{NAME}",') == 2
    for file in ("service.yaml", "service-stock.yaml"):
        service, monitor = yaml.safe_load_all((ROOT / "deploy" / "kserve" / file).read_text())
        (metric,) = service["spec"]["predictor"]["autoScaling"]["metrics"]
        query = metric["external"]["metric"]["query"]
        assert load_query(query) == load_query(rule)
        metadata = service["metadata"]
        assert (
            query.count(f'{{job="ocr",namespace="{metadata["namespace"]}",pod=~"{metadata["name"]}-predictor-.+",') == 2
        )
        assert monitor["spec"]["selector"]["matchLabels"] == {"serving.kserve.io/inferenceservice": metadata["name"]}


def test_load_is_that_of_the_steps_alone():
    """Networks and endpoints are not counted: a step waits for the network, and the endpoint for the steps."""
    (others,) = set(re.findall(r'model!~"([^"]+)"', VALUES["autoscaling"]["query"]))
    models = {path.parent.name for path in (ROOT / "model_repository").glob("*/config.pbtxt")}
    steps = {path.parent.parent.name for path in (ROOT / "model_repository").glob("*/1/model.py")}
    assert set(others.split("|")) == models - steps
