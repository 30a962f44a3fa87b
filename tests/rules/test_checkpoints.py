"""States of days that are over: folds begin there, and end as if they had begun with the first."""

import math
import sqlite3
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots import registry
from lots.clock import DAY_MS, HOUR_MS
from lots.fields import written
from lots.readings.batch import TagKey, of_tag
from rules import checkpoints
from rules.checkpoints import spread
from rules.evaluator import LONGEST_PATIENCE, PATIENCE
from rules.pack import parse
from tests.rules.desk import PACK, TENANT
from tests.rules.lives import head
from tests.rules.timeline import KEY, START, at, hours

DAYS = 40
STAND = (
    "derived:\n  damp_ever: {hours: humidity > 60, unit: h, about: of all of its life}\nrules:\n"
)
RULES = parse({"test.yaml": PACK.replace("rules:\n", STAND, 1)})


@pytest.fixture(scope="module")
def tables():
    """They are a file of their own: whose database the registry is in makes no difference."""
    engine = registry.connect("sqlite://")
    registry.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(name="desk")
def _desk(desk):
    desk.start(rules=RULES)
    desk.settle()
    return desk


def air(hour):
    return 55 + 20 * math.sin(hour / 30)


def lives(desk, first, last):
    """A reading an hour, in entries of a day, and what is done every few seconds meanwhile."""
    for day in range(first, last):
        desk.says(*((hour, air(hour)) for hour in range(24 * day, 24 * day + 24)))
        desk.evaluator._keep_checkpoints()


def asked(desk):
    """From when on the store is asked for readings, hours: filled as it is."""
    found, real = [], desk.store.window

    def window(tag, begins, ends, quantities=None):
        found.append(hours(begins))
        return real(tag, begins, ends, quantities)

    desk.store.window = window
    return found


def times(desk):
    return desk.evaluator._checkpoints.times(desk.evaluator.engine, KEY)


def as_from_the_beginning(desk):
    """What the lot's state is, and what it is folded from its first reading on."""
    found = head(desk.evaluator.engine)
    desk.evaluator.engine.mark(KEY, 0)
    desk.settle()
    return found, head(desk.evaluator.engine)


def comes_late(desk, hour):
    """A reading of another instant than all others."""
    desk.says((hour + 0.25, 90))
    desk.clock.hour = 24 * DAYS
    desk.settle()


def test_a_late_reading_costs_what_came_after_it_and_not_the_lots_whole_past(desk):
    lives(desk, 0, DAYS)
    for late in (24 * DAYS - 20, 24 * (DAYS - 3), 24 * (DAYS - 10)):
        since = asked(desk)
        comes_late(desk, late)
        assert desk.evaluator.engine.dirty == {}
        assert since
        assert 24 * DAYS - min(since) <= 2 * (24 * DAYS - late) + 24
    was, again = as_from_the_beginning(desk)
    assert was == again


def test_a_backlog_costs_its_own_days_each_time(desk):
    """Nothing from day 1 to 29 but what comes on day 40, the oldest first."""
    lives(desk, 0, 1)
    lives(desk, 30, DAYS)
    comes_late(desk, 24)
    for day in range(2, 20, 3):
        since = asked(desk)
        comes_late(desk, 24 * day)
        assert min(since) >= 24 * (day - 4)
    was, again = as_from_the_beginning(desk)
    assert was == again


def test_a_lot_that_is_never_folded_again_has_few(desk):
    lives(desk, 0, DAYS)
    found = times(desk)
    newest = at(24 * DAYS)
    assert 5 <= len(found) <= 16
    for older, newer in pairwise(found):
        assert newer - older <= max(2 * DAY_MS, newest - newer)


def test_what_is_from_after_the_change_is_replaced(desk):
    lives(desk, 0, 10)
    before = {time: state(desk, time) for time in times(desk)}
    comes_late(desk, 24 * 6)
    for time in times(desk):
        if time in before:
            assert (state(desk, time) == before[time]) == (time < at(24 * 6 + 0.25))


def state(desk, time):
    found = desk.evaluator._checkpoints.state(desk.evaluator.engine, KEY, time)
    return repr([column.tolist() for column in found.columns()])


def test_a_past_that_the_store_no_longer_has_is_not_folded(desk):
    """Readings are kept for 20 days; hours of a life go on from before them."""
    desk.evaluator._retention_ms = 20 * DAY_MS
    lives(desk, 0, DAYS)
    desk.store.expire(at(24 * (DAYS - 20)))
    assert min(times(desk)) >= at(24 * (DAYS - 21))
    before = desk.evaluator.engine.known([KEY])[0].numbers["damp_ever"]
    comes_late(desk, 24 * (DAYS - 5))
    after = desk.evaluator.engine.known([KEY])[0].numbers["damp_ever"]
    assert abs(after - before) <= 1.0


