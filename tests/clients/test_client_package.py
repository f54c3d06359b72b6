"""The client as a distribution of its own: what it holds, what it brings along, and that it reads by itself."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

CLIENTS = Path(__file__).resolve().parent.parent.parent / "clients"
UNWANTED = ("cuda-python", "gevent", "geventhttpclient", "matplotlib", "opencv-python", "opencv-python-headless")


def done(*command: str | Path, folder: Path) -> str:
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=200, check=False, cwd=folder
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def uv() -> str:
    """uv of this environment, or of this machine."""
    found = shutil.which("uv", path=str(Path(sys.prefix) / "bin")) or shutil.which("uv")
    assert found, "these tests install with uv"
    return found


def built(kind: str, source: Path, target: Path) -> Path:
    """The archive that hatchling makes of a folder, "wheel" or "sdist"."""
    done(sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", target, folder=source)
    return next(target.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from an unpacked sdist, as pip does it."""
    folder = tmp_path_factory.mktemp("client")
    with tarfile.open(built("sdist", CLIENTS, folder / "sdist")) as sdist:
        assert all(member.isfile() for member in sdist), "a link in an sdist leads nowhere"
        sdist.extractall(folder / "source", filter="data")
    return built("wheel", next((folder / "source").iterdir()), folder / "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the client and what it asks for."""
    folder = tmp_path_factory.mktemp("installed")
    done(uv(), "venv", "--python", sys.executable, folder / "venv", folder=folder)
    done(uv(), "pip", "install", "--python", folder / "venv" / "bin" / "python", wheel, folder=folder)
    return folder / "venv" / "bin"


def test_the_wheel_holds_the_client_and_the_contract(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(built("wheel", CLIENTS, tmp_path / "w")) as from_tree:
        names = set(archive.namelist())
        assert names == set(from_tree.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "ocr_client",
        "ocr_contract",
        "ocr_documents",
    }
    assert {
        "ocr_client/py.typed",
        "ocr_contract/py.typed",
        "ocr_contract/options.py",
        "ocr_documents/reading.py",
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_client_tells_its_version(installed: Path, wheel: Path, tmp_path: Path) -> None:
    program = "import ocr_client; print(ocr_client.__version__)"
    assert done(installed / "python", "-c", program, folder=tmp_path).strip() == wheel.name.split("-")[1]


def test_what_is_not_needed_is_not_installed(installed: Path, tmp_path: Path) -> None:
    listed = done(uv(), "pip", "list", "--format", "freeze", "--python", installed / "python", folder=tmp_path)
    names = {line.split("==")[0] for line in listed.splitlines()}
    assert "triton-paddleocr-client" in names
    assert names.isdisjoint(UNWANTED)
    assert "triton-paddleocr" not in names
    assert int(next(line for line in listed.splitlines() if line.startswith("numpy=="))[7:].split(".")[0]) >= 2


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_the_installed_client_reads_a_page(
    protocol: str,
    installed: Path,
    url_of: Callable[[str], str],
    page_png: bytes,
    lines: tuple[str, ...],
    tmp_path: Path,
) -> None:
    (tmp_path / "page.png").write_bytes(page_png)
    read = done(
        installed / "ocr-client", "page.png", "--url", url_of(protocol), "--protocol", protocol, folder=tmp_path
    )
    assert ["".join(text.split()) for text in read.splitlines()] == ["".join(text.split()) for text in lines]


def test_no_version_is_pinned_from_above(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA"))).decode()
    asked = [line for line in metadata.splitlines() if line.startswith(("Requires-Dist:", "Requires-Python:"))]
    always = [line for line in asked if "extra ==" not in line]  # an extra may need one interface of a package
    assert len(always) >= 7
    assert not [line for line in always if re.search(r"==[^']*$|[<~!]=?", line.split(";")[0])]
