"""What is judged of a worker, second by second: when alerts open, stay and clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.conditions import CONDITIONS, EVENT_OPEN_S, STUCK_S, Finding, Limits
from operations.figures import Ages, Figures
from operations.watch import Judgement, adopt, judge

LIMITS = Limits()
WELL = Figures(at=0.0, journal_bound=1000, disk_free_bytes=10**12)
BAD: dict[str, dict[str, Any]] = {
    "broker.thread": {"thread_alive": False},
    "broker.away": {"connected": False, "broker_trouble": "it cannot be reached"},
    "queue.full": {"held": 16_000},
    "journal.full": {"journal_bytes": 800},
    "journal.disk": {"disk_free_bytes": 999_999_999},
    "store.lag": {"store_lag_s": 8.0, "store_lag_bytes": 5},
    "store.away": {"store_trouble": "it does not answer"},
    "rules.lag": {"rules_lag_s": 8.0},
    "packs.refused": {"packs_refused": "my.yaml, line 4: hot: when: …"},
    "tags.clock": {"wrong_clocks": "the clock of a tag is wrong: T-1 of acme (2.0 h ahead)"},
    "tags.range": {
        "impossible_values": "a tag says what cannot be: T-1 of acme (humidity 140 %RH)"
    },
    "registry.away": {"registry_silent_s": 5.0, "registry_trouble": "refused"},
    "part.stuck": {"parts": {"rules": STUCK_S}},
}
EVENTS = {"broker.session": "sessions_lost", "broker.drops": "dropped"}


class Timeline:
    """Figures at every second, and what is open after each."""

    def __init__(self, begin: Judgement | None = None, limits: Limits = LIMITS) -> None:
        self.judgement = begin or Judgement()
        self.limits = limits
        self.now = 0.0

    def go(self, seconds: float, **figures: Any) -> set[str]:
        """So many seconds on with these figures; what is open at their end."""
        for _ in range(int(seconds)):
            self.now += 1.0
            self.judgement = judge(
                self.judgement, replace(WELL, at=self.now, **figures), self.limits
            )
        return set(self.judgement.open)

    def until(self, true: Callable[[set[str]], bool], **figures: Any) -> float:
        """How many seconds until what is open is so."""
        begun = self.now
        while not true(self.go(1, **figures)):
            assert self.now - begun < 2000, "it did not come about"
        return self.now - begun

    def finding(self, name: str) -> Finding:
        return self.judgement.open[name].finding


def test_there_is_a_case_of_every_condition() -> None:
    assert {condition.name for condition in CONDITIONS} == BAD.keys() | EVENTS.keys()


def test_a_worker_that_is_well_has_no_alerts() -> None:
    assert Timeline().go(100) == set()


@pytest.mark.parametrize("name", BAD)
def test_a_level_is_told_within_ten_seconds_and_alone(name: str) -> None:
    line = Timeline()
    line.go(5)
    assert line.until(lambda open_: name in open_, **BAD[name]) <= 9
    assert line.go(5, **BAD[name]) == {name}
    assert line.finding(name).text


@pytest.mark.parametrize("name", BAD)
def test_a_level_clears_once_it_has_been_well_for_long_enough(name: str) -> None:
    line = Timeline()
    line.go(10, **BAD[name])
    assert line.go(LIMITS.clear_s) == {name}
    assert line.go(1) == set()


@pytest.mark.parametrize("name", BAD)
def test_a_level_that_comes_and_goes_is_one_alert(name: str) -> None:
    line = Timeline()
    line.go(10, **BAD[name])
    for _ in range(20):
        assert line.go(20) == {name}
        assert line.go(1, **BAD[name]) == {name}


def test_what_lies_between_the_two_limits_opens_nothing_and_clears_nothing() -> None:
    line = Timeline()
    between = {"held": 13_000, "journal_bytes": 700, "store_lag_s": 5.0, "rules_lag_s": 5.0}
    assert line.go(100, **between) == set()
    line.go(10, held=20_000, journal_bytes=990, store_lag_s=60.0, rules_lag_s=60.0)
    assert line.go(100, **between) == {"queue.full", "journal.full", "store.lag", "rules.lag"}


def test_the_numbers_of_an_open_alert_follow_what_is_found() -> None:
    line = Timeline()
    line.go(1, journal_bytes=800)
    assert line.finding("journal.full").numbers == {"bytes": 800.0, "bound": 1000.0}
    line.go(1, journal_bytes=950, intake_trouble="the journal has reached its bound")
    assert line.finding("journal.full").numbers["bytes"] == 950.0
    assert "reached its bound" in line.finding("journal.full").text


def test_a_moment_without_the_broker_or_with_a_full_queue_is_none() -> None:
    line = Timeline()
    for _ in range(20):
        line.go(4, connected=False, held=20_000)
        assert line.go(1) == set()


@pytest.mark.parametrize(("name", "figure"), EVENTS.items())
def test_an_event_is_told_at_once_and_stays_open_after_the_last_of_it(
    name: str, figure: str
) -> None:
    line = Timeline()
    line.go(3)
    assert line.go(1, **{figure: 2}) == {name}
    assert line.finding(name).numbers == {"count": 2.0}
    assert line.go(EVENT_OPEN_S / 2, **{figure: 2}) == {name}
    assert line.go(1, **{figure: 5}) == {name}
    assert line.finding(name).numbers == {"count": 5.0}
    assert line.go(EVENT_OPEN_S, **{figure: 5}) == {name}
    assert line.go(1, **{figure: 5}) == set()
    assert line.go(1, **{figure: 6}) == {name}
    assert line.finding(name).numbers == {"count": 1.0}


def test_an_event_before_the_first_look_is_told_too() -> None:
    assert Timeline().go(1, sessions_lost=1, dropped=3) == {"broker.session", "broker.drops"}


def test_a_worker_that_was_stopped_for_a_while_blames_nobody_for_its_own_absence() -> None:
    line = Timeline()
    line.go(5)
    line.now += 60.0
    late = {"thread_age_s": 61.0, "registry_silent_s": 61.0, "store_lag_s": 61.0}
    assert line.go(1, **late, dropped=7) == {"broker.drops"}
    assert line.go(1, dropped=7) == {"broker.drops"}
    assert "store.lag" in line.go(1, store_lag_s=63.0, dropped=7)


def test_a_network_thread_that_stands_still_is_as_good_as_dead() -> None:
    assert Timeline().go(1, thread_age_s=5.0) == {"broker.thread"}
    waits = {"connected": False, "broker_trouble": "refused"}
    assert Timeline().go(30, thread_age_s=30.0, **waits) == {"broker.away"}
    assert "broker.thread" in Timeline().go(1, thread_age_s=60.0, **waits)


def test_a_broker_that_refuses_a_subscription_is_told_in_its_words() -> None:
    line = Timeline()
    line.go(10, broker_trouble="refuses the subscription to a/b: allow the account to read it")
    assert "allow the account" in line.finding("broker.away").text


def test_a_keeper_that_waits_for_the_registry_is_no_trouble_of_the_store() -> None:
    line = Timeline()
    waits = {"store_trouble": "the registry does not answer", "registry_trouble": "refused"}
    assert line.go(20, registry_silent_s=20.0, **waits) == {"registry.away"}


def test_a_disk_that_takes_nothing_is_told_at_once_whatever_is_free() -> None:
    line = Timeline()
    assert line.go(1, intake_trouble="No space left on device") == {"journal.disk"}
    assert "No space left" in line.finding("journal.disk").text
    assert Timeline().go(1, disk_free_bytes=None) == set()


def test_a_part_that_waits_for_a_server_is_not_stuck() -> None:
    late = {"keeper": 500.0, "intake": 500.0}
    waits = {"store_trouble": "away", "intake_trouble": "full", "journal_bytes": 990}
    assert "part.stuck" not in Timeline().go(10, parts=late, **waits)
    line = Timeline()
    assert "part.stuck" in line.go(10, parts=late, store_trouble="away")
    assert line.finding("part.stuck").numbers == {"intake": 500.0}


def test_what_an_earlier_run_left_open_goes_on_or_clears() -> None:
    left = adopt({name: Finding(True, "as it was", {}) for name in ("store.away", "broker.drops")})
    line = Timeline(left)
    line.go(1, store_trouble="still away")
    assert line.finding("store.away").text == "still away"
    assert line.go(LIMITS.clear_s + 1) == {"broker.drops"}
    assert line.go(EVENT_OPEN_S) == set()


def test_limits_are_what_they_are_set_to() -> None:
    strict = Limits(lag_s=2.0, fill=0.1, disk_free_bytes=10**13, clear_s=1.0)
    line = Timeline(limits=strict)
    figures = {"store_lag_s": 2.0, "journal_bytes": 100}
    assert line.go(1, **figures) == {"store.lag", "journal.full", "journal.disk"}
    assert line.go(3) == {"journal.disk"}


@given(st.lists(st.tuples(st.sampled_from([*BAD, "well"]), st.integers(1, 40)), max_size=30))
def test_an_alert_is_open_for_its_least_time_whatever_comes(spans: list[tuple[str, int]]) -> None:
    """So no name can open more often than once in ``clear_s``, whatever the worker goes through."""
    line = Timeline()
    opened: dict[str, float] = {}
    for name, seconds in spans:
        for _ in range(seconds):
            before = set(line.judgement.open)
            after = line.go(1, **BAD.get(name, {}))
            for each in after - before:
                assert line.now - opened.get(each, -1e9) > LIMITS.clear_s
                opened[each] = line.now


def test_what_waits_is_as_old_as_the_look_that_saw_it_first() -> None:
    ages = Ages()
    for at, end in enumerate([0, 0, 100, 200, 200, 300]):
        ages.note(float(at), end)
    assert ages.age(10.0, 300) == 0.0
    assert ages.age(10.0, 299) == 5.0
    assert ages.age(10.0, 200) == 5.0
    assert ages.age(10.0, 199) == 7.0
    assert ages.age(10.0, 0) == 8.0
    ages.forget(100)
    assert ages.age(10.0, 100) == 7.0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(2, 20))
def test_however_long_it_lags_the_age_stays_about_true(steps: list[int], most: int) -> None:
    short, full = Ages(most), Ages(10**6)
    end = 0
    for at, step in enumerate(steps):
        end += step
        short.note(float(at), end)
        full.note(float(at), end)
    now = float(len(steps))
    for offset in range(end + 1):
        assert 0 <= short.age(now, offset) <= full.age(now, offset) or offset == end
        if offset == 0 and end:
            assert short.age(now, 0) > 0
