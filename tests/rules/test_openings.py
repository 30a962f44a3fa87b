"""The hour of opening, by the clock of the site."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from rules.openings import Unknowable, hours_until

HELSINKI, LORD_HOWE, KIRITIMATI = "Europe/Helsinki", "Australia/Lord_Howe", "Pacific/Kiritimati"


def until(text, now, zone):
    ms = round(datetime.fromisoformat(now).timestamp() * 1000)
    return pytest.approx(hours_until(text, ms, ZoneInfo(zone)), abs=1e-6)


@pytest.mark.parametrize(
    ("text", "now", "zone", "hours"),
    [
        ("09:00", "2026-06-01T08:00+03:00", HELSINKI, 1),
        ("09:00", "2026-06-01T09:00+03:00", HELSINKI, 0),
        ("09:00", "2026-06-01T10:00+03:00", HELSINKI, 23),
        ("09:00", "2026-03-28T10:00+02:00", HELSINKI, 22),  # a day of 23 h
        ("09:00", "2026-10-24T10:00+03:00", HELSINKI, 24),  # one of 25 h
        ("00:00", "2026-12-31T23:00+14:00", KIRITIMATI, 1),
        # Twice: the next of the two.
        ("03:30", "2026-10-25T02:30+03:00", HELSINKI, 1),
        ("03:30", "2026-10-25T03:35+03:00", HELSINKI, 55 / 60),
        ("03:30", "2026-10-25T03:10+02:00", HELSINKI, 20 / 60),
        ("03:30", "2026-10-25T03:40+02:00", HELSINKI, 23 + 50 / 60),
        ("2026-10-25T03:30", "2026-10-25T03:35+03:00", HELSINKI, 55 / 60),
        ("01:45", "2026-04-05T01:50+11:00", LORD_HOWE, 25 / 60),
        # Never: as if the clock had not been put forward.
        ("03:30", "2026-03-29T02:50+02:00", HELSINKI, 40 / 60),
        ("02:15", "2026-10-04T01:50+10:30", LORD_HOWE, 25 / 60),
        ("03:30", "2026-03-29T04:40+03:00", HELSINKI, 22 + 50 / 60),
    ],
)
def test_a_clock_is_the_next_time_that_it_shows_this(text, now, zone, hours):
    assert until(text, now, zone) == hours


def test_an_instant_that_is_over_is_said_to_be():
    assert until("2026-10-25T03:30", "2026-10-25T05:30+02:00", HELSINKI) == -3


@pytest.mark.parametrize("text", ["", "9", "24:00", "09:60", "-1:00", "noon", ":"])
def test_what_is_no_hour_is_refused(text):
    with pytest.raises(Unknowable, match="is none"):
        until(text, "2026-10-25T05:30+02:00", HELSINKI)
