"""Tags whose clocks are wrong: who they are, from decoded messages, until they are right again."""

from __future__ import annotations

from typing import Any

from ingest.formats.decoded import together
from ingest.wrong_clocks import WrongClocks
from lots.clock import DAY_MS, HOUR_MS
from tests.formats.test_native import KEEP, NOW, told


def said(*tags: str, **fields: Any) -> Any:
    payload = {"temperature": 1.0, **fields}
    return together([told(payload, f"dunnage/v1/acme/{tag}/readings") for tag in tags])


def test_a_clock_that_is_ahead_is_told_until_it_is_right() -> None:
    clocks = WrongClocks()
    clocks.take(said("T1", "T2", t=NOW + HOUR_MS // 2), NOW)
    assert clocks.trouble is None
    clocks.take(said("T1", t=NOW + 2 * HOUR_MS), NOW)
    assert clocks.trouble == "the clock of a tag is wrong: T1 of acme (2.0 h ahead)"
    clocks.take(said("T2", t=NOW), NOW)
    assert clocks.trouble is not None
    clocks.take(said("T1", t=NOW), NOW)
    assert clocks.trouble is None


def test_so_is_one_of_no_possible_time() -> None:
    clocks = WrongClocks()
    clocks.take(said("T1", t=NOW - KEEP - 1), NOW)
    assert clocks.trouble == "the clock of a tag is wrong: T1 of acme (of no possible time)"
    clocks.take(said("T1", "T2", t=NOW + 3 * DAY_MS), NOW)
    assert clocks.trouble is not None
    assert clocks.trouble.startswith("the clocks of 2 tags are wrong: T1")


def test_the_first_are_named() -> None:
    clocks = WrongClocks()
    clocks.take(said(*(f"T{n}" for n in range(8)), t=NOW + HOUR_MS), NOW)
    assert clocks.trouble is not None
    assert clocks.trouble.startswith("the clocks of 8 tags are wrong: T0 of acme (1.0 h ahead)")
    assert clocks.trouble.endswith("T4 of acme (1.0 h ahead), and 3 more")


def test_one_that_says_nothing_for_a_day_is_forgotten() -> None:
    clocks = WrongClocks()
    clocks.take(said("T1", t=NOW + HOUR_MS), NOW)
    clocks.forget(NOW + DAY_MS)
    assert clocks.trouble is not None
    clocks.forget(NOW + DAY_MS + 1)
    assert clocks.trouble is None


def test_they_are_not_remembered_without_end() -> None:
    clocks = WrongClocks(most=3)
    clocks.take(said("T1", "T2", t=NOW + HOUR_MS), NOW)
    clocks.take(said("T3", "T4", t=NOW + HOUR_MS), NOW)
    assert clocks.trouble is not None
    assert "of 3 tags" in clocks.trouble
