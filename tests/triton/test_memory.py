"""A step's request for which there is no memory."""

import cv2
import numpy as np
import pytest

from ocr_contract.errors import OutOfMemory
from ocr_triton.memory import Room, as_out_of_memory


def test_tensors_that_shared_memory_has_no_room_for_are_refused(tmp_path):
    room = Room(tmp_path)
    room.check([2**21, 2**20])
    room.check([])
    with pytest.raises(OutOfMemory, match="no room for 1125899906842624 MiB"):
        room.check([2**69, 2**69])


def test_what_a_step_has_had_room_for_it_has_room_for_again(tmp_path):
    room = Room(tmp_path)
    room.check([2**22])
    tmp_path.rmdir()  # nobody can be asked how much is free
    room.check([2**21, 2**21])
    with pytest.raises(FileNotFoundError):
        room.check([2**22 + 1])


def test_an_allocation_that_fails_is_told_from_other_errors():
    with pytest.raises(MemoryError) as failed:
        np.empty(2**60, np.uint8)
    assert isinstance(as_out_of_memory(failed.value), OutOfMemory)
    with pytest.raises(cv2.error) as failed:
        cv2.resize(np.zeros((1, 1, 3), np.uint8), (2**31 - 1, 2**20), interpolation=cv2.INTER_NEAREST)
    assert isinstance(as_out_of_memory(failed.value), OutOfMemory)
    with pytest.raises(cv2.error) as failed:
        cv2.resize(np.zeros((0, 1, 3), np.uint8), (1, 1))
    assert as_out_of_memory(failed.value) is None
