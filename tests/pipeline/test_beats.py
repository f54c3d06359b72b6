"""Since when a process is at its oldest request, as whoever watches it reads it."""

import os
import time

from ocr_pipeline import beats


def test_nothing_is_told_where_nobody_asks(tmp_path):
    with beats.Pulse(tmp_path, "det_batcher").request():
        assert list(tmp_path.iterdir()) == []
        assert beats.read(tmp_path) == []


def test_the_oldest_of_several_requests_counts(tmp_path):
    beats.ask(tmp_path)
    pulse = beats.Pulse(tmp_path, "rec_batcher")
    assert beats.read(tmp_path) == []
    begun = time.monotonic()
    first, second = pulse.request(), pulse.request()
    with first:
        with second:
            (beat,) = beats.read(tmp_path)
            assert (beat.model, beat.pid) == ("rec_batcher", os.getpid())
        assert beats.read(tmp_path) == [beat]
    assert begun <= beat.since <= time.monotonic()
    assert beats.read(tmp_path) == []


def test_a_request_that_gets_on_counts_from_there(tmp_path):
    beats.ask(tmp_path)
    pulse = beats.Pulse(tmp_path, "rec_batcher")
    with pulse.request() as first_gets_on:
        with pulse.request() as second_gets_on:
            (begun,) = beats.read(tmp_path)
            second_gets_on()
            assert beats.read(tmp_path) == [begun]  # the first one has not got on
            first_gets_on()
            (later,) = beats.read(tmp_path)
            assert begun.since < later.since
        assert later.since <= beats.read(tmp_path)[0].since
    assert beats.read(tmp_path) == []
