"""Steps: written by people, and chosen for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.steps import ROUND_STEPS, duration, fine_step, round_step, steps_in

HOUR = 3_600_000
MALFORMED_ISO = ["PT", "P1DT", "PT0S", "P1M", "P1Y", "P1D ", "p1d", ""]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("30s", 30_000),
        ("15m", 900_000),
        ("1h", HOUR),
        ("1d", 24 * HOUR),
        ("2w", 14 * 24 * HOUR),
        ("PT15M", 900_000),
        ("P1D", 24 * HOUR),
        ("P1DT12H", 36 * HOUR),
        ("P1W", 7 * 24 * HOUR),
        ("PT1H30M10S", 5_410_000),
    ],
)
def test_a_duration_is_read_short_or_in_iso_8601(text: str, ms: int) -> None:
    assert duration(text) == ms


@pytest.mark.parametrize(
    "text",
    ["h", "1", "-1h", "1.5h", "0s", "1H", "１h", "9999999999h", "999999999w", "P", *MALFORMED_ISO],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"1s|like 15m"):
        duration(text)


@given(
    begins=st.integers(0, 4_000_000_000_000),
    length=st.integers(1, 400 * 366 * 24 * HOUR),
    points=st.integers(2, 5000),
)
def test_a_round_step_makes_no_more_points_than_asked_for(
    begins: int, length: int, points: int
) -> None:
    step = round_step(begins, begins + length, points)
    assert steps_in(begins, begins + length, step) <= points
    shorter = [each for each in ROUND_STEPS if each < step]
    assert all(steps_in(begins, begins + length, each) > points for each in shorter)


def test_a_week_in_200_points_goes_by_hours() -> None:
    assert round_step(0, 7 * 24 * HOUR, 200) == HOUR


@given(
    length=st.integers(1, 3 * 366 * 24 * HOUR),
    step=st.sampled_from([*ROUND_STEPS, 7000, 25 * HOUR]),
    interval=st.integers(1000, 7 * 24 * HOUR),
)
def test_fine_steps_divide_what_is_shown(length: int, step: int, interval: int) -> None:
    fine = fine_step(0, length, step, interval)
    assert step % fine == 0
    assert fine == step or steps_in(0, length, fine) <= 20_000


def test_fine_steps_are_as_long_as_the_tags_interval_where_that_is_possible() -> None:
    assert fine_step(0, 30 * 24 * HOUR, 24 * HOUR, HOUR) == HOUR
    assert fine_step(0, 30 * 24 * HOUR, HOUR, 24 * HOUR) == HOUR
    assert fine_step(0, 366 * 24 * HOUR, 24 * HOUR, 60_000) == HOUR // 2
