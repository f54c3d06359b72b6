"""The files for Prometheus and Grafana: they can be read, and ask for what the server and the gateway tell."""

import json
import re

import promql_parser
import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.conftest import ROOT, SAMPLES

FOLDER = ROOT / "deploy" / "monitoring"
PROMETHEUS = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
GRAFANA = {"$__rate_interval": "5m", "$server": ".*", "$gateway": ".*"}


def plain(expression):
    """An expression as Prometheus sees it, with the variables of Grafana filled in."""
    for variable, value in GRAFANA.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


EXPRESSIONS = {
    **{f"rule {rule.get('alert', rule.get('record'))}": rule["expr"] for rule in RULES},
    **{
        f"panel {panel['title']}, {target['refId']}": plain(target["expr"])
        for panel in PANELS
        for target in panel["targets"]
    },
    **{f"annotation {one['name']}": plain(one["expr"]) for one in DASHBOARD["annotations"]["list"]},
}


def parts(expression, kind):
    """All parts of a parsed expression that are of a kind."""
    found = []
    promql_parser.walk(expression, found.append)
    return [part for part in found if isinstance(part, kind)]


def selectors(text):
    return parts(promql_parser.parse(text), promql_parser.VectorSelector)


@pytest.fixture(scope="module")
def series(server, gateway):
    """Every series that Prometheus gets, as names and labels: of the server, of the gateway, and what rules make."""
    for _ in range(2):
        assert requests.post(f"{gateway}/read", data=(SAMPLES / "receipt.png").read_bytes(), timeout=60).ok
    found = {}
    for job, url in (("ocr", f"http://{server.metrics_url}/metrics"), ("ocr-gateway", f"{gateway}/metrics")):
        lines = requests.get(url, timeout=30).text.splitlines()
        untyped = [line for line in lines if not line.startswith("#")]  # else counters would be given the suffix _total
        for family in text_string_to_metric_families("\n".join([*untyped, ""])):
            for sample in family.samples:
                found.setdefault(sample.name, []).append({**sample.labels, "job": job, "instance": "here"})
        found.setdefault("up", []).append({"job": job, "instance": "here"})
    for rule in RULES:
        if "record" in rule:
            (by,) = re.findall(r"sum by \(([^)]*)\)", rule["expr"])[:1]
            labels = [label.strip() for label in by.split(",") if label.strip() != "le"]
            source = selectors(rule["expr"])[0].name
            found[rule["record"]] = [{label: one[label] for label in labels} for one in found[source]]
    return found


def fits(labels, matcher):
    value = labels.get(matcher.name, "")
    if matcher.op in (promql_parser.MatchOp.Equal, promql_parser.MatchOp.NotEqual):
        return (value == matcher.value) == (matcher.op == promql_parser.MatchOp.Equal)
    return (re.fullmatch(matcher.value, value) is not None) == (matcher.op == promql_parser.MatchOp.Re)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(name, series):
    found = selectors(EXPRESSIONS[name])
    assert found
    for selector in found:
        assert selector.name in series, f"nobody exports {selector.name}"
        matchers = selector.matchers.matchers
        there = [labels for labels in series[selector.name] if all(fits(labels, one) for one in matchers)]
        assert there, f"no series of {selector.name} fits {selector.prettify()}"


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_groups_by_labels_that_there_are(name, series):
    for group in parts(promql_parser.parse(EXPRESSIONS[name]), promql_parser.AggregateExpr):
        for selector in parts(group.expr, promql_parser.VectorSelector):
            wanted = set(group.modifier.labels) if group.modifier is not None else set()
            there = {*series[selector.name][0], "pod"}  # which Prometheus adds where there are pods
            assert wanted <= there, selector.name


def test_prometheus_loads_the_rules_and_asks_both():
    assert all((FOLDER / file).is_file() for file in PROMETHEUS["rule_files"])
    asked = {one["job_name"]: one["static_configs"][0]["targets"] for one in PROMETHEUS["scrape_configs"]}
    assert asked == {"ocr": ["127.0.0.1:8002"], "ocr-gateway": ["127.0.0.1:8080"]}


def test_every_alert_says_what_is_wrong_and_is_described():
    alerts = [rule for rule in RULES if "alert" in rule]
    page = (ROOT / "docs" / "monitoring.md").read_text()
    for alert in alerts:
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert alert["annotations"]["summary"]
        assert f"| `{alert['alert']}` |" in page
    assert page.count("| `Ocr") == len(alerts)


def test_panels_do_not_overlap_and_have_names_of_their_own():
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
