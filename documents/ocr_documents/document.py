"""A document: pages to read, whatever file they come from."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidResult
from ocr_contract.result import OcrResult

if TYPE_CHECKING:
    from typing_extensions import Self

Origin = Literal["ocr", "document"]
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
class PageResult:
    """What stands on one page: what every output format is made from.

    Attributes:
        number: of the page, from 1 on.
        width_px: of the picture that the boxes are in.
        height_px: likewise.
        dpi: pixels an inch; None where nothing says it.
        origin: "ocr" for what was read, "document" for text that the document itself carried.
        result: lines, and words where the format needs them.
    """

    number: int
    width_px: int
    height_px: int
    dpi: float | None
    origin: Origin
    result: OcrResult

    def __post_init__(self) -> None:
        """See that every number of the result is one, so that no format has to.

        Raises:
            InvalidResult: a box or a score is infinite, or not a number.
        """
        for name in ("boxes", "scores", "box_scores", "word_boxes", "word_scores"):
            if not np.isfinite(getattr(self.result, name)).all():
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
        return {**page, "origin": self.origin, **self.result.to_dict()}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> PageResult:
        """Read what `to_dict` wrote.

        Raises:
            KeyError: a field of the page is missing.
            InvalidResult: it is of another version, of an unknown origin, or its fields do not belong together.
        """
        if (version := document["schema_version"]) != SCHEMA_VERSION:
            raise InvalidResult(f"a page of schema version {version!r}: this program reads version {SCHEMA_VERSION}")
        number, width, height, dpi, origin = (document[name] for name in ("page", "width", "height", "dpi", "origin"))
        if origin not in get_args(Origin):
            raise InvalidResult(f"page {number}: expected an origin of {', '.join(get_args(Origin))}, got {origin!r}")
        return cls(number, width, height, dpi, origin, OcrResult.from_dict(document))
