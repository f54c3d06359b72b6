"""Whose turn it is, and when a server that was out is asked again."""

from collections import Counter

import pytest

from ocr_client.balancing.roster import Outcome, Roster, Turn

GONE, WORKS, BUSY, FAILED = Outcome.GONE, Outcome.WORKS, Outcome.BUSY, Outcome.FAILED


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def roster(clock: Clock) -> Roster:
    """Three servers: a, b, c."""
    return Roster(["a", "b", "c"], clock)


def take(roster: Roster, tried: set[int] | None = None) -> Turn:
    turn = roster.take(tried or set())
    assert turn is not None
    return turn


def end(roster: Roster, number: int, outcome: Outcome, **more: float) -> None:
    """A request that went to this server, and ended so."""
    roster.give_back(take(roster, {0, 1, 2} - {number}), outcome, **more)  # type: ignore[arg-type]


def test_one_request_after_the_other_goes_round(roster: Roster) -> None:
    seen = []
    for _ in range(6):
        turn = take(roster)
        seen.append(turn.url)
        roster.give_back(turn, WORKS)
    assert seen[:3] == seen[3:]
    assert set(seen) == {"a", "b", "c"}


def test_a_server_that_takes_long_gets_fewer(roster: Roster) -> None:
    slow = take(roster)
    quick = Counter(_answered(roster) for _ in range(10))
    assert slow.url not in quick
    assert sorted(quick.values()) == [5, 5]


def _answered(roster: Roster) -> str:
    turn = take(roster)
    roster.give_back(turn, WORKS)
    return turn.url


def test_not_all_clients_begin_with_the_same_server() -> None:
    assert len({take(Roster(["a", "b", "c"])).url for _ in range(100)}) == 3


def test_a_server_that_is_gone_gets_no_request_until_it_says_that_it_is_ready(roster: Roster) -> None:
    end(roster, 0, GONE)
    assert {_answered(roster) for _ in range(6)} == {"b", "c"}
    assert roster.due() == [0]
    roster.probed(0, is_ready=True)
    assert {_answered(roster) for _ in range(6)} == {"a", "b", "c"}


def test_a_connection_that_breaks_for_once_costs_no_pause(roster: Roster) -> None:
    end(roster, 0, GONE)
    assert roster.due() == [0]  # without a moment between


def test_it_is_asked_by_one_and_ever_more_rarely(roster: Roster, clock: Clock) -> None:
    end(roster, 0, GONE)
    pauses = []
    for _ in range(12):
        assert roster.due() == [0]
        assert roster.due() == []  # it is being asked
        roster.probed(0, is_ready=False)
        before = clock.now
        while not (due := roster.due()):
            clock.now += 0.01
        assert due == [0]
        pauses.append(clock.now - before)
        roster.probed(0, is_ready=False)
        clock.now += 10
    assert pauses[0] < 1
    assert 5 <= pauses[-1] <= 10.1


def test_a_server_that_says_it_is_ready_and_is_not_is_asked_ever_more_rarely_too(roster: Roster, clock: Clock) -> None:
    end(roster, 0, GONE)
    for _ in range(10):
        roster.due()
        roster.probed(0, is_ready=True)
        end(roster, 0, GONE)
        clock.now += 10
    roster.due()
    roster.probed(0, is_ready=True)
    end(roster, 0, GONE)
    clock.now += 4.9
    assert roster.due() == []


def test_an_answer_to_an_old_request_does_not_bring_a_server_back(roster: Roster, clock: Clock) -> None:
    old = take(roster, {1, 2})
    clock.now += 1
    end(roster, 0, GONE)
    roster.give_back(old, WORKS)
    assert {_answered(roster) for _ in range(6)} == {"b", "c"}


def test_where_all_are_out_each_is_tried_and_who_answers_is_back(roster: Roster) -> None:
    for number in range(3):
        end(roster, number, GONE)
    turn = take(roster, {0, 2})
    assert turn.url == "b"
    roster.give_back(turn, WORKS)
    assert {_answered(roster) for _ in range(4)} == {"b"}


def test_a_server_that_is_out_is_not_tried_in_place_of_a_busy_one(roster: Roster) -> None:
    end(roster, 0, GONE)
    assert roster.take({1, 2}) is None


@pytest.mark.parametrize("outcome", [BUSY, FAILED])
def test_a_server_rests_where_others_are_left(roster: Roster, clock: Clock, outcome: Outcome) -> None:
    end(roster, 0, outcome, rest_s=5.0)
    assert {_answered(roster) for _ in range(6)} == {"b", "c"}
    end(roster, 0, Outcome.UNKNOWN)  # it gets what no other can take
    clock.now += 5.1
    assert "a" in {_answered(roster) for _ in range(3)}


@pytest.mark.parametrize("outcome", [GONE, BUSY, FAILED])
def test_what_many_requests_hear_at_once_is_one_trouble(roster: Roster, clock: Clock, outcome: Outcome) -> None:
    for turn in [take(roster, {1, 2}) for _ in range(50)]:
        roster.give_back(turn, outcome)
    clock.now += 0.3
    for number in roster.due():
        roster.probed(number, is_ready=False)
    clock.now += 0.6
    assert roster.due() == [0] if outcome is GONE else "a" in {_answered(roster) for _ in range(3)}


def test_a_server_that_fails_fast_does_not_draw_all_requests(roster: Roster, clock: Clock) -> None:
    failed = 0
    for _ in range(300):  # 30 seconds
        turn = take(roster)
        failed += turn.number == 0
        roster.give_back(turn, FAILED if turn.number == 0 else WORKS)
        clock.now += 0.1
    assert failed <= 12


def test_a_request_that_was_given_up_says_nothing(roster: Roster) -> None:
    end(roster, 0, Outcome.UNKNOWN)
    assert {_answered(roster) for _ in range(6)} == {"a", "b", "c"}


def test_reasons_come_in_the_order_of_the_addresses(roster: Roster) -> None:
    roster.give_back(take(roster, {0, 1}), GONE, reason="refused")
    assert roster.reasons({"b": "busy", "a": "broke"}) == {"a": "broke", "b": "busy", "c": "refused"}
    assert roster.reasons({}) == {"c": "refused"}
