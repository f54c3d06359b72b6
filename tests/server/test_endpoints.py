"""The endpoints of a running server: what they answer, and that they answer alike whichever way they are asked."""

import base64
import io
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from ocr_client import OcrClient
from ocr_contract.options import DETECTION, OCR, options_of

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
RECEIPT = (SAMPLES / "receipt.png").read_bytes()
PICTURES = ["receipt.png", "poster.jpg", "rotated.png", "exif.jpg"]


def png(pixels):
    ok, data = cv2.imencode(".png", pixels)
    assert ok
    return data.tobytes()


def generate(server, model, **body):
    """POST to the generate endpoint; returns the status and the JSON that came back."""
    request = urllib.request.Request(
        f"http://{server.http_url}/v2/models/{model}/generate",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},  # a large form ends Triton 2.51
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def taken_by(endpoint):
    """The list at the end of a refusal."""
    return ", ".join(sorted(options_of(endpoint)))


def listed(value):
    """`generate` writes an array of one element as that element."""
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def http(server):
    with OcrClient(server.http_url, protocol="http") as client:
        yield client


@pytest.fixture(scope="module")
def grpc(server):
    with OcrClient(server.grpc_url, protocol="grpc") as client:
        yield client


def labels():
    pages = {}
    for row in (SAMPLES / "Label.txt").read_text(encoding="utf-8").split("\n"):
        if row:
            name, _, lines = row.partition("\t")
            pages[Path(name).name] = [line["transcription"] for line in json.loads(lines)]
    return pages


def folded(text):
    return "".join(character for character in text.casefold() if character.isalnum())


@pytest.mark.parametrize(("name", "share"), [("receipt.png", 0.9), ("poster.jpg", 0.9), ("rotated.png", 0.75)])
def test_the_sample_pictures_are_read(http, name, share):
    found = [folded(text) for text in http.ocr(SAMPLES / name).texts]
    expected = [folded(text) for text in labels()[name] if text != "###"]
    assert sum(text in found for text in expected) >= share * len(expected)


def test_small_lines_are_read(http):
    found = {folded(text) for text in http.ocr(SAMPLES / "small_lines.png").texts}
    expected = [folded(text) for text in labels()["small_lines.png"]]
    assert sum(text in found for text in expected) >= 0.9 * len(expected)


def test_exif_orientation(http):
    """A turned photo is read, and its boxes are in pixels of the picture as a person sees it."""
    result = http.ocr(SAMPLES / "exif.jpg")
    with Image.open(SAMPLES / "exif.jpg") as picture:
        stored_width, stored_height = picture.size
    assert folded("BOOK OF THE DAY") in map(folded, result.texts)  # in BF16 PP-OCRv4 drops a space of it
    assert result.boxes[..., 0].max() <= stored_height
    assert result.boxes[..., 1].max() <= stored_width
    assert result.boxes[..., 1].max() > stored_height * 0.6


@pytest.mark.parametrize("name", PICTURES)
def test_http_grpc_and_generate_answer_alike(server, http, grpc, name):
    data = (SAMPLES / name).read_bytes()
    over_http, over_grpc = http.ocr(data), grpc.ocr(data)
    status, over_generate = generate(server, "ocr", image=base64.b64encode(data).decode())
    assert status == 200
    assert len(over_http.texts) > 3
    assert over_http.texts == over_grpc.texts == tuple(over_generate["texts"])
    assert np.array_equal(over_http.boxes, over_grpc.boxes)
    assert np.allclose(over_http.boxes, np.reshape(over_generate["boxes"], (-1, 4, 2)))
    assert np.allclose(over_http.scores, over_generate["scores"])
    assert np.allclose(over_http.box_scores, over_generate["box_scores"])


def test_generate_takes_a_picture_of_7_megabytes(server, http):
    buffer = io.BytesIO()
    with Image.open(SAMPLES / "poster.jpg") as picture:
        picture.save(buffer, "BMP")
    assert buffer.tell() > 7_000_000
    status, answer = generate(server, "ocr", image=base64.b64encode(buffer.getvalue()).decode())
    assert status == 200
    assert len(answer["texts"]) > 3
    assert tuple(answer["texts"]) == http.ocr(buffer.getvalue()).texts


def test_bytes_base64_and_data_url_are_the_same_picture(http):
    encoded = base64.b64encode(RECEIPT)
    expected = http.ocr(RECEIPT)
    for data in (encoded, b"data:image/png;base64," + encoded):
        result = http.ocr(data)
        assert result.texts == expected.texts
        assert np.array_equal(result.boxes, expected.boxes)


