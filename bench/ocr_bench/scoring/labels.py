"""PaddleOCR's label formats, read into one typed data set.

    Label.txt     image<TAB>[{"transcription": text, "points": [[x, y] * >= 3]}, ...]    "###" = do not care
    page_gt.txt   image<TAB>all words of the page, in any order, without boxes
    rec_gt.txt    image of one line<TAB>its text

Paths stand relative to the folder of the label file; PPOCRLabel writes them relative to that folder's parent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from ocr_bench.errors import LabelError

DO_NOT_CARE = "###"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})

Kind = Literal["lines", "page", "words"]
Polygon = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Line:
    """One labelled region: its text and its corners, polygon (K, 2) float32 in pixels (x, y), K >= 3."""

    text: str
    polygon: Polygon

    @property
    def care(self) -> bool:
        """False for a region that is neither to be found nor to be punished."""
        return self.text != DO_NOT_CARE


@dataclass(frozen=True)
class Page:
    """One labelled picture; `lines` is empty where the label has no boxes, `text` is all its text, spaces between."""

    path: Path
    text: str
    lines: tuple[Line, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the label holds all text of the picture: no region of it is marked do-not-care."""
        return all(line.care for line in self.lines)


@dataclass(frozen=True)
class Dataset:
    """A folder of labelled pictures of one kind: `lines` has boxes, `page` only text, `words` one line a picture."""

    name: str
    kind: Kind
    pages: tuple[Page, ...]


def rows(file: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, image name, label) of a tab-separated label file, skipping empty lines."""
    # split("\n") and not splitlines(): labels may hold U+2028 and other line ends of Unicode
    for number, row in enumerate(file.read_text(encoding="utf-8-sig").split("\n"), start=1):
        row = row.rstrip("\r")  # noqa: PLW2901
        if not row:
            continue
        name, tab, label = row.partition("\t")
        if not tab:
            raise LabelError(f"{file}:{number}: expected image<TAB>label, found no tab")
        yield number, name, label


def picture_path(file: Path, number: int, name: str) -> Path:
    """Find the picture that a row of `file` names.

    Raises:
        LabelError: the picture lies neither in the folder of the label file nor in that folder's parent.
    """
    for folder in (file.parent, file.parent.parent):
        if (folder / name).is_file():
            return folder / name
    raise LabelError(f"{file}:{number}: no picture {name!r} in {file.parent} or its parent")


def parse_lines(file: Path, number: int, label: str) -> tuple[Line, ...]:
    """Parse the JSON of one row of Label.txt.

    Raises:
        LabelError: not a list of objects with a transcription and at least three points.
    """
    try:
        parsed = []
        for item in json.loads(label):
            polygon = np.asarray(item["points"], dtype=np.float32)
            if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
                raise LabelError(f"{file}:{number}: expected at least 3 points [x, y], got {item['points']!r}")
            parsed.append(Line(str(item["transcription"]), polygon))
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise LabelError(f'{file}:{number}: expected [{{"transcription", "points"}}, ...]: {error}') from error
    return tuple(parsed)


def read_labels(file: Path) -> tuple[Page, ...]:
    """Read Label.txt: pictures with lines and boxes."""
    pages = []
    for number, name, label in rows(file):
        lines = parse_lines(file, number, label)
        text = " ".join(line.text for line in lines if line.care)
        pages.append(Page(picture_path(file, number, name), text, lines))
    return tuple(pages)


def read_texts(file: Path) -> tuple[Page, ...]:
    """Read page_gt.txt or rec_gt.txt: pictures with text and no boxes."""
    return tuple(Page(picture_path(file, number, name), label) for number, name, label in rows(file))


def read_dataset(folder: Path) -> Dataset:
    """Read the labelled pictures of a folder.

    Raises:
        LabelError: the folder has none or several of Label.txt, page_gt.txt and rec_gt.txt, or a broken one.
    """
    kinds: dict[str, Kind] = {"Label.txt": "lines", "page_gt.txt": "page", "rec_gt.txt": "words"}
    found = [name for name in kinds if (folder / name).is_file()]
    if len(found) != 1:
        raise LabelError(f"{folder}: expected one of {', '.join(kinds)}, found {', '.join(found) or 'none'}")
    file = folder / found[0]
    pages = read_labels(file) if found[0] == "Label.txt" else read_texts(file)
    return Dataset(folder.resolve().name, kinds[found[0]], pages)


def read_datasets(folders: Sequence[Path]) -> list[Dataset]:
    """Read several sets that are told apart by the names of their folders.

    Raises:
        LabelError: labels that cannot be read or name no picture, or two folders of one name.
    """
    datasets = [read_dataset(folder) for folder in folders]
    for folder, dataset in zip(folders, datasets, strict=True):
        if not dataset.pages:
            raise LabelError(f"{folder}: expected labels of at least one picture, found none")
    names = [dataset.name for dataset in datasets]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise LabelError(f"expected folders of different names, got several of {', '.join(twice)}; rename them")
    return datasets


def find_pictures(sources: list[Path], limit: int | None = None) -> list[Path]:
    """List pictures: the files named, and those of the folders named, sorted within each folder.

    Args:
        sources: pictures and folders.
        limit: pictures taken of each folder, the first ones.

    Raises:
        LabelError: a source that does not exist, or no picture at all.
    """
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found += sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURES)[:limit]
        elif source.is_file():
            found.append(source)
        else:
            raise LabelError(f"{source}: no such file or folder")
    if not found:
        raise LabelError(f"no picture in {', '.join(map(str, sources))}; expected {', '.join(sorted(PICTURES))}")
    return found
