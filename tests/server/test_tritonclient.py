"""tritonclient in the environment that `make venv` makes."""

import os

import numpy as np
import pytest


@pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")
def test_its_shared_memory_can_be_used():
    from tritonclient.utils import shared_memory

    name = f"/triton-paddleocr-test-{os.getpid()}"
    region = shared_memory.create_shared_memory_region("pixels", name, 8)
    try:
        shared_memory.set_shared_memory_region(region, [np.arange(8, dtype=np.uint8)])
        assert shared_memory.get_contents_as_numpy(region, np.uint8, [8]).tolist() == list(range(8))
    finally:
        shared_memory.destroy_shared_memory_region(region)
