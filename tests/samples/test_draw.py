"""The committed sample pictures are what samples/draw.py draws, and their labels say what is on them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = ["receipt.png", "poster.jpg", "rotated.png", "small_lines.png", "exif.jpg", "blank.png"]
# FreeType places hints a little differently from release to release.
POINT_TOLERANCE_PX = 1
MEAN_TOLERANCE_LEVELS = 1.0


def read_labels(folder: Path) -> dict[str, list[dict[str, Any]]]:
    rows = (folder / "Label.txt").read_text(encoding="utf-8").splitlines()
    return {name: json.loads(lines) for name, lines in (row.split("\t") for row in rows)}


def points_of(lines: list[dict[str, Any]]) -> npt.NDArray[np.float64]:
    return np.array([line["points"] for line in lines], dtype=np.float64).reshape(-1, 4, 2)


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, SAMPLES / "draw.py", folder], check=True, timeout=120)
    return folder


def test_label_file_names_every_picture() -> None:
    assert list(read_labels(SAMPLES)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_redrawing_gives_the_committed_labels(redrawn: Path, name: str) -> None:
    old, new = read_labels(SAMPLES)[name], read_labels(redrawn)[name]
    assert [line["transcription"] for line in new] == [line["transcription"] for line in old]
    np.testing.assert_allclose(points_of(new), points_of(old), atol=POINT_TOLERANCE_PX)


@pytest.mark.parametrize("name", NAMES)
def test_redrawing_gives_the_committed_picture(redrawn: Path, name: str) -> None:
    old, new = (np.asarray(Image.open(folder / name).convert("RGB"), np.int16) for folder in (SAMPLES, redrawn))
    assert new.shape == old.shape
    assert np.abs(new - old).mean() < MEAN_TOLERANCE_LEVELS


@pytest.mark.parametrize("name", NAMES)
def test_quads_lie_on_the_upright_picture_and_turn_clockwise(name: str) -> None:
    points = points_of(read_labels(SAMPLES)[name])
    width, height = ImageOps.exif_transpose(Image.open(SAMPLES / name)).size
    assert (points >= 0).all()
    assert (points <= [width, height]).all()
    x, y = points[..., 0], points[..., 1]
    areas = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1) / 2
    assert (areas > 0).all()  # y points down: a positive area is clockwise


@pytest.mark.parametrize("name", NAMES)
def test_quads_hold_ink_up_to_their_edges(name: str) -> None:
    """A label that misses its text, or that was turned the wrong way, would hold an even ground."""
    pixels = np.asarray(ImageOps.exif_transpose(Image.open(SAMPLES / name)).convert("L"), np.float32)
    for line in read_labels(SAMPLES)[name]:
        quad = np.array(line["points"], np.float64)
        for third in range(3):  # the left, middle and right part of the line
            across, down = np.meshgrid(np.linspace(third / 3, (third + 1) / 3, 60), np.linspace(0.05, 0.95, 30))
            at = quad[0] + across[..., None] * (quad[1] - quad[0]) + down[..., None] * (quad[3] - quad[0])
            x, y = np.clip(np.rint(at).astype(int), 0, np.array(pixels.shape[::-1]) - 1).transpose(2, 0, 1)
            assert pixels[y, x].std() > 8, f"no ink in part {third} of {line['transcription']!r}"


def test_blank_has_no_text_and_the_others_have_both_scripts() -> None:
    labels = read_labels(SAMPLES)
    assert labels.pop("blank.png") == []
    for name, lines in labels.items():
        text = "".join(line["transcription"] for line in lines)
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text), name
        assert any("A" <= letter <= "z" for letter in text), name


def test_exif_picture_is_stored_sideways() -> None:
    picture = Image.open(SAMPLES / "exif.jpg")
    assert picture.getexif()[0x0112] == 6
    assert picture.width > picture.height


def test_rotated_picture_holds_the_promised_angles() -> None:
    points = points_of(read_labels(SAMPLES)["rotated.png"])
    direction = points[:, 1] - points[:, 0]
    degrees = np.rint(np.degrees(np.arctan2(direction[:, 1], direction[:, 0]))).astype(int).tolist()
    assert degrees.count(90) == 1
    assert sum(abs(angle - 10) <= 1 for angle in degrees) >= 4
    assert min(degrees) < -30


def test_small_lines_are_dense_and_small() -> None:
    points = points_of(read_labels(SAMPLES)["small_lines.png"])
    heights = np.linalg.norm(points[:, 3] - points[:, 0], axis=1)
    assert len(points) >= 80
    assert (heights <= 18).mean() > 0.9
