"""Retries are a share of the requests, and a few more."""

from service.triton.budget import RetryBudget


def test_a_burst_may_be_retried_and_then_a_share_of_the_requests() -> None:
    budget = RetryBudget(share=0.125, burst=4)
    assert [budget.take() for _ in range(5)] == [True] * 4 + [False]
    taken = 0
    for _ in range(80):
        budget.deposit()
        taken += budget.take()
    assert taken == 10


def test_quiet_times_save_up_no_more_than_the_burst() -> None:
    budget = RetryBudget(share=0.5, burst=2)
    for _ in range(100):
        budget.deposit()
    assert [budget.take() for _ in range(3)] == [True, True, False]