def test_a_request_is_answered_alike_alone_and_amid_others(http, server):
    pictures = {name: (SAMPLES / name).read_bytes() for name in PICTURES}
    alone = {name: http.ocr(data) for name, data in pictures.items()}

    def ask(number):
        name = PICTURES[number % len(PICTURES)]
        with OcrClient(server.http_url, protocol="http", timeout_s=280) as client:
            return name, client.ocr(pictures[name])

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    for name, answer in answers:
        assert answer.texts == alone[name].texts
        assert np.array_equal(answer.boxes, alone[name].boxes)


def test_a_lines_text_does_not_depend_on_the_rest_of_the_page(http):
    """A line is read alike on a page of its own and beside lines of other widths."""
    page = cv2.imdecode(np.frombuffer((SAMPLES / "small_lines.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    whole = http.ocr(png(page), text_rec_score_thresh=0)
    lines = []
    for box in whole.boxes[::6]:
        left, top = np.floor(box.min(axis=0)).astype(int)
        right, bottom = np.ceil(box.max(axis=0)).astype(int)
        lines.append(png(page[top:bottom, left:right]))
    together = http.recognize(lines)
    for line, text, score in zip(lines, together.texts, together.scores, strict=True):
        alone = http.recognize([line])
        assert alone.texts == (text,)
        assert alone.scores[0] == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("shape", [(300, 400, 3), (1, 1, 3), (1, 1000, 3), (1000, 1, 3)])
def test_a_picture_without_text_gives_empty_results_of_the_right_shapes(server, protocol, shape):
    url = server.http_url if protocol == "http" else server.grpc_url
    with OcrClient(url, protocol=protocol) as client:
        picture = png(np.full(shape, 255, np.uint8))
        result, detection = client.ocr(picture), client.detect(picture)
    assert result.boxes.shape == detection.boxes.shape == (0, 4, 2)
    assert result.texts == ()
    assert result.scores.shape == result.box_scores.shape == (0,)


def test_generate_answers_an_empty_picture_with_empty_arrays(server):
    picture = base64.b64encode((SAMPLES / "blank.png").read_bytes()).decode()
    status, answer = generate(server, "ocr", image=picture)
    assert status == 200
    assert [answer[name] for name in ("boxes", "texts", "scores", "box_scores")] == [[], [], [], []]


def test_every_line_of_a_crowded_page_comes_back(http):
    """900 short lines, far more than one batch of rec takes."""
    page = np.full((1800, 2400, 3), 255, np.uint8)
    for row in range(45):
        for column in range(20):
            place = (30 + column * 117, 35 + row * 39)
            cv2.putText(page, f"{row:02d}{column:02d}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2, cv2.LINE_AA)
    result = http.ocr(png(page), text_det_limit_side_len=1800, text_det_max_side_limit=4000)
    expected = {f"{row:02d}{column:02d}" for row in range(45) for column in range(20)}
    assert len(result.texts) == 900
    assert len(expected & set(result.texts)) >= 890


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_textline_orientation": True},
        {"use_textline_orientation": True, "use_doc_orientation_classify": True},
        {"use_textline_orientation": True, "text_reading_order": "columns", "text_det_unclip_ratio": 2.2},
    ],
    ids=lambda options: ",".join(options) or "defaults",
)
@pytest.mark.parametrize("turned", [False, True])
def test_detection_finds_the_boxes_of_ocr(http, options, turned):
    picture = cv2.imdecode(np.frombuffer(RECEIPT, np.uint8), cv2.IMREAD_COLOR)
    sent = png(picture[::-1, ::-1].copy() if turned else picture)
    everything = http.ocr(sent, text_rec_score_thresh=0, **options)
    detection = http.detect(sent, **options)
    assert len(detection) > 20
    assert np.array_equal(everything.boxes, detection.boxes)
    assert np.array_equal(everything.box_scores, detection.box_scores)


def test_recognition_reads_line_images_in_their_order(http):
    lines = []
    for word in ("alpha", "another, rather longer line of text", "42"):
        line = np.full((60, 40 + 22 * len(word), 3), 255, np.uint8)
        cv2.putText(line, word, (15, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (0, 0, 0), 2, cv2.LINE_AA)
        lines.append(png(line))
    result = http.recognize(lines)
    assert [folded(text) for text in result.texts] == ["alpha", "anotherratherlongerlineoftext", "42"]
    assert result.scores.shape == (3,)
    assert len(result.words) == 0
    with_words = http.recognize(lines, return_word_box=True)
    assert (with_words.texts, with_words.scores.tolist()) == (result.texts, result.scores.tolist())
    assert "".join(with_words.words) == "".join("".join(result.texts).split())
    assert sorted(set(with_words.word_lines.tolist())) == [0, 1, 2]


def test_a_line_picture_without_text_has_no_words(server):
    blank = base64.b64encode((SAMPLES / "blank.png").read_bytes()).decode()
    status, answer = generate(server, "text_recognition", images=[blank], return_word_box=True)
    assert status == 200
    assert (listed(answer["texts"]), answer["words"], answer["word_boxes"]) == ([""], [], [])
    status, answer = generate(server, "text_recognition", images=[blank], return_word_box="maybe")
    assert (status, answer["error"].endswith("return_word_box must be true or false, not 'maybe'")) == (400, True)


def test_options_change_the_answer(http):
    plain = http.ocr(RECEIPT)
    assert len(http.ocr(RECEIPT, text_rec_score_thresh=0.99).texts) < len(plain.texts)
    assert len(http.ocr(RECEIPT, text_det_box_thresh=0.99).texts) < len(plain.texts)
    wider = http.detect(RECEIPT, text_det_unclip_ratio=3.0).boxes
    assert np.ptp(wider[..., 1], axis=1).mean() > np.ptp(plain.boxes[..., 1], axis=1).mean()


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_is_read_upright_and_its_boxes_lie_in_the_picture_as_sent(http, quarters):
    picture = cv2.imdecode(np.frombuffer(RECEIPT, np.uint8), cv2.IMREAD_COLOR)
    expected = http.ocr(RECEIPT)
    sent = png(np.ascontiguousarray(np.rot90(picture, -quarters)))
    result = http.ocr(sent, use_doc_orientation_classify=True)
    assert result.texts == expected.texts
    height, width = picture.shape[:2]
    x, y = expected.boxes[..., 0], expected.boxes[..., 1]
    there = {1: (height - y, x), 2: (width - x, height - y), 3: (y, width - x)}[quarters]
    assert np.allclose(result.boxes, np.stack(there, axis=-1), atol=1e-3)
    detection = http.detect(sent, use_doc_orientation_classify=True)
    assert np.allclose(
        detection.boxes, http.ocr(sent, use_doc_orientation_classify=True, text_rec_score_thresh=0).boxes
    )


def test_upside_down_lines_are_turned_and_their_boxes_begin_at_the_texts_own_corner(http):
    upright = cv2.imdecode(np.frombuffer(RECEIPT, np.uint8), cv2.IMREAD_COLOR)
    turned = http.ocr(png(np.ascontiguousarray(upright[::-1, ::-1])), use_textline_orientation=True)
    names = ["MOUNTAIN", "杭州市西湖区龙井路18号"]
    for name in names:
        (line,) = [number for number, text in enumerate(turned.texts) if text.startswith(name)]
        assert turned.boxes[line, 0, 0] > turned.boxes[line, 1, 0]  # reads from right to left on this picture


NO_PICTURES = [
    (b"", "empty"),
    (b"not an image at all", "or its base64 text ("),
    (base64.b64encode(b"hello, world"), "not an image: expected JPEG, PNG"),
    (base64.b64encode(RECEIPT[:5000]), "truncated"),
    (base64.b64encode(RECEIPT)[:-5], "or its base64 text (Incorrect padding"),
]


@pytest.mark.parametrize(("data", "reason"), NO_PICTURES)
def test_what_is_no_picture_is_refused_with_the_reason(server, data, reason):
    status, answer = generate(server, "ocr", image=data.decode("latin-1"))
    assert status == 400
    assert reason in answer["error"]


@pytest.mark.parametrize(
    ("side", "words"),
    [(8_000, "image has 8000 x 8000 pixels, the limit is 50000000 for PNG"), (20_000, "400000000 pixels")],
)
def test_a_picture_above_the_pixel_limit_is_refused_before_it_is_decoded(server, side, words):
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    status, answer = generate(server, "ocr", image=base64.b64encode(buffer.getvalue()).decode())
    assert status == 400
    assert words in answer["error"]
    assert "max_pixels in the config.pbtxt" in answer["error"]


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("ocr", {"text_det_tresh": 0.3}, f'unknown option "text_det_tresh"; it takes {taken_by(OCR)}'),
        ("ocr", {"text_det_thresh": 1.5}, "text_det_thresh must be a number from 0 to 1, not 1.5"),
        ("ocr", {"text_det_limit_type": "middle"}, 'text_det_limit_type must be "min" or "max", not \'middle\''),
        ("ocr", {"use_textline_orientation": 3}, "use_textline_orientation must be true or false, not 3"),
        (
            "text_detection",
            {"text_rec_score_thresh": 0.5},
            f'"text_rec_score_thresh" is not an option of this endpoint; it takes {taken_by(DETECTION)}',
        ),
        ("text_detection", {"text_det_tresh": 0.3}, f'unknown option "text_det_tresh"; it takes {taken_by(DETECTION)}'),
        (
            "text_detection",
            {"text_det_limit_side_len": 1},
            "text_det_limit_side_len must be a whole number from 32 to 4000, not 1",
        ),
    ],
)
def test_an_unknown_or_ill_typed_option_is_refused(server, model, options, words):
    status, answer = generate(server, model, image=base64.b64encode(RECEIPT).decode(), **options)
    assert status == 400
    assert answer["error"].endswith(words)


def test_one_bad_line_image_is_named(server):
    good = base64.b64encode(RECEIPT).decode()
    status, answer = generate(server, "text_recognition", images=[good, "@@@"])
    assert status == 400
    assert "images[1]: not an image" in answer["error"]


def test_too_many_line_images_are_refused(server):
    status, answer = generate(server, "text_recognition", images=["x"] * 1025)
    assert status == 400
    assert "1025 images in one request, the limit is 1024" in answer["error"]


@pytest.mark.parametrize(
    ("widths", "words"),
    [
        ([0, 64], "from 1 to"),
        ([-5, 69], "from 1 to"),
        ([65], "do not fit"),
        ([10**6], "do not fit"),
        ([2**62] * 4 + [64], "from 1 to"),
    ],
)
def test_an_inner_model_refuses_widths_that_do_not_fit_its_crops(server, widths, words):
    with InferenceServerClient(server.grpc_url) as client:
        inputs = InferInput("crops", [48, 64, 3], "UINT8"), InferInput("widths", [len(widths)], "INT64")
        inputs[0].set_data_from_numpy(np.zeros((48, 64, 3), np.uint8))
        inputs[1].set_data_from_numpy(np.array(widths, np.int64))
        with pytest.raises(InferenceServerException, match=words) as refusal:
            client.infer("rec_batcher", inputs)
    assert refusal.value.status() == "StatusCode.INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": [-1, 4]}, "steps"),
        ({"steps": [4]}, "steps"),
        ({"steps": [2**62] * 4 + [3]}, "steps"),
        ({"pieces": [2]}, "pieces"),
        ({"widths": [8, 8]}, "1 boxes and 2 widths do not fit 1 lines of 1 pieces"),
        ({"boxes": np.zeros((0, 4, 2))}, "0 boxes and 1 widths do not fit"),
    ],
)
def test_an_inner_model_refuses_tensors_that_do_not_fit_each_other(server, change, words):
    tensors = {"index": np.zeros(3), "score": np.zeros(3), "steps": [3], "pieces": [1], "widths": [24]}
    tensors = {**tensors, "boxes": np.zeros((1, 4, 2)), **change}
    inputs = []
    for name, value in tensors.items():
        kind = np.float32 if name in ("score", "boxes") else np.int64
        inputs.append(InferInput(name, np.shape(value), "FP32" if kind is np.float32 else "INT64"))
        inputs[-1].set_data_from_numpy(np.array(value, kind))
    with (
        InferenceServerClient(server.grpc_url) as client,
        pytest.raises(InferenceServerException, match=words) as refusal,
    ):
        client.infer("ctc_decode", inputs)
    assert refusal.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_bad_requests_do_not_disturb_good_ones(server):
    good = base64.b64encode(RECEIPT).decode()
    answers = []
    lock = threading.Lock()

    def ask(number):
        bad = number % 2
        answer = generate(server, "ocr", image="@@@" if bad else good)
        with lock:
            answers.append((bad, *answer))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(ask, range(10)))
    texts = [answer["texts"] for bad, status, answer in answers if not bad and status == 200]
    assert len(texts) == 5
    assert all(one == texts[0] for one in texts)
    assert all(status == 400 for bad, status, _ in answers if bad)


def test_a_request_id_is_no_option(server):
    status, answer = generate(server, "ocr", image=base64.b64encode(RECEIPT).decode(), id="page-7")
    assert status == 200, answer


def test_stage_times_are_exported(server, http):
    http.ocr(RECEIPT)
    with urllib.request.urlopen(f"http://{server.metrics_url}/metrics", timeout=30) as answer:
        metrics = answer.read().decode()
    for model, stage in [
        ("det_batcher", "decode"),
        ("det_batcher", "det_resize"),
        ("det_batcher", "det"),
        ("det_batcher", "db_postprocess"),
        ("det_batcher", "crop"),
        ("rec_batcher", "rec"),
        ("ctc_decode", "ctc_decode"),
    ]:
        labels = f'{{model="{model}",stage="{stage}"}}'
        assert f"ocr_stage_duration_us{labels}" in metrics
        assert f"ocr_stage_count{labels}" in metrics
