"""`ocr-bench recognition`: words that were cut out, read exactly or not, beside other packages on the same pictures."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.contenders import peer_child
from ocr_bench.contenders.contender import ChildContender
from ocr_bench.contenders.environments import CACHE, PEERS, Cache, Peers, prepare
from ocr_bench.errors import LabelError, PeerError
from ocr_bench.report import Cell, Table
from ocr_bench.runner import MODELS, Labelled, Measurement, OnDevice, Workplace
from ocr_bench.scoring.labels import Dataset, read_dataset
from ocr_bench.scoring.metrics import folded
from ocr_bench.target import Target
from onnxruntime_backend.settings import Device

ALONE = {"recognize": True}  # peer_child's option: a picture is one line


@dataclass(frozen=True)
class WordsRead:
    """What one side read of one set.

    Attributes:
        dataset: its name.
        side: who has read it.
        model_set: whose weights.
        labels: of the pictures.
        texts: that were read, in the order of the labels.
    """

    dataset: str
    side: str
    model_set: str
    labels: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def exact(self) -> int:
        """Words that equal their label, case and punctuation included."""
        return sum(label == text for label, text in zip(self.labels, self.texts, strict=True))

    @property
    def folded(self) -> int:
        """Words that equal their label in letters and digits, case aside."""
        return sum(folded(label) == folded(text) for label, text in zip(self.labels, self.texts, strict=True))

    def row(self) -> tuple[Cell, ...]:
        """Its row of the table."""
        words = len(self.labels)
        shares = (self.exact / words, self.folded / words)
        return (self.dataset, self.model_set, self.side, words, self.exact, shares[0], self.folded, shares[1])


@dataclass(frozen=True)
class AllRead:
    """What every side read; `versions` by side, and `missing` says why other sides are not among them."""

    read: list[WordsRead]
    versions: Mapping[str, Mapping[str, str]]
    missing: list[str]


def read_words(folder: Path) -> Dataset:
    """Read a set of pictures of one line each.

    Raises:
        LabelError: the labels are of another kind, or there is none.
    """
    dataset = read_dataset(folder)
    if dataset.kind != "words" or not dataset.pages:
        raise LabelError(
            f"{folder}: expected rec_gt.txt with pictures of one line each, found labels of whole pictures"
        )
    return dataset


@dataclass(frozen=True, kw_only=True)
class Recognition(Measurement[AllRead]):
    """Recognisers on pictures of single words or lines: how many are read exactly."""

    command: ClassVar[str] = "recognition"
    title: ClassVar[str] = "Recognition of words"

    device: OnDevice = Device.CPU
    folders: Labelled
    model_repository: Annotated[list[Path], Option(help="Model repository; repeatable.")] = field(
        default_factory=lambda: [MODELS]
    )
    peer: Peers = field(default_factory=lambda: [*PEERS])
    cache: Cache = CACHE

    @property
    def _targets(self) -> list[Target]:
        return [Target(path, self.device) for path in self.model_repository]

    def measure(self, place: Workplace) -> AllRead:
        """Let every side read every picture, one after the other."""
        datasets = [read_words(folder) for folder in self.folders]
        commands = {
            ("ours", target.model_set): peer_child.command(
                sys.executable, "local", {**target.reader_options(), **ALONE}
            )
            for target in self._targets
        }
        missing = []
        for peer in self.peer:
            if not peer.reads_lines:
                missing.append(f"{peer.name} is left out: it has no call for a picture of a single line.")
                continue
            try:
                asked = replace(peer, options={**peer.options, **ALONE})
                commands[peer.name, peer.model_set] = prepare(asked, self.cache)
            except PeerError as error:
                missing.append(f"{peer.name} is left out: {error}")
        found: list[WordsRead] = []
        versions: dict[str, Mapping[str, str]] = {}
        with ExitStack() as stack:
            pictures = sum(len(dataset.pages) for dataset in datasets)
            done = stack.enter_context(place.progress(pictures * len(commands)))
            for (name, model_set), command in commands.items():
                with closing(ChildContender(name, command, place.file(f"{name}-{model_set}.log"))) as side:
                    versions[name] = side.versions
                    for dataset in datasets:
                        texts = []
                        for page in dataset.pages:
                            texts.append(side.recognize(page.path))
                            done(f"{name}, {model_set}", 1)
                        labels = tuple(page.text for page in dataset.pages)
                        found.append(WordsRead(dataset.name, name, model_set, labels, tuple(texts)))
        return AllRead(sorted(found, key=lambda each: (each.dataset, each.model_set)), versions, missing)

    def intro(self, found: AllRead) -> str:
        """What the figures are."""
        return (
            "Pictures of one word or line each go to the recogniser as they are, one at a time: every side has a call "
            "for that, ours is `recognize`. Line orientation is off. Exact: the text equals its label, case and "
            "punctuation included, as in the case-sensitive evaluation of ICDAR 2015. Folded: their letters and digits "
            "are equal, case and punctuation aside. "
            f"Ours: {', '.join(target.label for target in self._targets)}."
        )

    def table(self, found: AllRead) -> Table:
        """One row a set, model set and side."""
        header = ("set", "model set", "read by", "words", "exact", "share", "folded", "share folded")
        return Table(header, tuple(each.row() for each in found.read), digits=3)

    def notes(self, found: AllRead) -> Sequence[str]:
        """What the sides are made of, and who is missing."""
        made_of = [
            f"{name}: {', '.join(f'{package} {version}' for package, version in versions.items())}."
            for name, versions in found.versions.items()
        ]
        return [*made_of, *found.missing]
