"""How long a step may be at a request."""

import time

import pytest

from ocr_contract.errors import BudgetExceeded, DeadlineExceeded
from ocr_pipeline import time_limits
from ocr_pipeline.time_limits import TimeLimits, deadline_ns


def test_a_request_without_limits_may_take_any_time():
    assert deadline_ns(0) == 0
    TimeLimits(begun_ns=1).check()


@pytest.mark.parametrize("timeout_us", [1, 1_000_000, 10**12, 2**63, 2**64 - 1])
def test_a_timeout_is_counted_from_now_and_fits_its_tensor(timeout_us):
    before = time.monotonic_ns()
    deadline = deadline_ns(timeout_us)
    assert before + 1000 <= deadline < 2**63
    assert deadline >= before + min(timeout_us, 10**12) * 1000


def test_the_deadline_comes_before_the_budget(monkeypatch):
    limits = TimeLimits(deadline_ns=5_000_000_000, max_seconds=2, begun_ns=1_000_000_000)
    for now_s, expected in ((2.9, None), (3.1, BudgetExceeded), (5.1, DeadlineExceeded)):
        monkeypatch.setattr(time_limits.time, "monotonic_ns", lambda now_s=now_s: int(now_s * 1e9))
        if expected is None:
            limits.check()
        else:
            with pytest.raises(expected, match=r"timeout|max_seconds"):
                limits.check()


@pytest.mark.parametrize("deadline", [-1, 1, -(2**63)])
def test_a_deadline_of_the_past_has_passed(deadline):
    with pytest.raises(DeadlineExceeded):
        TimeLimits(deadline).check()
