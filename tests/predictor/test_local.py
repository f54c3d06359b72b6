"""LocalOcr: a Reader that answers as the server does."""

import io
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr_client import OcrClient
from ocr_client.local import identity
from ocr_contract.errors import ImageTooLarge, InvalidImage, InvalidInput, InvalidModel, InvalidOption, OcrError
from ocr_contract.reader import Reader
from ocr_pipeline.clock import STAGES
from ocr_pipeline.repository import PARAMETERS, WEIGHTS, ModelRepository
from ocr_predictor import LocalOcr, StageTimes
from onnxruntime_backend.precision import has_bf16

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PICTURES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".png", ".jpg"))
OPTIONS = [
    {"use_textline_orientation": True, "text_rec_score_thresh": 0},
    {"text_det_limit_side_len": 640, "text_det_limit_type": "max", "text_det_unclip_ratio": 2.0},
    {"text_det_thresh": 0.2, "text_det_box_thresh": 0.7, "text_det_max_side_limit": 1200},
]


@pytest.fixture(scope="module")
def local(model_repository):
    with LocalOcr(model_repository) as reader:
        yield reader


@pytest.fixture(scope="module")
def client(server):
    with OcrClient(server.http_url) as reader:
        yield reader


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, {}) for name in PICTURES), *itertools.product(("receipt.png", "rotated.png"), OPTIONS)],
    ids=lambda value: value if isinstance(value, str) else ",".join(value) or "defaults",
)
def test_a_page_is_read_as_the_server_reads_it(local, client, name, options):
    here, there = local.ocr(SAMPLES / name, **options), client.ocr(SAMPLES / name, **options)
    assert here.texts == there.texts
    assert np.array_equal(here.boxes, there.boxes)
    assert np.allclose(here.scores, there.scores, atol=1e-5)
    assert np.allclose(here.box_scores, there.box_scores, atol=1e-5)


def test_boxes_and_lines_are_found_and_read_as_the_server_does(local, client):
    picture = cv2.imread(str(SAMPLES / "receipt.png"))
    found = local.detect(picture)
    for options in ({}, {"use_textline_orientation": True}):
        for sent in (picture, picture[::-1, ::-1].copy()):
            assert np.array_equal(local.detect(sent, **options).boxes, client.detect(sent, **options).boxes)
    lines = [picture[box[:, 1].min().astype(int) : box[:, 1].max().astype(int), :] for box in found.boxes[:6]]
    upside_down = [line[::-1, ::-1] for line in lines]
    for options in ({}, {"use_textline_orientation": True}, {"return_word_box": True}):
        here, there = local.recognize(upside_down, **options), client.recognize(upside_down, **options)
        assert (here.texts, here.words) == (there.texts, there.words)
        assert np.allclose(here.scores, there.scores, atol=1e-5)
        assert np.allclose(here.word_boxes, there.word_boxes, atol=1e-3)
        assert np.array_equal(here.word_lines, there.word_lines)
    turned = local.recognize(upside_down, use_textline_orientation=True)
    assert turned.texts != local.recognize(upside_down).texts


@pytest.mark.parametrize("sent", ["upright", "upside down", "lying"])
@pytest.mark.parametrize("page_is_turned", [False, True])
def test_lines_are_found_as_ocr_finds_them_whichever_way_up_they_are(local, sent, page_is_turned):
    quarters = {"upright": 0, "upside down": 2, "lying": 1}[sent]
    picture = np.ascontiguousarray(np.rot90(cv2.imread(str(SAMPLES / "receipt.png")), quarters))
    options = {"use_textline_orientation": True, "use_doc_orientation_classify": page_is_turned}
    read = local.ocr(picture, text_rec_score_thresh=0, **options)
    found = local.detect(picture, **options)
    assert np.array_equal(found.boxes, read.boxes)
    assert np.array_equal(found.box_scores, read.box_scores)
    if sent == "upside down":
        assert (found.boxes[:, 0] != local.detect(picture).boxes[:, 0]).any()
        assert found.boxes[0, 0, 0] > found.boxes[0, 1, 0]  # the first line reads to the left on this picture


