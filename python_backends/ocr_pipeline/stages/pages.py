"""An image file opened at one of its pictures: the pages of a TIFF file, the pictures of an animation."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from ocr_contract.errors import ImageTooLarge, InvalidImage
from ocr_contract.tiff import MAX_PAGES, TiffLayout, begun_at, tiff_pages
from ocr_pipeline.stages.files import FORMATS

ANIMATION_SHARE = 10  # how many of the largest pictures may be decoded to come to a page of an animation


@contextmanager
def opened(data: bytes) -> Iterator[ImageFile]:
    """An image file as Pillow opens it.

    Raises:
        InvalidImage: Pillow does not know it, or finds it broken while the body runs.
        ImageTooLarge: it has more pixels than Pillow opens in this process.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            yield picture
    except UnidentifiedImageError as error:
        if TiffLayout.of(data[:4]) is not None:
            raise InvalidImage("image cannot be decoded: the file is broken, Pillow finds no TIFF picture") from error
        raise InvalidImage(f"not an image: expected {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:  # Pillow's own guard, which is this process's to set
        raise ImageTooLarge(
            f"{error}; raise max_pixels in the config.pbtxt of det_batcher or rec_preprocess, "
            "in a process of your own PIL.Image.MAX_IMAGE_PIXELS"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidImage(f"image cannot be decoded: {error}") from error
    # What Pillow comes upon in a file whose fields are nonsense.
    except (TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, struct.error) as error:
        raise InvalidImage(f"image cannot be decoded: the file is broken ({error!r})") from error


def check_size(width: int, height: int, limit: int, kind: str) -> None:
    """See that a picture of some kind has no more pixels than its limit.

    Raises:
        ImageTooLarge: it has more.
    """
    if width * height > limit:
        raise ImageTooLarge(
            f"image has {width} x {height} pixels, the limit is {limit} for {kind}; "
            "raise max_pixels in the config.pbtxt of det_batcher or rec_preprocess"
        )


def tiff_begun_at(data: bytes, page: int) -> bytes:
    """A TIFF file with `page` as its first: Pillow reads all pages before the one that it turns to.

    A file of another kind is returned as it is.

    Raises:
        InvalidImage: the file has too many pages, or no such page, or is a document of several and none is named.
    """
    offsets = tiff_pages(io.BytesIO(data))
    pages = len(offsets)
    if not pages:
        return data
    if pages > MAX_PAGES:
        raise InvalidImage(f"image cannot be decoded: a TIFF file of more than {MAX_PAGES} pages")
    if page == 0 and pages > 1:
        raise InvalidImage(
            f"the TIFF file has {pages} pages; name one with the option page, 1 to {pages} "
            "(text_recognition takes files of one picture)"
        )
    if page > pages:
        raise _no_such_page("TIFF", page, pages)
    return begun_at(data, offsets[page - 1]) if page > 1 else data


def turn_to(picture: ImageFile, page: int, limit: int) -> None:
    """Make `page` of a file the picture that is decoded, and see that it is not too large; a TIFF file begins with it.

    Raises:
        InvalidImage: the file has no such page.
        ImageTooLarge: it has more than `limit` pixels, or is too far back in an animation.
    """
    decoded = 0
    for number in range(1 if picture.format == "TIFF" else max(page, 1)):
        # A picture of an animation is what the one before it leaves.
        try:
            picture.seek(number)
        except EOFError as error:
            raise _no_such_page(picture.format, page, number) from error
        check_size(*picture.size, limit, f"{picture.format} {picture.mode}")
        decoded += picture.width * picture.height
        if number and decoded > ANIMATION_SHARE * limit:
            raise ImageTooLarge(
                f"page {page} of an animation needs all pictures before it, and up to page {number + 1} they have "
                f"{decoded} pixels; the limit is {ANIMATION_SHARE * limit}"
            )


def _no_such_page(kind: str | None, page: int, pages: int) -> InvalidImage:
    return InvalidImage(f"page {page} is asked for, but the {kind} file has {pages}")
