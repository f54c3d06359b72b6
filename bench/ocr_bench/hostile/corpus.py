"""The corpus: hostile files by name, and an endless stream of requests made of them.

`python -m ocr_bench.hostile.corpus FOLDER` writes the files for whoever wants to try them by hand.
"""

from __future__ import annotations

import base64
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from urllib.parse import quote

from ocr_bench.hostile.asks import Ask, Tensor, infer_grpc, infer_http, json_body, strings
from ocr_bench.hostile.bodies import hostile_body, hostile_message, hostile_options
from ocr_bench.hostile.bombs import BOMBS
from ocr_bench.hostile.disguises import DISGUISES
from ocr_bench.hostile.large import LARGE
from ocr_bench.hostile.pdfs import PDFS
from ocr_bench.hostile.pictures import damage, damaged
from ocr_bench.hostile.tensors import hostile_tensors

PICTURES: dict[str, Callable[[], bytes]] = {**BOMBS, **DISGUISES, **LARGE}
FILES: dict[str, Callable[[], bytes]] = {**PICTURES, **PDFS}
MAX_TEXT = 3 << 20  # bytes of a file that is also sent as base64; a form above 4 MB ends Triton 2.51 (SECURITY.md)
APART = 20  # requests from one file to the next, so that few of those that are a lot of work meet


@cache
def content(name: str) -> bytes:
    """A file of the corpus."""
    return FILES[name]()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def generate(kind: str, data: bytes) -> Ask:
    """As base64 text in JSON, to the server."""
    return json_body(kind, "http", "/v2/models/ocr/generate", {"image": _base64(data)})


def infer(kind: str, data: bytes) -> Ask:
    """As bytes over HTTP."""
    return infer_http(kind, "ocr", [Tensor("image", "BYTES", (1,), strings(data))])


def grpc(kind: str, data: bytes) -> Ask:
    """As bytes over gRPC."""
    return infer_grpc(kind, "text_detection", [Tensor("image", "BYTES", (1,), strings(data))])


def recognise(kind: str, data: bytes) -> Ask:
    """As a line picture over gRPC."""
    return infer_grpc(kind, "text_recognition", [Tensor("images", "BYTES", (1,), strings(data))])


def read(kind: str, data: bytes) -> Ask:
    """As a document to the gateway."""
    return Ask(kind, "gateway", "/read?pages=1-3&dpi=72", data)


def process(kind: str, data: bytes) -> Ask:
    """As Open WebUI sends it."""
    return Ask(kind, "gateway", "/process", data, {"X-Filename": quote(kind)}, "PUT")


def paddlex(kind: str, data: bytes) -> Ask:
    """As PaddleX's clients send it."""
    return json_body(kind, "gateway", "/ocr", {"file": _base64(data), "fileType": 1, "visualize": False})


def paddle_serving(kind: str, data: bytes) -> Ask:
    """As Paddle Serving's clients send it."""
    return json_body(kind, "gateway", "/ocr/prediction", {"key": ["image"], "value": [_base64(data)]})


def kserve(kind: str, data: bytes) -> Ask:
    """As bytes to the gateway."""
    return infer_http(kind, "ocr", [Tensor("image", "BYTES", (1,), strings(data))], to="gateway")


AS_TEXT = (generate, paddlex, paddle_serving)
AS_BYTES = (infer, grpc, recognise, read, kserve, process)
OF_DOCUMENTS = (read, process)


def of_file(name: str, random: Random) -> Ask:
    """A file of the corpus, sent in some way."""
    data = content(name)
    ways = OF_DOCUMENTS if name in PDFS else (*AS_BYTES, *AS_TEXT) if len(data) < MAX_TEXT else AS_BYTES
    ask = random.choice(ways)(f"file: {name}", data)
    return replace(ask, is_large=name in LARGE or name in PDFS)


def of_damaged_picture(random: Random) -> Ask:
    """A damaged picture, sent in some way."""
    kind, data = damaged(random)
    return random.choice((*AS_BYTES, *AS_TEXT))(f"damaged: {kind.partition(',')[0]}", data)


def of_damaged_document(random: Random) -> Ask:
    """A damaged PDF file, sent to the gateway."""
    _, data = damage(content("pdf, plain"), random)
    return random.choice(OF_DOCUMENTS)("damaged: pdf", data)


_OFTEN = (*BOMBS, *DISGUISES)
# How many of a hundred requests are of each sort.
_SORTS: tuple[tuple[int, Callable[[Random], Ask]], ...] = (
    (30, of_damaged_picture),
    (4, of_damaged_document),
    (26, hostile_tensors),
    (14, hostile_options),
    (14, hostile_body),
    (5, hostile_message),
    (7, lambda random: of_file(random.choice(_OFTEN), random)),
)


def requests(seed: int, names: Iterable[str] = FILES) -> Iterator[Ask]:
    """Requests without end, the same for the same seed; among the first are the files of these names, each once."""
    random = Random(seed)  # noqa: S311 -- no secret
    weights, sorts = zip(*_SORTS, strict=True)
    files = iter(names)
    for number in itertools.count():
        if number % APART == 0 and (name := next(files, None)) is not None:
            yield of_file(name, random)
        else:
            yield random.choices(sorts, weights)[0](random)


def write(folder: Path) -> int:
    """Write every file into a folder; their number is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(FILES):
        (folder / f"{number:03} {name.replace('/', '-')}").write_bytes(content(name))
    return len(FILES)


if __name__ == "__main__":
    print(write(Path(sys.argv[1])), "files")  # noqa: T201 -- a command