@pytest.fixture(scope="module")
def receipt_words(local):
    """What is read of the receipt, with its words."""
    return local.ocr(SAMPLES / "receipt.png", return_word_box=True)


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_page_is_read_as_it_is_read_upright(local, receipt_words, quarters):
    picture = cv2.imread(str(SAMPLES / "receipt.png"))
    expected = receipt_words
    sent = np.ascontiguousarray(np.rot90(picture, -quarters))
    result = local.ocr(sent, return_word_box=True, use_doc_orientation_classify=True)
    assert (result.texts, result.words) == (expected.texts, expected.words)
    height, width = picture.shape[:2]
    for boxes, upright in ((result.boxes, expected.boxes), (result.word_boxes, expected.word_boxes)):
        x, y = upright[..., 0], upright[..., 1]
        there = ((x, y), (height - y, x), (width - x, height - y), (y, width - x))[quarters]
        assert np.allclose(boxes, np.stack(there, axis=-1), atol=1e-3)
    found = local.detect(sent, use_doc_orientation_classify=True).boxes
    assert len(found) >= len(expected)
    assert np.allclose(found[0], result.boxes[0])


def test_a_page_of_columns_from_top_to_bottom_is_not_turned(local):
    """Lines that stand are no sign of a turned page where their characters do not lie on their side."""
    poster = cv2.imread(str(SAMPLES / "poster.jpg"))
    characters = np.array_split(poster[415:485, 412:888], 9, axis=1)  # of 当代水墨与摄影联展
    picture = np.full((720, 480, 3), np.median(poster[400:412, 412:888], axis=(0, 1)).astype(np.uint8), np.uint8)
    for left in (60, 200, 340):
        for row, character in enumerate(characters):
            top = 40 + 70 * row
            picture[top : top + 70, left : left + character.shape[1]] = character
    plain, asked = local.ocr(picture), local.ocr(picture, use_doc_orientation_classify=True)
    assert plain.texts == ("当代水墨与摄影联展",) * 3
    assert asked == plain
    turned = local.ocr(picture[::-1, ::-1].copy(), use_doc_orientation_classify=True)
    assert turned.texts == plain.texts
    assert np.allclose(turned.boxes, np.float32([480, 720]) - plain.boxes, atol=1e-3)


def test_a_path_its_bytes_and_its_array_are_one_picture(local):
    path = SAMPLES / "rotated.png"
    expected = local.ocr(path)
    assert len(expected) > 5
    for picture in (str(path), path.read_bytes(), bytearray(path.read_bytes()), cv2.imread(str(path))):
        assert local.ocr(picture) == expected


def test_it_may_be_asked_from_several_threads(local):
    names = ["receipt.png", "rotated.png", "blank.png"] * 3
    alone = {name: local.ocr(SAMPLES / name) for name in names[:3]}
    with ThreadPoolExecutor(6) as threads:
        for name, result in zip(names, threads.map(lambda name: local.ocr(SAMPLES / name), names), strict=True):
            assert result == alone[name]


def test_no_pictures_give_no_lines(local):
    assert local.recognize([]).texts == ()
    assert len(local.ocr(np.full((40, 60, 3), 255, np.uint8))) == 0


def test_every_stage_is_timed(local):
    times = StageTimes()
    local.ocr_timed(SAMPLES / "receipt.png", times, use_textline_orientation=True, return_word_box=True)
    assert tuple(times.spent_ns) == STAGES
    assert {stage for stage, spent in times.spent_ns.items() if not spent} == {"rec_second"}  # v4 has one recogniser


@pytest.mark.parametrize(
    ("picture", "error"),
    [
        (b"", InvalidImage),
        (b"%PDF-1.7", InvalidImage),
        ("no/such/file.png", InvalidImage),
        (np.zeros((0, 5, 3), np.uint8), InvalidImage),
        (np.zeros((5, 5, 2), np.uint8), InvalidImage),
        (np.zeros((5, 5, 3), np.float32), InvalidImage),
        (b"A" * 10**8, ImageTooLarge),
        (5, TypeError),
    ],
)
def test_what_is_no_picture_is_refused(local, picture, error):
    for read in (local.ocr, local.detect, lambda image: local.recognize([image])):
        with pytest.raises(error):
            read(picture)


