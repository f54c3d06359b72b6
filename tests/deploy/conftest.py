"""The tools that look at deploy/: Helm, promtool, checkov and others. `make test` puts them into build/deploy-tools."""

import subprocess

import pytest
from tests.conftest import ROOT

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
