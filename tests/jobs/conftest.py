"""Inputs, and a job's parts in this process."""

import cv2
import numpy as np
import pytest

from ocr_contract import __version__
from ocr_jobs.listing import list_inputs
from ocr_jobs.output import Output
from ocr_jobs.settings import Identity, Reading, Servers, WorkerSettings


def draw(path, text):
    """A small page with one line of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = np.full((64, 320, 3), 255, np.uint8)
    cv2.putText(page, text, (12, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2, cv2.LINE_AA)
    assert cv2.imwrite(str(path), page)
    return path


@pytest.fixture(scope="session")
def draw_page():
    return draw


@pytest.fixture
def scans(tmp_path):
    """A folder with four pages, one of them in a folder of its own."""
    folder = tmp_path / "scans"
    for number in range(3):
        draw(folder / f"page{number}.png", f"ROW {number} HERE")
    draw(folder / "more" / "last.png", "LAST ROW")
    return folder


@pytest.fixture
def identity():
    return Identity(Reading().to_dict(), "some-set", None, None, __version__)


@pytest.fixture
def worker_settings(identity):
    """What an actor is told that reads through a server."""

    def settings(output, url="127.0.0.1:1", reading=None, **servers):
        return WorkerSettings(output.folder, output.run, identity, reading or Reading(), Servers((url,), **servers), 2)

    return settings


@pytest.fixture
def output(tmp_path, identity):
    with Output(tmp_path / "results", identity) as output:
        yield output


@pytest.fixture
def inputs(scans, output):
    return list_inputs([str(scans)], output.folder)