def test_wrong_options_are_refused(local):
    with pytest.raises(InvalidOption, match="text_det_thresh must be a number from 0 to 1, not 2"):
        local.ocr(SAMPLES / "blank.png", text_det_thresh=2)
    with pytest.raises(InvalidOption, match='"text_rec_score_thresh" is not an option of this endpoint'):
        local.detect(SAMPLES / "blank.png", text_rec_score_thresh=0.5)
    with pytest.raises(TypeError, match="list"):
        local.recognize(SAMPLES / "blank.png")
    with pytest.raises(InvalidInput, match=r"images\[1\]: image is empty"):
        local.recognize([SAMPLES / "blank.png", b""])
    with pytest.raises(InvalidInput, match="1025 images in one request, the limit is 1024"):
        local.recognize([b""] * 1025)


def test_a_set_without_cls_says_so_when_it_is_asked_for(weighted_copy):
    (weighted_copy / "cls" / "1" / "model.onnx").unlink()
    summary = weighted_copy / "ocr" / "1" / "model_set.json"
    document = json.loads(summary.read_text())
    document["files"] = {name: digest for name, digest in document["files"].items() if not name.startswith("cls/")}
    summary.write_text(json.dumps(document))
    with LocalOcr(weighted_copy) as reader:
        assert len(reader.ocr(SAMPLES / "receipt.png")) > 20
        for read in (reader.ocr, reader.detect, lambda picture, **options: reader.recognize([picture], **options)):
            with pytest.raises(InvalidOption, match="need a model set with cls"):
                read(SAMPLES / "receipt.png", use_textline_orientation=True)
        for read in (reader.ocr, reader.detect):
            with pytest.raises(InvalidOption, match="need a model set with cls"):
                read(SAMPLES / "receipt.png", use_doc_orientation_classify=True)


def test_a_closed_reader_reads_no_more(model_repository):
    reader: Reader = LocalOcr(model_repository)
    assert reader.is_ready()
    assert not reader.is_ready("no such endpoint")
    assert not reader.is_ready("docling_ocr")  # which a server alone has
    reader.close()
    reader.close()
    assert not reader.is_ready()
    with pytest.raises(OcrError, match="closed"):
        reader.ocr(SAMPLES / "blank.png")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"device": "cuda"}, 'device must be "cpu" or "gpu", not \'cuda\''),
        ({"device": "GPU:0"}, 'device must be "cpu" or "gpu"'),
        ({"precision": "bf8"}, 'precision must be "auto" or "f32" or "bf16", not \'bf8\''),
        ({"device": "gpu", "precision": "bf16"}, "works on the CPU only"),
    ],
)
def test_a_device_or_precision_that_would_not_be_used_is_refused(bare_repository, arguments, words):
    with pytest.raises(OcrError, match=words):
        LocalOcr(bare_repository, **arguments)


