"""The tools that look at deploy/: Helm, promtool, checkov and others. `make test` puts them into build/deploy-tools."""

import subprocess

import pytest
from tests.conftest import ROOT
from tests.deploy.rendering import CASES, command, read

TOOLS = ROOT / "build" / "deploy-tools" / "bin"


@pytest.fixture(scope="session")
def run_tool():
    """Run one of them in the repository's root; returns the ended process."""

    def run(name, *arguments, **options):
        tool = TOOLS / name
        assert tool.exists(), f"{tool} is not there: run make test-tools"
        command = [str(tool), *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, **options)

    return run


@pytest.fixture(scope="session")
def render(run_tool):
    """What Helm makes of the chart with some arguments."""

    def render(*arguments):
        done = run_tool("helm", *command(*arguments))
        assert done.returncode == 0, done.stderr
        return read(done.stdout)

    return render


@pytest.fixture(scope="session")
def cases(render):
    """What it makes of each set of values."""
    return {name: render(*arguments) for name, arguments in CASES.items()}


@pytest.fixture(scope="session", params=CASES)
def rendered(request, cases):
    """What it makes of one of them."""
    return cases[request.param]
