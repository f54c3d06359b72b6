"""How many requests are under way, counted by several processes that know only their tickets."""

import multiprocessing
import time

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ocr_contract.errors import NotServing, Overloaded
from ocr_pipeline import tickets
from ocr_pipeline.tickets import MOST, Tickets

STEPS = ("det_batcher", "rec_batcher", "ctc_decode")
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def counted(tmp_path):
    tickets.ask(tmp_path)
    return tmp_path


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the tickets' clock is ahead of the machine's."""
    ahead = [0.0]
    real = time.monotonic_ns
    monkeypatch.setattr(tickets.time, "monotonic_ns", lambda: real() + int(ahead[0] * 1e9))
    return ahead


def test_every_request_is_admitted_where_nobody_counts(tmp_path):
    uncounted = Tickets(tmp_path)
    assert [uncounted.admit(1) for _ in range(3)] == [0, 0, 0]
    uncounted.hand_on(0, "det_batcher")
    uncounted.take(0)
    uncounted.give_back(0)
    assert uncounted.under_way() == 0
    assert list(tmp_path.iterdir()) == []


def test_no_more_are_admitted_than_agreed_and_each_makes_room_when_it_ends(counted):
    one, other = Tickets(counted), Tickets(counted)
    numbers = [one.admit(3), other.admit(3), one.admit(3)]
    assert len(set(numbers)) == 3
    with pytest.raises(Overloaded, match=r"3 requests are under way.*max_in_flight"):
        other.admit(3)
    other.give_back(numbers[0])
    assert other.admit(3) not in numbers
    assert one.under_way() == 3


def test_a_ticket_that_nobody_has_changes_nothing(counted):
    own = Tickets(counted)
    number = own.admit(1)
    for unknown in (0, -1, number ^ 1, 2**62):
        own.take(unknown)
        own.hand_on(unknown, "rec_batcher")
        own.give_back(unknown)
    assert own.under_way() == 1


def test_all_places_can_be_had(counted):
    own = Tickets(counted)
    numbers = {own.admit(MOST) for _ in range(MOST)}
    assert len(numbers) == MOST
    with pytest.raises(Overloaded):
        own.admit(MOST)


def test_a_request_that_vanished_is_found_when_a_later_one_overtakes_it(counted, clock):
    own = Tickets(counted)
    vanished, elsewhere, later = (own.admit(9) for _ in range(3))
    own.hand_on(vanished, "det_batcher")
    own.hand_on(elsewhere, "rec_batcher")
    clock[0] = 0.5
    near = own.admit(9)
    own.hand_on(near, "det_batcher")
    clock[0] = 1.2
    own.hand_on(later, "det_batcher")
    own.take(later)
    assert own.under_way() == 3  # near may have been taken a moment ago by a process that has not said so yet
    own.give_back(near)
    own.give_back(elsewhere)
    assert own.under_way() == 1


def test_requests_that_vanished_make_room_when_their_step_is_idle(counted, clock):
    own = Tickets(counted)
    for step in STEPS:
        own.hand_on(own.admit(3), step)
    clock[0] = 0.9
    with pytest.raises(Overloaded):
        own.admit(3)
    clock[0] = 1.1
    own.admit(3)
    assert own.under_way() == 1


def test_requests_that_wait_for_a_busy_step_keep_their_places(counted, clock):
    own = Tickets(counted)
    at_work, waiting = own.admit(2), own.admit(2)
    for number in (at_work, waiting):
        own.hand_on(number, "det_batcher")
    own.take(at_work)
    clock[0] = 60
    with pytest.raises(Overloaded):
        own.admit(2)
    own.give_back(at_work)
    clock[0] = 60.5  # idle for less than a second
    third = own.admit(2)
    with pytest.raises(Overloaded):
        own.admit(2)
    clock[0] = 120  # a request without a ticket, which may be in the step, keeps no place for others
    own.admit(2)
    own.give_back(third)
    assert own.under_way() == 1


def test_the_step_where_requests_wait_takes_at_once_what_waits_for_it(counted, clock):
    own = Tickets(counted)
    own.hand_on(own.admit(1), "wait_turn")
    clock[0] = 0.05
    with pytest.raises(Overloaded):
        own.admit(1)
    clock[0] = 0.2
    own.admit(1)
    assert own.under_way() == 1


def test_no_request_starts_in_a_server_that_is_being_stopped(counted, clock):
    own = Tickets(counted)
    first, second = own.admit(9), own.admit(9)
    tickets.close(counted, time.monotonic_ns() + 5_000_000_000)
    assert own.start(first, 2)
    clock[0] = 5.1
    with pytest.raises(NotServing, match="send the request again"):
        own.start(second, 2)


def test_no_more_are_at_work_than_agreed_and_each_makes_room_when_it_ends(counted, clock):
    own = Tickets(counted)
    first, second, third = (own.admit(9) for _ in range(3))
    assert own.start(first, 2)
    assert own.start(second, 2)
    assert not own.start(third, 2)
    own.hand_on(first, "det_batcher")
    own.take(first)
    assert not own.start(third, 2)
    own.give_back(first)
    assert own.start(third, 2)
    own.hand_on(second, "det_batcher")
    clock[0] = 2.0  # second has vanished: its step is idle
    fourth = own.admit(9)
    assert own.start(fourth, 2)


def test_whoever_has_no_ticket_starts_at_once(counted, tmp_path_factory):
    own = Tickets(counted)
    assert own.start(own.admit(1), 1)
    assert own.start(0, 1)
    assert own.start(2**62, 1)
    assert Tickets(tmp_path_factory.mktemp("uncounted")).start(7, 1)


@given(st.lists(st.sampled_from(["admit", "hand_on", "take", "give_back"]), max_size=60), st.data())
@hypothesis_settings(max_examples=60)
def test_tickets_count_what_a_plain_list_counts(tmp_path_factory, calls, data):
    folder = tmp_path_factory.mktemp("models")
    tickets.ask(folder)
    processes = [Tickets(folder) for _ in range(3)]
    open_numbers: list[int] = []
    for call in calls:
        one = data.draw(st.sampled_from(processes))
        if call == "admit":
            if len(open_numbers) < 4:
                open_numbers.append(one.admit(4))
            else:
                with pytest.raises(Overloaded):
                    one.admit(4)
        elif open_numbers:
            number = data.draw(st.sampled_from(open_numbers))
            if call == "hand_on":
                one.hand_on(number, data.draw(st.sampled_from(STEPS)))
            elif call == "take":
                one.take(number)
            else:
                one.give_back(number)
                open_numbers.remove(number)
        assert one.under_way() == len(open_numbers)


def work(folder, limit, rounds, most_seen):
    """Take requests through all steps, as a server of one process would."""
    own = Tickets(folder)
    for _ in range(rounds):
        try:
            number = own.admit(limit)
        except Overloaded:
            continue
        with most_seen.get_lock():
            most_seen.value = max(most_seen.value, own.under_way())
        for step in STEPS:
            own.hand_on(number, step)
            own.take(number)
        own.give_back(number)


def test_processes_together_never_pass_the_limit_and_leave_nothing(counted):
    most_seen = FORK.Value("i", 0)
    processes = [FORK.Process(target=work, args=(counted, 2, 300, most_seen)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert 1 <= most_seen.value <= 2
    assert Tickets(counted).under_way() == 0


def admit_and_die(folder):
    own = Tickets(folder)
    own.admit(9)
    with own._locked():
        multiprocessing.current_process().kill()


def test_a_process_that_is_killed_holding_the_lock_stops_nobody(counted):
    process = FORK.Process(target=admit_and_die, args=(counted,))
    process.start()
    process.join()
    own = Tickets(counted)
    own.give_back(own.admit(9))
    assert own.under_way() == 1  # its server is started anew, with no tickets