def test_bf16_on_a_cpu_without_it_is_refused(bare_repository, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("flags : fpu avx2")
    monkeypatch.setattr("onnxruntime_backend.precision.CPUINFO", tmp_path / "cpuinfo")
    with pytest.raises(OcrError, match="no BF16 arithmetic"):
        LocalOcr(bare_repository, precision="bf16")


def test_what_config_pbtxt_says_is_computed_unless_a_precision_is_forced(weighted_copy, local):
    for model in ("det", "rec"):
        config = weighted_copy / model / "config.pbtxt"
        hint = 'name: "openvino", parameters { key: "INFERENCE_PRECISION_HINT", value: "f32" }'
        config.write_text(config.read_text().replace('name: "openvino"', hint))
    best = "bf16" if has_bf16() else "f32"
    assert local.precision == "f32"  # v4 reads worse in BF16
    read = []
    for precision, computed in (("auto", "f32"), ("f32", "f32"), (best, best)):
        with LocalOcr(weighted_copy, precision=precision) as reader:
            assert reader.precision == computed
            assert identity(reader)["precision"] == computed  # pages of another arithmetic are not taken by --resume
            read.append(reader.ocr(SAMPLES / "receipt.png").scores)
    assert np.array_equal(read[0], read[1])
    assert np.array_equal(read[1], local.ocr(SAMPLES / "receipt.png").scores)
    assert np.array_equal(read[1], read[2]) == (best == "f32")


def test_a_set_that_reads_as_well_in_bf16_is_computed_in_it_where_the_cpu_has_it(two_pass_repository):
    with LocalOcr(two_pass_repository) as reader:
        assert reader.precision == ("bf16" if has_bf16() else "f32")


def cut(data):
    return data[:1000]


def with_a_flipped_bit(data):
    """Somewhere in the weights, where it would be loaded, and read as well or as badly as it can."""
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize("damage", [cut, with_a_flipped_bit])
def test_damaged_weights_are_an_ocr_error(weighted_copy, damage):
    weights = ModelRepository(weighted_copy).file("rec", WEIGHTS)
    weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(OcrError, match=r"rec/1/model\.onnx is corrupt or was replaced .*run ocr-convert"):
        LocalOcr(weighted_copy)


def test_parameters_that_no_step_takes_are_an_ocr_error(weighted_copy):
    ModelRepository(weighted_copy).file("det_batcher", PARAMETERS).write_text('{"text_det_thresh": 7}')
    with pytest.raises(OcrError, match=r"parameters\.json is not as it should be"):
        LocalOcr(weighted_copy)


def test_a_provider_that_is_not_installed_is_an_ocr_error(model_repository, monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(OcrError, match="OpenVINOExecutionProvider is asked for"):
        LocalOcr(model_repository)


def test_a_repository_without_weights_says_what_to_run(bare_repository):
    with pytest.raises(InvalidModel, match="run ocr-convert"):
        LocalOcr(bare_repository)


def test_words_stand_in_their_lines_and_make_their_texts(local, client, receipt_words):
    path = SAMPLES / "receipt.png"
    result = receipt_words
    assert len(result.words) > len(result)
    assert len(local.ocr(path).words) == 0
    for line, text in enumerate(result.texts):
        own = np.flatnonzero(result.word_lines == line)
        assert "".join(result.words[word] for word in own) == "".join(text.split())
        corners = result.word_boxes[own].reshape(-1, 2)
        assert (corners >= result.boxes[line].min(axis=0) - 1e-3).all()
        assert (corners <= result.boxes[line].max(axis=0) + 1e-3).all()
    there = client.ocr(path, return_word_box=True)
    assert there.words == result.words
    assert np.allclose(there.word_boxes, result.word_boxes, atol=1e-3)
    assert np.array_equal(there.word_lines, result.word_lines)
    assert there.from_dict(there.to_dict()) == there


def without_spaces(text):
    return "".join(text.split())


def test_the_words_of_line_pictures_stand_in_their_own_pictures(local):
    """Upright, on their head, and stored on their side with the EXIF orientation that puts them upright."""
    lines = [lettered([text], (44, width), left=10, top=32) for text, width in (("one two three", 300), ("42", 60))]
    lines.insert(1, np.full((30, 50, 3), 255, np.uint8))
    result = local.recognize(lines, return_word_box=True)
    assert set(result.word_lines.tolist()) == {0, 2}
    assert local.recognize(lines) == replace(
        result, words=(), word_boxes=np.empty((0, 4, 2)), word_scores=(), word_lines=()
    )
    for number, line in enumerate(lines):
        own = np.flatnonzero(result.word_lines == number)
        assert "".join(result.words[word] for word in own) == without_spaces(result.texts[number])
        boxes = result.word_boxes[own]
        assert (boxes >= 0).all()
        assert (boxes <= line.shape[1::-1]).all()
        assert (np.diff(boxes[:, 0, 0]) > 0).all()
        if len(own):
            ink = np.flatnonzero(line.min(axis=(0, 2)) < 128)  # columns
            middle = (boxes[0, 0, 0] + boxes[-1, 1, 0]) / 2
            assert middle == pytest.approx((ink[0] + ink[-1]) / 2, abs=8)

    turned = local.recognize(
        [line[::-1, ::-1].copy() for line in lines], return_word_box=True, use_textline_orientation=True
    )
    assert turned.words == result.words
    sizes = np.float32([lines[line].shape[1::-1] for line in result.word_lines])
    assert np.allclose(turned.word_boxes, sizes[:, None] - result.word_boxes, atol=4)

    stored = []
    for line in lines:
        file, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 6  # to be turned by a quarter clockwise
        Image.fromarray(np.rot90(line)).save(file, "PNG", exif=exif)
        stored.append(file.getvalue())
    assert local.recognize(stored, return_word_box=True) == result


def lettered(lines, size, **at):
    """A picture of lines of text, and the lines."""
    picture = np.full((*size, 3), 255, np.uint8)
    for number, text in enumerate(lines):
        place = (at.get("left", 30), at.get("top", 60) + number * at.get("pitch", 60))
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2, cv2.LINE_AA)
    return picture


def test_a_long_screenshot_is_read_whole_whoever_reads_it(local, client):
    lines = [f"{number:03d} message" for number in range(150)]
    picture = lettered(lines, (9060, 420))
    for reader in (local, client):
        texts = [text.replace(" ", "") for text in reader.ocr(picture).texts]
        assert sum(line.replace(" ", "") in texts for line in lines) >= 0.97 * len(lines)
        assert [text for text in texts if text[:3].isdigit()] == sorted(text for text in texts if text[:3].isdigit())


def test_a_small_picture_of_a_word_is_read(local):
    picture = lettered(["OK"], (40, 56), left=8, top=32)
    assert local.ocr(picture).texts == ("OK",)


def test_a_page_of_a_document_is_named(local, client, tmp_path):
    first, second = (Image.fromarray(lettered([text], (120, 300))) for text in ("page one", "page two"))
    first.save(tmp_path / "fax.tif", save_all=True, append_images=[second])
    for reader in (local, client):
        assert "two" in " ".join(reader.ocr(tmp_path / "fax.tif", page=2).texts)
        with pytest.raises(InvalidInput, match="2 pages; name one with the option page"):
            reader.ocr(tmp_path / "fax.tif")


def test_a_line_of_hundreds_of_characters_is_read(local, client):
    text = " ".join(f"{number:03d} fox" for number in range(48))
    picture = np.full((56, 6000, 3), 255, np.uint8)
    cv2.putText(picture, text, (10, 38), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2, cv2.LINE_AA)
    picture = picture[:, : int(np.flatnonzero(picture.min(axis=(0, 2)) < 255).max()) + 12]
    for reader in (local, client):
        result = reader.recognize([picture], return_word_box=True)
        (read,) = result.texts
        assert sum(f"{number:03d}" in read for number in range(48)) >= 46
        assert "".join(result.words) == without_spaces(read)
        left, right = result.word_boxes[:, 0, 0], result.word_boxes[:, 1, 0]
        assert (left[1:] >= right[:-1] - 1e-2).all()
        assert left[0] < 100
        assert picture.shape[1] - 100 < right[-1] <= picture.shape[1]


def test_closing_waits_for_the_pictures_under_way(model_repository):
    reader = LocalOcr(model_repository)
    expected = reader.ocr(SAMPLES / "receipt.png")
    with ThreadPoolExecutor(3) as threads:
        begun = [threads.submit(reader.ocr, SAMPLES / "receipt.png") for _ in range(3)]
        while not any(reading.running() for reading in begun):
            pass
        reader.close()
        answers = [reading.exception() or reading.result() for reading in begun]
    assert all(answer == expected or "closed" in str(answer) for answer in answers)
