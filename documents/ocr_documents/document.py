"""A document: pages to read, whatever file they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidResult
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult, Result

if TYPE_CHECKING:
    from typing_extensions import Self, TypeVar

    R = TypeVar("R", bound=Result, default=OcrResult)
else:
    from typing import TypeVar

    R = TypeVar("R")

Origin = Literal["ocr", "document"]
Task = Literal["ocr", "detect", "recognize"]
RESULTS: Mapping[Task, type[Result]] = MappingProxyType(
    {"ocr": OcrResult, "detect": DetectionResult, "recognize": RecognitionResult}
)
SCHEMA_VERSION = 1  # of the object of a page, which `formats/page.schema.json` describes


@dataclass(frozen=True)
class Page:
    """One page, ready to be read.

    Attributes:
        number: from 1 on.
        picture: bytes of a picture file of one page, or pixels (H, W, 3) uint8 BGR or (H, W) uint8 gray: a `Picture`.
        width_px: of the picture as a person sees it (EXIF orientation applied), as are boxes.
        height_px: likewise.
        dpi: pixels an inch; None where the file does not say it.
        text: the text that the document itself carries for this page, with its words; such a page need not be read.
            None where it carries none, or where the page is to be read all the same.
    """

    number: int
    picture: bytes | npt.NDArray[np.uint8]
    width_px: int
    height_px: int
    dpi: float | None
    text: OcrResult | None = None


class Document(Protocol):
    """A file that has been opened. Its pages may be asked for from several threads at once."""

    def __len__(self) -> int:
        """Return the number of its pages."""
        ...

    def page(self, number: int) -> Page:
        """Draw or cut out a page, counted from 1.

        Raises:
            DocumentError: it cannot be drawn, or passes a limit; other pages may do.
        """
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class PageResult(Generic[R]):
    """What stands on one page: what output formats are made from. All of them write a page of an OcrResult.

    A page on which lines were only found has a DetectionResult, and one that was read as a single line a
    RecognitionResult of that line.

    Attributes:
        number: of the page, from 1 on.
        width_px: of the picture that the boxes are in.
        height_px: likewise.
        dpi: pixels an inch; None where nothing says it.
        origin: "ocr" for what was read, "document" for text that the document itself carried.
        result: lines, and words where they were asked for.
    """

    number: int
    width_px: int
    height_px: int
    dpi: float | None
    origin: Origin
    result: R

    def __post_init__(self) -> None:
        """See that every number of the result is one, so that no format has to.

        Raises:
            InvalidResult: a box or a score is infinite, or not a number.
        """
        for name in ("boxes", "scores", "box_scores", "word_boxes", "word_scores"):
            if not np.isfinite(getattr(self.result, name, ())).all():
                raise InvalidResult(f"page {self.number}: {name} holds infinite values, or what is not a number")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for json.dumps; the fields of the result stand among those of the page."""
        page = {
            "schema_version": SCHEMA_VERSION,
            "page": self.number,
            "width": self.width_px,
            "height": self.height_px,
            "dpi": self.dpi,
        }
        return {**page, "origin": self.origin, "task": self.task, **self.result.to_dict()}

    @property
    def task(self) -> Task:
        """What was done with the page."""
        return next(task for task, kind in RESULTS.items() if isinstance(self.result, kind))

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], tasks: tuple[Task, ...] = ("ocr",)) -> PageResult[Any]:
        """Read what `to_dict` wrote.

        Args:
            document: the object of a page.
            tasks: those whose pages are taken; a page without texts is of no use to most that reads pages.

        Raises:
            KeyError: a field of the page is missing.
            InvalidResult: it is of another version or task, of an unknown origin, or its fields do not belong together.
        """
        if (version := document["schema_version"]) != SCHEMA_VERSION:
            raise InvalidResult(f"a page of schema version {version!r}: this program reads version {SCHEMA_VERSION}")
        number, width, height, dpi, origin = (document[name] for name in ("page", "width", "height", "dpi", "origin"))
        for name in ("page", "width", "height"):
            if type(document[name]) is not int or document[name] < 1:
                raise InvalidResult(f"{name}: expected a whole number from 1 on, got {document[name]!r:.60}")
        if dpi is not None and (type(dpi) not in (int, float) or not 0 < dpi < np.inf):
            raise InvalidResult(f"dpi: expected a number above 0, or none, got {dpi!r:.60}")
        for name in ("texts", "words"):
            if not all(isinstance(text, str) for text in document.get(name, ())):
                raise InvalidResult(f"{name}: expected texts, got something else among them")
        if origin not in get_args(Origin):
            raise InvalidResult(f"page {number}: expected an origin of {', '.join(get_args(Origin))}, got {origin!r}")
        if (task := document.get("task", "ocr")) not in tasks:
            raise InvalidResult(f"page {number}: expected a page of the task {' or '.join(tasks)}, got {task!r}")
        return PageResult(number, width, height, dpi, origin, RESULTS[task].from_dict(document))
