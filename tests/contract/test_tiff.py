"""Pages of a TIFF file are counted by its chain of directories."""

import io
import struct

import pytest
from PIL import Image

from ocr_contract.tiff import MAX_PAGES, count_tiff_pages


def pages(count: int, **options: object) -> bytes:
    file = io.BytesIO()
    first, *others = (Image.new("L", (20 + number, 10)) for number in range(count))
    first.save(file, "TIFF", save_all=True, append_images=others, **options)
    return file.getvalue()


def chain(offsets: list[int], order: str = "<", big: bool = False) -> bytes:
    """Directories without entries, 64 bytes apart, each naming the next."""
    first, count, offset = ("HHHQ", "Q", "Q") if big else ("HI", "H", "I")
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + first, *((43, 8, 0) if big else (42,)), 64)
    links = (struct.pack(order + count, 0) + struct.pack(order + offset, following) for following in offsets)
    return (mark + head).ljust(64, b"\0") + b"".join(link.ljust(64, b"\0") for link in links)


def count(data: bytes) -> int:
    return count_tiff_pages(io.BytesIO(data))


@pytest.mark.parametrize("number", [1, 2, 7])
@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"big_tiff": True}])
def test_as_many_as_were_written(number: int, options: dict[str, object]) -> None:
    assert count(pages(number, **options)) == number


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_either_byte_order_and_size(order: str, big: bool) -> None:
    assert count(chain([128, 192, 0], order, big)) == 3


@pytest.mark.parametrize(
    ("offsets", "number"),
    [([0], 1), ([64], 1), ([128, 64], 2), ([128, 128], 2), ([10**9], 2), ([128], 2), ([128, 192], 3)],
)
def test_a_chain_ends_where_it_comes_back_or_leaves_the_file_and_a_page_lost_there_counts(
    offsets: list[int], number: int
) -> None:
    assert count(chain(offsets)) == number


def test_counting_ends_above_the_limit() -> None:
    assert count(chain([128 + 64 * number for number in range(3 * MAX_PAGES)])) == MAX_PAGES + 1


@pytest.mark.parametrize("data", [b"", b"II", b"II*\0", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"MM\0*\0\0"])
def test_other_files_have_none(data: bytes) -> None:
    assert count(data) == 0
