"""Fuzzers of what takes bytes from outside, without a server; `make fuzz` lets them run longer, guided by coverage."""

import contextlib
import io
import json
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from ocr_bench.hostile.bodies import VALUES
from ocr_bench.hostile.bombs import BOMBS, plain_png
from ocr_bench.hostile.corpus import content, requests
from ocr_bench.hostile.disguises import DISGUISES
from ocr_bench.hostile.pdfs import PDFS
from ocr_bench.hostile.pictures import damaged
from ocr_bench.hostile.tensors import MODELS, ends_a_step, honest
from ocr_contract.errors import InvalidInput, InvalidOption
from ocr_contract.options import OCR, OPTIONS, resolve
from ocr_contract.result import DetectionResult
from ocr_pipeline import page
from ocr_pipeline.clock import NO_CLOCK
from ocr_pipeline.inputs import steps_of_lines
from ocr_pipeline.stages.decode import decode_image

SEEDS = st.integers(0, 2**32)
DICTIONARY = tuple("abc de")


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it passes over
@given(SEEDS)
def test_a_damaged_picture_is_decoded_or_refused(seed):
    _, data = damaged(Random(seed))  # noqa: S311 -- no secret
    with contextlib.suppress(InvalidInput):
        pixels = decode_image(data, max_pixels=10**6)
        assert pixels.shape[2] == 3


@given(st.dictionaries(st.sampled_from([*OPTIONS, "x"]), st.sampled_from(VALUES)))
def test_options_of_any_kind_are_taken_or_refused_in_few_words(given_options):
    try:
        json.dumps(resolve(given_options, OCR), allow_nan=False)
    except InvalidOption as error:
        assert len(str(error)) < 1000


WHOLE = st.integers(-3, 9) | st.sampled_from([2**62, -(2**63), 3200, 3201])
REAL = st.floats(width=32) | st.floats(0, 1, width=32)


def array_of(dtype, values, *tail):
    return st.integers(0, 4).flatmap(lambda count: arrays.arrays(dtype, (count, *tail), elements=values))


@given(
    array_of(np.int64, WHOLE),
    array_of(np.float32, REAL),
    array_of(np.int64, WHOLE),
    array_of(np.int64, WHOLE),
    array_of(np.int64, WHOLE),
    array_of(np.float32, REAL, 4, 2),
    st.none() | array_of(np.float32, REAL),
    st.booleans(),
)
def test_any_lines_are_a_page_or_refused(index, score, steps, widths, pieces, boxes, box_scores, return_words):
    options = resolve({"return_word_box": return_words, "text_rec_score_thresh": 0}, OCR)
    try:
        answer = steps_of_lines(
            index,
            score,
            steps,
            widths=widths,
            pieces=pieces,
            boxes=boxes,
            box_scores=box_scores,
            characters=len(DICTIONARY),
        )
    except InvalidInput:
        return
    read = page.read_lines(answer, boxes, widths, pieces, DICTIONARY, options, NO_CLOCK)
    assert len(read) == len(boxes)
    assert np.isfinite(read.scores).all()
    if box_scores is not None:
        found = DetectionResult(boxes, box_scores)
        result = page.finish(answer, found, widths, pieces, DICTIONARY, options, NO_CLOCK)
        assert np.isfinite(result.word_boxes).all()


def test_the_corpus_is_the_same_for_the_same_seed():
    one, other = requests(5, ("empty", "url")), requests(5, ("empty", "url"))
    for _ in range(300):
        assert next(one) == next(other)


def test_a_bomb_is_a_small_file_of_a_large_picture():
    bomb = plain_png(4000, 4000)
    assert len(bomb) < 4000
    with Image.open(io.BytesIO(bomb)) as picture:
        picture.load()
        assert picture.size == (4000, 4000)


def test_the_corpus_has_files_of_every_kind_and_size():
    sizes = {name: len(content(name)) for name in (*BOMBS, *DISGUISES)}
    assert sizes["png 60000x60000 of one colour"] < 10**6
    assert sizes["gif of 100000 frames"] > 10**6
    assert max(sizes.values()) < 64 << 20
    assert all(content(name).startswith(b"%PDF-") for name in PDFS)


def test_no_request_of_the_corpus_is_one_that_ends_a_step_of_triton_itself():
    assert not any(ends_a_step(honest(model)) for model in MODELS)
    (tensor,) = honest("det_batcher")
    assert ends_a_step([tensor.changed(shape=(2**32, 2**32, 3), data=b"")])
    assert ends_a_step([tensor.changed(shape=(0, 2**62, 3), data=b"")])
    assert not ends_a_step([tensor.changed(shape=(0, 96, 3), data=b"")])
