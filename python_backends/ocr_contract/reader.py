"""The one way to read pictures, whatever stands behind it: a server over HTTP or gRPC, or the models in process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ocr_contract.errors import InvalidImage
from ocr_contract.options import OCR, Options
from ocr_contract.result import DetectionResult, OcrResult, RecognitionResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

# str and PathLike name a file. An array is (H, W) gray, (H, W, 3) BGR or (H, W, 4) BGRA, uint8 or uint16.
Picture = bytes | bytearray | memoryview | str | os.PathLike[str] | npt.NDArray[Any]


class Reader(Protocol):
    """Reads pictures; may be used from several threads at once."""

    def ocr(self, image: Picture, **options: Unpack[Options]) -> OcrResult:
        """Read the text of a picture."""
        ...

    def detect(self, image: Picture, **options: Unpack[Options]) -> DetectionResult:
        """Find the text lines of a picture without reading them."""
        ...

    def recognize(self, images: Sequence[Picture], **options: Unpack[Options]) -> RecognitionResult:
        """Read pictures of one text line each."""
        ...

    def is_ready(self, endpoint: str = OCR) -> bool:
        """Tell whether a request to the endpoint would be answered."""
        ...

    def close(self) -> None:
        """Give back what is held; a closed reader reads no more."""
        ...


class AsyncReader(Protocol):
    """Reader for asyncio."""

    async def ocr(self, image: Picture, **options: Unpack[Options]) -> OcrResult:
        """Read the text of a picture."""
        ...

    async def detect(self, image: Picture, **options: Unpack[Options]) -> DetectionResult:
        """Find the text lines of a picture without reading them."""
        ...

    async def recognize(self, images: Sequence[Picture], **options: Unpack[Options]) -> RecognitionResult:
        """Read pictures of one text line each."""
        ...

    async def is_ready(self, endpoint: str = OCR) -> bool:
        """Tell whether a request to the endpoint would be answered."""
        ...

    async def close(self) -> None:
        """Give back what is held; a closed reader reads no more."""
        ...


def picture_content(image: Picture) -> bytes | npt.NDArray[Any]:
    """What a picture holds: the bytes of a file, or an array that has been checked.

    Raises:
        InvalidImage: the file cannot be read, or the array is not a picture.
        TypeError: it is none of the types of `Picture`.
    """
    if isinstance(image, np.ndarray):
        _check_array(image)
        return image
    if isinstance(image, str | os.PathLike):
        try:
            return Path(image).read_bytes()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InvalidImage(f"cannot read {os.fspath(image)!r}: {reason}") from error
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    raise TypeError(f"image: expected bytes, a path or a numpy array, got {type(image).__name__}")


def _check_array(pixels: npt.NDArray[Any]) -> None:
    """See that an array is a picture, as `Picture` says.

    Raises:
        InvalidImage: it is not.
    """
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise InvalidImage(
            "an array picture is uint8 or uint16 of shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, "
            f"got {pixels.dtype} {pixels.shape}"
        )
    if pixels.size == 0:
        raise InvalidImage(f"an array picture has at least one pixel, got shape {pixels.shape}")


def check_pictures(images: Sequence[Picture]) -> Sequence[Picture]:
    """`images`, seen to be several pictures and not one.

    Raises:
        TypeError: it is a single picture.
    """
    if isinstance(images, bytes | bytearray | memoryview | str | os.PathLike | np.ndarray):
        raise TypeError("recognize takes a list of line pictures; put a single one into a list")
    return images
