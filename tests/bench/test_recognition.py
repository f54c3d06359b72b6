"""Words that were cut out: what counts as read, and every side reads every picture."""

import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from ocr_bench.contenders import environments, peer_child
from ocr_bench.contenders.contender import ChildContender
from ocr_bench.contenders.environments import Peer
from ocr_bench.errors import LabelError
from ocr_bench.measurements import recognition
from ocr_bench.measurements.recognition import AllRead, Recognition, WordsRead
from ocr_bench.runner import Workplace
from ocr_client.drawing.fonts import open_font

WORDS = ("Invoice", "88123", "TOTAL")

# A peer that reads the name of the file, and nothing of the first.
CHILD = """
from pathlib import Path
from ocr_bench.contenders import peer_child

def read(path):
    return [], [Path(path).stem] if "Invoice" not in path else [], []

peer_child.serve("fake", lambda: read)
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A folder with pictures of one word each, and their labels."""
    folder = tmp_path / "words"
    folder.mkdir()
    for word in WORDS:
        picture = Image.new("RGB", (40 + 20 * len(word), 48), "white")
        ImageDraw.Draw(picture).text((10, 4), word, fill="black", font=open_font()(32))
        picture.save(folder / f"{word}.png")
    (folder / "rec_gt.txt").write_text("".join(f"{word}.png\t{word}\n" for word in WORDS), encoding="utf-8")
    return folder


def test_what_counts_as_read() -> None:
    read = WordsRead("set", "ours", "v4", ("Bit.", "SALE", "50%", "sale"), ("Bit.", "sale", "50", "sa1e"))
    assert (read.exact, read.folded) == (1, 3)
    assert read.row() == ("set", "v4", "ours", 4, 1, 0.25, 3, 0.75)


def test_the_table_and_what_stands_below() -> None:
    read = [WordsRead("set", "ours", "v4", ("a",), ("a",)), WordsRead("set", "peer", "v4", ("a",), ("b",))]
    found = AllRead(read, {"ours": {"numpy": "1"}, "peer": {"numpy": "2", "x": "3"}}, ["y is left out: why"])
    measurement = Recognition(folders=[])
    assert "| set | v4 | peer | 1 | 0 | 0.000 | 0 | 0.000 |" in measurement.table(found).markdown()
    assert measurement.notes(found) == ["ours: numpy 1.", "peer: numpy 2, x 3.", "y is left out: why"]


def test_labels_of_whole_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "page_gt.txt").write_text("", encoding="utf-8")
    with pytest.raises(LabelError, match=r"expected rec_gt\.txt"):
        Recognition(folders=[tmp_path]).measure(Workplace(tmp_path, "recognition"))


def test_a_child_that_reads_nothing_of_a_picture_gives_an_empty_text(tmp_path: Path) -> None:
    child = ChildContender("fake", [sys.executable, "-c", CHILD], tmp_path / "log")
    try:
        assert [child.recognize(Path(f"{word}.png")) for word in WORDS] == ["", *WORDS[1:]]
    finally:
        child.close()


def test_ours_and_a_peer_read_every_word(
    words: Path, model_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def prepare(peer: Peer, cache: Path) -> list[str]:
        asked.append(peer.options)
        return [sys.executable, "-c", CHILD]

    monkeypatch.setattr(recognition, "prepare", prepare)  # the environments are other packages'
    peer = environments.peer_named("rapidocr")
    without = environments.peer_named("faster-paddle-tiny")
    found = Recognition(folders=[words], model_repository=[model_repository], peer=[peer, without]).measure(
        Workplace(tmp_path, "recognition")
    )
    ours, other = found.read
    assert (ours.side, ours.model_set, ours.texts) == ("ours", "pp-ocrv4-mobile", WORDS)
    assert (other.side, other.exact, other.labels) == ("rapidocr", 2, WORDS)
    assert asked == [{"use_cls": False, "recognize": True}]
    assert found.missing == ["faster-paddle-tiny is left out: it has no call for a picture of a single line."]
    assert "numpy" in found.versions["ours"]


def test_packages_are_not_told_what_is_not_their_option() -> None:
    assert peer_child.split({"use_cls": False, "recognize": True}) == ({"use_cls": False}, True)
    assert peer_child.split({"use_cls": False}) == ({"use_cls": False}, False)
