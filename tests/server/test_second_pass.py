"""A set of two recognisers behind a real server: the second reads what the first is not sure of."""

import base64
import json
import urllib.request

import pytest
from tests.conftest import SAMPLES

from ocr_client import BadRequestError, OcrClient
from ocr_predictor import LocalOcr

RECEIPT, LINE = SAMPLES / "receipt.png", SAMPLES / "poster.jpg"
OPTION = "text_rec_second_pass_thresh"


@pytest.fixture(scope="module")
def two_passes(launch_server, two_pass_repository):
    return launch_server(two_pass_repository)


@pytest.fixture(scope="module")
def client(two_passes):
    with OcrClient(two_passes.http_url) as client:
        yield client


def second_passes(server):
    """How many pages have been read a second time, in part or whole."""
    with urllib.request.urlopen(f"http://{server.metrics_url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith('ocr_stage_count{model="rec_batcher",stage="rec_second"')
    )


def test_a_line_is_the_same_whoever_of_two_equal_recognisers_reads_it(two_passes, client):
    before = second_passes(two_passes)
    once = client.ocr(RECEIPT, return_word_box=True)
    assert second_passes(two_passes) == before  # the set's own threshold is 0
    assert client.ocr(RECEIPT, return_word_box=True, **{OPTION: 1}) == once
    assert second_passes(two_passes) == before + 1
    assert client.ocr(RECEIPT, return_word_box=True, **{OPTION: float(sorted(once.scores)[3])}) == once
    assert second_passes(two_passes) == before + 2
    assert client.recognize([LINE], **{OPTION: 1}) == client.recognize([LINE])


def test_the_library_reads_the_same(client, two_pass_repository):
    with LocalOcr(two_pass_repository) as reader:
        for threshold in (0, 1):
            assert reader.ocr(RECEIPT, **{OPTION: threshold}).texts == client.ocr(RECEIPT).texts
            assert reader.recognize([LINE], **{OPTION: threshold}).texts == client.recognize([LINE]).texts


@pytest.mark.parametrize("value", [-0.1, 1.1, "much"])
def test_a_threshold_out_of_range_is_refused(client, value):
    with pytest.raises(BadRequestError, match=f"{OPTION} must be a number from 0 to 1"):
        client.ocr(RECEIPT, **{OPTION: value})


def test_a_set_of_one_recogniser_says_so(server):
    with OcrClient(server.http_url) as client:
        assert client.ocr(RECEIPT, **{OPTION: 0}).texts
        for ask in (client.ocr, lambda picture, **options: client.recognize([picture], **options)):
            with pytest.raises(BadRequestError, match="needs a model set with two recognisers"):
                ask(RECEIPT, **{OPTION: 0.5})


def test_a_request_by_hand_is_read_twice(two_passes):
    before = second_passes(two_passes)
    body = {"image": base64.b64encode(RECEIPT.read_bytes()).decode(), OPTION: 1}
    request = urllib.request.Request(
        f"http://{two_passes.http_url}/v2/models/ocr/generate",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["texts"]
    assert second_passes(two_passes) == before + 1
