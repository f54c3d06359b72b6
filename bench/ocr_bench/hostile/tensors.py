"""KServe requests to every model, the inner ones too, whose tensors are of wrong types, shapes, lengths and values."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np

from ocr_bench.hostile.asks import DATATYPES, SIZES, Ask, Tensor, infer_grpc, infer_http, strings
from ocr_bench.hostile.pictures import picture

Tensors = list[Tensor]
_INT, _FLOAT = "INT64", "FP32"


def _int64(name: str, *values: int, shape: tuple[int, ...] | None = None) -> Tensor:
    return Tensor(name, _INT, shape or (len(values),), struct.pack(f"<{len(values)}q", *values))


def _fp32(name: str, *values: float, shape: tuple[int, ...] | None = None) -> Tensor:
    return Tensor(name, _FLOAT, shape or (len(values),), struct.pack(f"<{len(values)}f", *values))


def _pixels(name: str, *shape: int) -> Tensor:
    levels = np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)
    return Tensor(name, "UINT8", shape, levels.tobytes())


def _string(name: str, *values: bytes, shape: tuple[int, ...] | None = None) -> Tensor:
    return Tensor(name, "BYTES", shape or (len(values),), strings(*values))


@cache
def _honest() -> dict[str, Tensors]:
    lines = [
        *(_int64("index", 0, 5, 0, 7, 7, 0), _fp32("score", 0.9, 0.8, 0.9, 0.7, 0.6, 1), _int64("steps", 4, 2)),
        *(_int64("pieces", 1, 1), _int64("widths", 32, 16)),
        _fp32("boxes", *(0, 0, 40, 0, 40, 12, 0, 12) * 2, shape=(2, 4, 2)),
    ]
    ticket = _int64("ticket", 5, 0)
    image, both = _string("image", picture()), _string("images", picture(), picture("jpeg"))
    return {
        "ocr": [image],
        "text_detection": [image],
        "text_recognition": [both],
        "docling_ocr": [_string("lang_type", b"en", shape=(1, 1)), _pixels("image", 1, 40, 96, 3)],
        "admit": [image],
        "wait_turn": [ticket],
        "det_batcher": [image],
        "det_batcher, pixels": [_pixels("rgb", 1, 40, 96, 3)],
        "rec_batcher": [_pixels("crops", 48, 96, 3), _int64("widths", 64, 32)],
        "rec_preprocess": [both],
        "rec_preprocess, ticket": [both, ticket],
        "ctc_decode": lines,
        "rec_batcher, pieces": [_pixels("crops", 48, 96, 3), _int64("widths", 64, 32), _int64("pieces", 1, 1)],
        "rec_batcher, ticket": [_pixels("crops", 48, 64, 3), _int64("widths", 64), ticket],
        "det_batcher, ticket": [image, ticket],
        "ctc_decode, ticket": [*lines, ticket],
        "ctc_decode, page": [*lines, _fp32("box_scores", 0.7, 0.9)],
        "det": [_pixels("image", 1, 64, 96, 3)],
        "rec": [_pixels("crops", 2, 48, 64, 3), _int64("widths", 64, 40, shape=(2, 1))],
        "cls": [_pixels("crops", 2, 48, 192, 3)],
    }


MODELS = tuple(_honest())
_ODD_SIDES = (0, 1, 2, 3, 7, 31, 33, 47, 100, 3201, -1, -7, 2**31 - 1, 2**31, 2**32, 2**62, -(2**63))
_ODD_WHOLE = (0, 1, -1, 2, 5, 33, 3201, 70_000, 10**9, 2**31, 2**62, 2**63 - 1, -(2**63))
_ODD_REAL = (float("nan"), float("inf"), float("-inf"), -0.0, -1.0, 2.0, 1e38, -1e38, 1e-45, 0.5)


def honest(model: str) -> Tensors:
    """Tensors that a model answers."""
    return list(_honest()[model])


def _other_type(tensor: Tensor, random: Random) -> Tensor:
    datatype = random.choice(DATATYPES)
    if random.random() < 0.5 or datatype == "BYTES":
        return tensor.changed(datatype=datatype)
    count = int(np.prod(tensor.shape))
    return tensor.changed(datatype=datatype, data=bytes(count * SIZES[datatype]))


def _other_shape(tensor: Tensor, random: Random) -> Tensor:
    shape = list(tensor.shape)
    how = random.randrange(5)
    if how == 0:
        shape[random.randrange(len(shape))] = random.choice(_ODD_SIDES)
    elif how == 1:
        shape.insert(random.randrange(len(shape) + 1), random.choice((0, 1, 1, 2)))
    elif how == 2:
        del shape[random.randrange(len(shape))]
    elif how == 3:
        random.shuffle(shape)
    else:
        shape = [random.choice(_ODD_SIDES) for _ in range(random.randrange(6))]
    return tensor.changed(shape=tuple(shape))


def _other_size(tensor: Tensor, random: Random) -> Tensor:
    """A tensor of a size that its type and its bytes agree on, as long as that is not much."""
    if tensor.datatype == "BYTES":
        count = random.choice((0, 2, 3, 1025))
        return tensor.changed(shape=(count,), data=strings(*[b"x"] * count))
    shape = list(tensor.shape)
    for _ in range(random.choice((1, 1, 2))):
        shape[random.randrange(len(shape))] = random.choice((0, 1, 2, 3, 5, 31, 32, 33, 47, 48, 100, 1000))
    size = int(np.prod(shape)) * SIZES[tensor.datatype]
    if size > 1 << 22:
        return _other_length(tensor, random)
    return tensor.changed(shape=tuple(shape), data=(tensor.data * (size // max(len(tensor.data), 1) + 1))[:size])


def _other_length(tensor: Tensor, random: Random) -> Tensor:
    at = random.randrange(len(tensor.data) + 1)
    return tensor.changed(data=random.choice((tensor.data[:at], tensor.data + tensor.data[:at], b"", tensor.data * 3)))


def _other_values(tensor: Tensor, random: Random) -> Tensor:
    data = bytearray(tensor.data)
    forms: dict[str, tuple[str, Callable[[], float]]] = {
        _INT: ("<q", lambda: random.choice(_ODD_WHOLE)),
        _FLOAT: ("<f", lambda: random.choice(_ODD_REAL)),
        "BYTES": ("<I", lambda: random.choice((0, 1, 2**31 - 1, 2**32 - 1, len(data)))),
    }
    form, odd = forms.get(tensor.datatype, ("<B", lambda: random.randrange(256)))
    size = struct.calcsize(form)
    for _ in range(random.choice((1, 1, 2, 6))):
        struct.pack_into(form, data, random.randrange(len(data) // size) * size, odd())
    return tensor.changed(data=bytes(data))


_CHANGES: tuple[tuple[str, Callable[[Tensor, Random], Tensor]], ...] = (
    ("type", _other_type),
    ("shape", _other_shape),
    ("size", _other_size),
    ("size", _other_size),
    ("length", _other_length),
    ("values", _other_values),
    ("values", _other_values),
)


def ends_a_step(tensors: Tensors) -> bool:
    """Whether a tensor says that it is enormous and brings nothing: before any code of ours runs, that ends a step."""
    return any(not tensor.data and max(map(abs, tensor.shape), default=0) > 1 << 20 for tensor in tensors)


def hostile_tensors(random: Random) -> Ask:
    """A request that a model answers, with something changed."""
    while True:
        name = random.choice(MODELS)
        tensors = honest(name)
        model, _, _ = name.partition(",")
        outputs: tuple[str, ...] = ()
        how = random.randrange(10)
        if how == 0:
            what = "a tensor lacking"
            del tensors[random.randrange(len(tensors))]
        elif how == 1:
            what = "a tensor twice, or of another name"
            tensors.append(random.choice(tensors).changed(name=random.choice((tensors[0].name, "x", "", "image\0"))))
        elif how == 2:
            what = "an output that is not there"
            outputs = (random.choice(("x", "", "texts", "prob")),)
        else:
            at = random.randrange(len(tensors))
            what, change = random.choice(_CHANGES)
            tensors[at] = change(tensors[at], random)
        if not ends_a_step(tensors):
            break
    ask = random.choice((infer_http, infer_grpc))
    return ask(f"tensors: {model}, {what}", model, tensors, outputs=outputs)
