"""Fuzzers of the parsers that are written in Python, guided by coverage; for longer runs than a test may take.

`python -m ocr_bench.hostile.guided PARSER [options of libFuzzer]`, where PARSER is one that `--list` names; all are run
by `make fuzz`. It needs the group "fuzz" of bench/pyproject.toml. What a parser raises beside what it says it raises
ends the run, and the input is left in a file whose name begins with "crash-".
Folders among the options are given the parser's SEEDS first.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import atheris

from ocr_bench.hostile.pictures import picture

with atheris.instrument_imports(
    include=["ocr_contract", "ocr_documents", "ocr_pipeline", "ocr_client", "ocr_gateway"], enable_loader_override=False
):
    from ocr_client.transports.v2_codec import decode
    from ocr_contract.errors import InvalidInput
    from ocr_contract.options import OCR, RECOGNITION, resolve
    from ocr_contract.parts import bound_parts
    from ocr_contract.tiff import count_tiff_pages
    from ocr_documents.errors import DocumentError
    from ocr_documents.kinds import kind_of
    from ocr_documents.tiff_directories import Directories
    from ocr_gateway.ways.kserve.requests import InferenceRequest
    from ocr_pipeline.stages.files import image_bytes

MOST = 200  # entries of a directory, offsets of a chain: more say nothing new


def _tiff(data: bytes) -> None:
    count_tiff_pages(io.BytesIO(data))
    with suppress(ValueError, DocumentError):
        directories = Directories(io.BytesIO(data))
        for offset in islice(directories.offsets(), MOST):
            for entry in islice(directories.entries(offset), MOST):
                directories.numbers(entry)


def _parts(data: bytes) -> None:
    for head in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"):
        with suppress(ValueError):
            bound_parts(head + data)


def _base64(data: bytes) -> None:
    for head in (b"", b"data:image/png;base64,"):
        with suppress(InvalidInput):
            image_bytes(head + data)


def _kinds(data: bytes) -> None:
    with suppress(DocumentError):
        kind_of(io.BytesIO(data))


def _v2(data: bytes) -> None:
    for size in (None, data[0] if data else 0):
        with suppress(ValueError):
            decode(data, size)


def _kserve(data: bytes) -> None:
    for endpoint in (OCR, RECOGNITION):
        with suppress(InvalidInput):
            InferenceRequest.of_generate(endpoint, data)
        with suppress(InvalidInput):
            InferenceRequest.of_infer(endpoint, data, str(len(data) // 2))


def _options(data: bytes) -> None:
    with suppress(ValueError, RecursionError, InvalidInput):
        document = json.loads(data)
        if isinstance(document, dict):
            resolve(document, OCR)


PARSERS: dict[str, Callable[[bytes], None]] = {
    "tiff": _tiff,
    "parts": _parts,
    "base64": _base64,
    "kinds": _kinds,
    "v2": _v2,
    "kserve": _kserve,
    "options": _options,
}
_INFER = b'{"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": ["aGk="]}], "outputs": []}'
# What honest senders say. Without it a fuzzer hardly ever gets past the parsing of JSON, of whose code it sees nothing.
SEEDS: dict[str, tuple[bytes, ...]] = {
    "tiff": (picture("tiff"),),
    "kinds": (picture("tiff"), picture("webp")),
    "v2": (b'{"outputs": [{"name": "scores", "datatype": "FP32", "shape": [2], "data": [0.5, 1]}]}',),
    "kserve": (b'{"image": "aGk=", "parameters": {"page": 1}}', _INFER, b'{"images": ["aGk=", "aGk="]}'),
    "options": (b'{"text_det_thresh": 0.3, "text_det_limit_type": "max", "return_word_box": true, "page": 1}',),
}


def main() -> None:
    """Entry point."""
    if sys.argv[1:] == ["--list"]:
        sys.stdout.write("\n".join(PARSERS) + "\n")
        return
    if len(sys.argv) < 2 or sys.argv[1] not in PARSERS:
        sys.exit(f"usage: python -m ocr_bench.hostile.guided {'|'.join(PARSERS)} [options of libFuzzer]")
    name = sys.argv.pop(1)
    for folder in (word for word in sys.argv[1:] if not word.startswith("-")):
        for number, seed in enumerate(SEEDS.get(name, ())):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, PARSERS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
