"""compose.yaml agrees with the Dockerfile, and keeps to what a server of pictures needs."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_gateway.cli import serve
from ocr_serve.checks import MIN_SHARED_MEMORY_MIB

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
GATEWAY = SERVICES.pop("gateway")


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_build_arguments_are_the_dockerfiles_with_its_defaults(service: dict[str, Any]) -> None:
    assert service["build"]["context"] == "."
    defaults = dict(re.findall(r"^ARG (\w+)(?:=(\S+))?$", DOCKERFILE, re.M))
    assert service["build"]["args"] == {name: f"${{{name}:-{default}}}" for name, default in defaults.items()}


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_ports_of_the_image_are_published_on_loopback_only(service: dict[str, Any]) -> None:
    exposed = re.findall(r"^EXPOSE (.*)$", DOCKERFILE, re.M)[0].split()
    published = [re.fullmatch(r"127\.0\.0\.1:\$\{\w+_PORT:-(\d+)\}:(\d+)", port) for port in service["ports"]]
    assert [match and match.groups() for match in published] == [(port, port) for port in exposed]


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_python_steps_have_shared_memory_and_the_rest_is_bounded(service: dict[str, Any]) -> None:
    gigabytes = {name: int(service[name].removesuffix("gb")) for name in ("shm_size", "mem_limit")}
    assert MIN_SHARED_MEMORY_MIB / 1024 < gigabytes["shm_size"] < gigabytes["mem_limit"]
    assert service["ulimits"]["nofile"]["soft"] >= 4096


@pytest.mark.parametrize("service", [*SERVICES.values(), GATEWAY], ids=[*SERVICES, "gateway"])
def test_nothing_can_be_written_but_in_memory_and_nobody_gains_rights(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "volumes", "ipc", "pid", "user"} & set(service)


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_health_is_what_the_image_says(service: dict[str, Any]) -> None:
    assert "healthcheck" not in service
    assert "HEALTHCHECK" in DOCKERFILE


def test_the_gateway_is_of_the_same_image_and_waits_for_the_server() -> None:
    assert GATEWAY["image"] == SERVICES["ocr"]["image"]
    assert "build" not in GATEWAY
    assert GATEWAY["profiles"] == ["web"]
    assert GATEWAY["depends_on"] == {"ocr": {"condition": "service_healthy"}}
    assert GATEWAY["entrypoint"][:3] == ["ocr-gateway", "--triton-url", "ocr:8001"]
    assert GATEWAY["ports"] == [f"127.0.0.1:${{WEB_PORT:-8080}}:{settings_port()}"]
    assert GATEWAY["healthcheck"]["test"][-1] == f"http://127.0.0.1:{settings_port()}/health/ready"


def settings_port() -> int:
    """Where ocr-gateway listens if nothing else is said."""
    (port,) = inspect.signature(serve).parameters["port"].default
    return int(port)


def test_only_the_gpu_service_reserves_a_gpu_and_only_it_needs_its_profile() -> None:
    on_cpu, on_gpu = SERVICES["ocr"], SERVICES["ocr-gpu"]
    assert not {"deploy", "profiles"} & set(on_cpu)
    assert on_cpu["command"] == ["--device", "cpu"]
    assert on_gpu["profiles"] == ["gpu"]
    assert on_gpu["command"] == ["--device", "gpu"]
    (device,) = on_gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
