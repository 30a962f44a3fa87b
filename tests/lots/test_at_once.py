"""A few calls at the same time."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from lots.at_once import at_once


def test_all_run_together_and_answer_in_their_order() -> None:
    """Each waits until all have begun."""
    all_there = threading.Barrier(3, timeout=10)

    def wait_and_say(number: int) -> int:
        all_there.wait()
        return number

    assert at_once([partial(wait_and_say, number) for number in range(3)]) == [0, 1, 2]


def test_of_none_there_is_nothing() -> None:
    assert at_once([]) == []


@pytest.mark.parametrize("failing", [0, 1])
def test_a_failure_is_raised_when_all_have_ended(failing: int) -> None:
    ended = []

    def end(number: int) -> None:
        if number == failing:
            raise ConnectionError(number)
        threading.Event().wait(0.05)
        ended.append(number)

    with pytest.raises(ConnectionError):
        at_once([partial(end, number) for number in range(2)])
    assert ended == [1 - failing]
