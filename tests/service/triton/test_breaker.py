"""Failures alone do not open a breaker where a canary can be heard."""

import pytest

from service.triton.breaker import (
    FEWEST,
    IN_A_ROW,
    PATIENCE_SECONDS,
    WINDOW_SECONDS,
    Breaker,
    State,
)
from service.triton.breaker import PAUSES_SECONDS as PAUSES
from tests.service.triton.asking import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock=clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.begin()
        breaker.fail()


def succeed(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.begin()
        breaker.succeed()


def opened(breaker: Breaker) -> Breaker:
    breaker.suspect()
    breaker.convict()
    return breaker


def test_failures_in_a_row_make_a_model_suspect_and_it_is_asked_still(breaker: Breaker) -> None:
    fail(breaker, IN_A_ROW - 1)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.SUSPECT
    assert breaker.admits()


def test_an_answer_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker, IN_A_ROW - 1)
        succeed(breaker, 2 * IN_A_ROW)
    assert breaker.state is State.CLOSED


def test_half_of_many_answers_failing_makes_it_suspect(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FEWEST // 2 - 1):
        succeed(breaker)
        fail(breaker)
    assert breaker.state is State.CLOSED
    succeed(breaker)
    fail(breaker)
    assert breaker.state is State.SUSPECT


def test_old_answers_do_not_count(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FEWEST):
        succeed(breaker)
        fail(breaker)
        clock.now += WINDOW_SECONDS / 10
    assert breaker.state is State.CLOSED


def test_acquitted_it_starts_anew(breaker: Breaker) -> None:
    fail(breaker, IN_A_ROW)
    breaker.acquit()
    assert breaker.state is State.CLOSED
    fail(breaker, IN_A_ROW - 1)
    assert breaker.state is State.CLOSED


def test_convicted_it_is_left_alone_until_its_trial(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    assert not breaker.admits()
    clock.now += PAUSES[0] / 2
    assert breaker.seconds_to_trial() == PAUSES[0] / 2
    clock.now += PAUSES[0] / 2
    assert breaker.admits()
    breaker.begin()
    assert not breaker.admits()
    breaker.succeed()
    assert breaker.state is State.CLOSED


def test_trials_that_fail_become_rarer(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    for pause in (*PAUSES, PAUSES[-1]):
        assert breaker.seconds_to_trial() == pause
        clock.now += pause
        fail(breaker)
        assert breaker.state is State.OPEN


def test_a_trial_without_verdict_is_repeated(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += PAUSES[0]
    breaker.begin()
    breaker.leave()
    assert breaker.state is State.OPEN
    clock.now += PAUSES[0]
    assert breaker.admits()


def test_a_change_of_the_server_brings_the_trial_forward(breaker: Breaker) -> None:
    opened(breaker).retry_now()
    assert breaker.admits()


@pytest.mark.parametrize(("outcome", "state"), [(fail, State.OPEN), (succeed, State.CLOSED)])
def test_without_a_verdict_the_next_answer_decides(
    breaker: Breaker, clock: Clock, outcome, state: State
) -> None:
    fail(breaker, IN_A_ROW)
    outcome(breaker)
    assert breaker.state is State.SUSPECT
    clock.now += PATIENCE_SECONDS
    outcome(breaker)
    assert breaker.state is state


def test_what_was_under_way_when_it_opened_does_not_close_it(breaker: Breaker) -> None:
    breaker.begin()
    opened(breaker)
    breaker.succeed()
    breaker.leave()
    assert breaker.state is State.OPEN


def test_each_change_is_told_once(clock: Clock) -> None:
    told: list[State] = []
    breaker = Breaker(told.append, clock)
    fail(breaker, 2 * IN_A_ROW)
    breaker.convict()
    clock.now += PAUSES[0]
    succeed(breaker)
    assert told == [State.SUSPECT, State.OPEN, State.HALF_OPEN, State.CLOSED]
