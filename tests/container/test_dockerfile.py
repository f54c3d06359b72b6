"""The Dockerfile agrees with pyproject.toml, with the lock files and with what lies in the repository."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
STAGES = 2
OLDEST_SAFE_TRITON = (26, 7)


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its continuation lines joined."""

    stage: int  # 0: before the first FROM
    keyword: str
    value: str


def read_dockerfile(text: str) -> list[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    instructions: list[Instruction] = []
    stage = 0
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        if line.strip():
            keyword, value = line.split(maxsplit=1)
            stage += keyword == "FROM"
            instructions.append(Instruction(stage, keyword, value))
    return instructions


DOCKERFILE = read_dockerfile((ROOT / "Dockerfile").read_text(encoding="utf-8"))
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CLIENT: dict[str, Any] = tomllib.loads((ROOT / "clients" / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def values(keyword: str, stage: int = STAGES) -> list[str]:
    return [found.value for found in DOCKERFILE if found.keyword == keyword and found.stage == stage]


def the_value(keyword: str, stage: int = STAGES) -> str:
    found = values(keyword, stage)
    assert len(found) == 1, f"{keyword} of stage {stage}: {found}"
    return found[0]


def context_paths() -> list[str]:
    """Everything that the build takes from the repository, by COPY or by a bind mount."""
    paths: list[str] = []
    for found in DOCKERFILE:
        if found.keyword == "COPY" and not found.value.startswith("--from"):
            paths += shlex.split(found.value)[:-1]
        for mount in re.findall(r"--mount=(\S+)", found.value):
            options = dict(option.split("=", 1) for option in mount.split(","))
            if "from" not in options:
                paths.append(options["source"])
    return paths


def health_check() -> list[str]:
    command: list[str] = json.loads(the_value("HEALTHCHECK").split("CMD", 1)[1])
    return command


@pytest.mark.parametrize("path", context_paths())
def test_what_the_build_copies_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_package_of_the_wheel_is_copied_before_it_is_built() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = {Path(package).parts[0] for package in wheel["only-include"]}
    assert folders <= set(context_paths())
    assert "./clients ." in next(value for value in values("RUN", 1) if "pip wheel" in value)
    assert {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml"} <= set(context_paths())


def test_triton_is_not_older_than_its_fixes() -> None:
    version = re.fullmatch(r"TRITON_VERSION=(\d+)\.(\d+)", the_value("ARG", stage=0))
    assert version is not None
    assert tuple(map(int, version.groups())) >= OLDEST_SAFE_TRITON
    assert the_value("FROM", STAGES) == "nvcr.io/nvidia/tritonserver:${TRITON_VERSION}-py3"


def extras(project: dict[str, Any]) -> list[str]:
    """What the gateway needs beside the server."""
    optional = project["optional-dependencies"]
    return [each for extra in ("gateway", "draw", "documents") for each in optional.get(extra, ())]


def test_server_image_installs_what_the_projects_depend_on_and_nothing_else_of_its_own() -> None:
    lock = (ROOT / "requirements-container.lock").read_text(encoding="utf-8")
    pinned = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.M)}
    needed = {
        canonicalize_name(dependency.name): dependency.specifier
        for project in (PROJECT, CLIENT)
        for dependency in map(Requirement, [*project["dependencies"], *extras(project)])
        if dependency.name != CLIENT["name"]
    }
    for name, specifier in needed.items():
        assert pinned[name] in specifier
    direct = re.findall(r"^([\w.-]+)==(?:(?!^\w)[\s\S])*?(?:# via|#  ) triton-paddleocr", lock, re.M)
    assert {canonicalize_name(name) for name in direct} == set(needed)


def test_server_image_has_the_numpy_that_the_wheel_server_is_tested_with() -> None:
    numpy_pins = [
        re.findall(r"^numpy==(\S+)", (ROOT / f"requirements-{lock}.lock").read_text(encoding="utf-8"), re.M)
        for lock in ("cpu", "container")
    ]
    assert numpy_pins[0] == numpy_pins[1]


def test_every_lock_is_installed_with_its_hashes() -> None:
    installs = [found.value for found in DOCKERFILE if found.keyword == "RUN" and ".lock" in found.value]
    assert len(installs) == STAGES
    for install in installs:
        assert "--require-hashes" in install
        assert "--no-deps" in install


def test_no_benchmark_reaches_an_image() -> None:
    assert not [path for path in context_paths() if path.startswith("bench")]
    lock = (ROOT / "requirements-container.lock").read_text(encoding="utf-8")
    assert not re.search(r"^(matplotlib|psutil|rapidfuzz|shapely)==", lock, re.M)


def test_no_build_tool_reaches_the_server_image() -> None:
    for command in values("RUN"):
        assert not re.search(r"\bapt(-get)?\b|\bpip wheel\b|hatch|paddle|\bgcc\b|\bcmake\b", command)
    lock = (ROOT / "requirements-container.lock").read_text(encoding="utf-8")
    assert not re.search(r"^(hatchling|setuptools|wheel|paddlepaddle|paddle2onnx|onnx)==", lock, re.M)


def test_server_does_not_run_as_root() -> None:
    user = the_value("USER")
    assert user.split(":")[0] not in ("root", "0")
    last = [found.keyword for found in DOCKERFILE if found.stage == STAGES]
    assert last.index("USER") > max(index for index, keyword in enumerate(last) if keyword in ("RUN", "COPY"))


def test_entrypoint_is_a_script_of_the_project_with_options_it_has() -> None:
    script, *arguments = json.loads(the_value("ENTRYPOINT"))
    module, function = PROJECT["scripts"][script].split(":")
    cli = importlib.import_module(module)
    assert callable(getattr(cli, function))
    (command,) = cli.app.registered_commands
    parameters = inspect.signature(command.callback).parameters
    for option in (word for word in [*arguments, *json.loads(the_value("CMD"))] if word.startswith("--")):
        assert option.removeprefix("--").replace("-", "_") in parameters
    assert dict(zip(arguments[::2], arguments[1::2], strict=True))["--address"] == "0.0.0.0"  # noqa: S104


def test_models_are_converted_with_a_script_of_the_project_and_served_from_where_they_are_copied() -> None:
    convert = next(value for value in values("RUN", 1) if "MODEL_SET" in value)
    assert shlex.split(convert)[0] in PROJECT["scripts"]
    assert "MODEL_SET" in values("ARG", 1)
    source, target = next(value for value in values("COPY") if value.startswith("--from=convert")).split()[1:]
    assert source == f"{the_value('WORKDIR', 1)}/model_repository"
    entrypoint = json.loads(the_value("ENTRYPOINT"))
    served = entrypoint[entrypoint.index("--model-repository") + 1]
    assert served == f"{the_value('WORKDIR')}/{target.rstrip('/')}"


def test_health_check_reads_a_picture_through_the_whole_pipeline() -> None:
    command = health_check()
    assert command[:2] == ["ocr-serve", "probe"]
