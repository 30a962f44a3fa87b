"""Events of a lot and the alerts that tell of them."""

from __future__ import annotations

from typing import Any

from cli.demo_truth import HOUR_MS, Row, WhatIsTrue, compared, written
from simulators.journey import named
from simulators.truth import Event
from simulators.world import World

AT = 1_790_000_000_000


def alert(rule: str, hours: float, cleared: float | None = None) -> dict[str, Any]:
    ends = None if cleared is None else written(AT + round(cleared * HOUR_MS))
    return {
        "rule": rule,
        "opened": written(AT + round(hours * HOUR_MS)),
        "cleared": ends,
        "lot": "L",
    }


def film(begins: float, ends: float | None) -> Event:
    end = None if ends is None else AT + round(ends * HOUR_MS)
    return Event("film", AT + round(begins * HOUR_MS), end, 80.0, "sweat")


def test_an_alert_goes_to_the_event_that_it_tells_of_with_its_lead() -> None:
    near, sweat, late = (alert("lead.sweat_near", -6), alert("lead.sweat", 1), alert("lead.wet", 2))
    (row, other) = compared("L", [film(0, 12)], [sweat, late, near])
    assert (row.event, row.alerts) == (film(0, 12), (near, sweat))
    assert row.lead_h is not None
    assert abs(row.lead_h - 6) < 0.1
    assert other == Row("L", None, (late,))  # no event is of its kind


def test_an_event_that_nobody_told_of_and_alerts_without_one_stand_apart() -> None:
    early, after = alert("lead.sweat", -100), alert("lead.sweat", 60)
    assert compared("L", [film(0, 12)], [early, after]) == [
        Row("L", film(0, 12), ()),
        Row("L", None, (early, after)),
    ]
    assert compared("L", [film(0, None)], [after]) == [Row("L", film(0, None), (after,))]


def test_an_alert_that_was_over_before_is_no_warning() -> None:
    over, stood = alert("lead.sweat_near", -20, -10), alert("lead.sweat_near", -5, 3)
    assert compared("L", [film(0, 12)], [over, stood]) == [
        Row("L", film(0, 12), (stood,)),
        Row("L", None, (over,)),
    ]


def test_an_alert_that_stands_when_a_second_event_begins_tells_of_both() -> None:
    standing, over = alert("lead.sweat", 1), alert("lead.sweat_near", -2, 20)
    first, second = film(0, 12), film(30, 42)
    rows = compared("L", [first, second], [standing, over])
    assert rows == [Row("L", first, (over, standing)), Row("L", second, (standing,))]
    assert rows[1].lead_h is not None
    assert abs(rows[1].lead_h - 29) < 0.1


def test_too_fast_to_be_followed_is_said_beside_the_alerts() -> None:
    world = World(named("unwrapped-too-soon"), 1)
    assert WhatIsTrue(world, 8640.0).compared([]).caption is None
    assert "silent that are not" in str(WhatIsTrue(world, 86_400.0).compared([]).caption)


def test_of_two_events_each_has_its_own() -> None:
    first, second = alert("lead.sweat", 1), alert("lead.sweat", 101)
    rows = compared("L", [film(0, 12), film(100, 112)], [first, second])
    assert [row.alerts for row in rows] == [(first,), (second,)]
    assert rows[1].lead_h is not None
    assert rows[1].lead_h < 0


def test_where_nothing_happened_and_nothing_was_told() -> None:
    assert compared("L", [], []) == [Row("L", None, ())]