def test_other_facts_or_rules_make_other_states(desk):
    lives(desk, 0, 5)
    engine = desk.evaluator.engine
    assert times(desk)
    desk.lot("L1", time_constant_h=2.0)
    desk.settle(1)
    assert times(desk) == []
    desk.settle()
    assert times(desk)
    desk.evaluator.save()
    desk.start(rules=parse({"test.yaml": PACK}))
    assert times(desk) == []
    assert engine is not desk.evaluator.engine


def test_a_worker_that_goes_back_to_its_snapshot_forgets_what_came_after_it(desk):
    """A reading that is late for the checkpoint of day 9, but not for the snapshot of day 8."""
    lives(desk, 0, 8)
    desk.evaluator.save()
    kept = times(desk)
    lives(desk, 8, 12)
    assert times(desk) != kept
    desk.start(rules=RULES)
    assert [time for time in times(desk) if time > at(24 * 8)] == []
    desk.settle()
    was, again = as_from_the_beginning(desk)
    assert was == again


def test_without_a_snapshot_there_are_none(desk):
    lives(desk, 0, 5)
    desk.evaluator.save()
    (desk.folder / "rules.snapshot").unlink()
    desk.start(rules=RULES)
    assert times(desk) == []


@pytest.mark.parametrize("damage", ["cut", "other", "folder"])
def test_a_file_that_cannot_be_used_is_thrown_away(desk, damage):
    lives(desk, 0, 5)
    desk.evaluator.save()
    desk.evaluator.close()
    path = desk.folder / "rules.checkpoints"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "other":
        path.write_bytes(b"no database" * 1000)
    else:
        path.unlink()
        path.mkdir()
    desk.start(rules=RULES)
    lives(desk, 5, 8)
    comes_late(desk, 24 * 6)
    assert desk.evaluator.engine.dirty == {}
    assert bool(times(desk)) == (damage != "folder")
    was, again = as_from_the_beginning(desk)
    assert was == again


def test_a_state_that_is_damaged_is_left_out(desk):
    lives(desk, 0, 8)
    desk.evaluator._checkpoints.close()
    with sqlite3.connect(desk.folder / "rules.checkpoints") as file:
        file.execute("update checkpoints set state = x'00' || substr(state, 2)")
    file.close()
    comes_late(desk, 24 * 6)
    was, again = as_from_the_beginning(desk)
    assert was == again


def test_a_lot_of_a_name_that_another_had_begins_anew(desk):
    """L1 is deleted while nobody looks, and another lot gets its name and its tag."""
    lives(desk, 0, 5)
    desk.evaluator.save()
    desk.remove("bindings", f"T1@{written(at(-100))}")
    desk.remove("moves", f"L1@{written(at(-100))}")
    desk.remove("lots", "L1")
    desk.lot("L1")
    desk.put("bindings", tag="T1", lot="L1", begins=written(at(24 * 4)))
    desk.start(rules=RULES)
    desk.settle()
    (known,) = desk.evaluator.engine.known([KEY])
    assert known.numbers["damp_ever"] < 24


def test_while_late_readings_go_on_coming_a_lot_waits_longer_and_longer(desk):
    lives(desk, 0, 3)
    waits, waited = [], 0
    for number in range(200):
        engine = desk.evaluator.engine
        batch = of_tag(TagKey(TENANT, "T1"), [at(10) + number], {"humidity": [50.0]})
        desk.store.write(batch)
        desk.journal.append(batch)
        desk._take(len(desk.journal) - 1)
        desk.settle(1)
        waited += 1
        if not engine.dirty:
            waits.append(waited)
            waited = 0
    assert waits[:3] == [PATIENCE + 1, 2 * PATIENCE + 1, 4 * PATIENCE + 1]
    desk.settle(2)
    assert desk.evaluator.engine.dirty == {}
    assert desk.evaluator._patience == {}
    assert LONGEST_PATIENCE >= 60 * PATIENCE


days = st.lists(st.integers(0, 3_000), min_size=1, unique=True).map(sorted)


@given(days, st.lists(st.integers(0, 3_000), min_size=1, max_size=2))
def test_from_those_that_are_kept_a_fold_takes_at_most_twice_as_long(there, around):
    kept = spread(there, *around)
    assert set(kept) <= set(there)
    assert (kept[0], kept[-1]) == (there[0], there[-1])
    for older, newer in pairwise(kept):
        adjacent = there.index(newer) == there.index(older) + 1
        assert adjacent or newer - older <= min(abs(newer - each) for each in around)


def test_of_400_days_about_ten_are_kept_and_more_around_a_change():
    there = [day * DAY_MS for day in range(400)]
    assert len(spread(there, there[-1])) <= 11
    assert len(spread(there, there[-1], there[100])) <= 30


def test_a_day_begins_at_midnight_in_utc():
    first, last = START, START + 60 * HOUR_MS  # from noon on
    assert [hours(t) for t in checkpoints.midnights(first, last)] == [12.0, 36.0, 60.0]
    assert checkpoints.midnights(0, DAY_MS) == [DAY_MS]
    assert np.diff(checkpoints.midnights(first, last)).tolist() == [DAY_MS] * 2
