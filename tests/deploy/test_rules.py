"""Prometheus's own tool reads the rules, and finds that they make of series what rules.test.yml says."""

import re

import yaml
from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "monitoring"
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]


def test_prometheus_can_read_the_configuration_and_the_rules(run_tool):
    done = run_tool("promtool", "check", "config", FOLDER / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


def test_the_rules_do_what_they_are_for(run_tool):
    done = run_tool("promtool", "test", "rules", FOLDER / "rules.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tried_and_every_alert_is_seen_to_fire_and_not_to_fire():
    tests = yaml.safe_load((FOLDER / "rules.test.yml").read_text())["tests"]
    asked = " ".join(one["expr"] for test in tests for one in test.get("promql_expr_test", ()))
    assert {rule["record"] for rule in RULES if "record" in rule} == set(re.findall(r"\w+:\w+:\w+", asked))
    tried = {(one["alertname"], "exp_alerts" in one) for test in tests for one in test.get("alert_rule_test", ())}
    assert {(rule["alert"], fires) for rule in RULES if "alert" in rule for fires in (True, False)} == tried
