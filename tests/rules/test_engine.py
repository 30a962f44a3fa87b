"""However readings come, in whatever batches and order and however often: the same in the end."""

import math
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from lots.climate import LotKey, join, together
from lots.clock import HOUR_MS
from rules import snapshot
from rules.engine import SAMPLES, WINDOW_MS, Engine
from rules.kernels import NEVER
from rules.part import alone
from rules.rule import Rules, Silence
from rules.silence import DEAF_MS
from rules.state import Transition, silence_limit_ms
from tests.rules.timeline import KEY, LEAD, Record, at, course, pack, rule, said

WINDOW_H = WINDOW_MS / HOUR_MS

LEVELS = rule("damp", "humidity > 80", "humidity < 60") + rule(
    "warm", "temperature > 25", "temperature < 20", wait="2 h"
)
SILENT = (
    "  quiet: {title: t, severity: warning, action: a, based_on: b,"
    " silent_intervals: 4, silent_at_least: 6 h}\n"
)
RULES = pack(LEVELS + rule("sweat", "margin < 0", "margin > 1") + SILENT)
FACTS = {KEY: replace(LEAD, time_constant_h=0.5)}  # settled after an hour and a half


def engine(rules=RULES, samples=SAMPLES):
    return Engine(rules, samples)


def hear(of, parts, facts=FACTS):
    """A batch comes in, samples by lot."""
    of.know(facts)
    return of.evaluate(together(parts))


def tick(of, now, facts=FACTS):
    of.know(facts)
    return of.tick(now)


def contents(shelf, row):
    """A lot's state, so that unknowns are equal to each other."""
    return repr([column.tolist() for column in shelf.take(np.asarray([row])).columns()])


def state(of, key=KEY):
    """What is known of a lot in the end."""
    (known,) = of.known([key])
    return contents(of.table.head, of.table.rows[key]), repr(known)


def base(of, key=KEY):
    return contents(of.table.base, of.table.rows[key])


def newest(shelf, row):
    return int(shelf.newest[row])


def recent(of, key=KEY):
    """The samples of a lot's window, by time."""
    samples, _ = of.table.window.gather(np.asarray([of.table.rows[key]]))
    return samples.ordered()


def in_order(samples, facts=FACTS):
    """One ordered pass: the engine and the record that every other way must end in."""
    of, record = engine(), Record()
    record.take(hear(of, {KEY: samples.ordered()}, facts))
    return of, record


# A lot's readings, and the ways in which they come.

STEPS_MIN = (0, 0, 15, 60, 60, 60, 150, 240)
TAGS = (("air", 1), ("air", 1), ("air", 2), ("surface", 3), ("core", 4))


def history(chance, n):
    """``n`` samples of up to four tags of a lot, in order of time, with gaps and things unknown."""
    parts, minutes = [], 0
    for number in range(n):
        minutes += int(chance.choice(STEPS_MIN))
        placement, tag = TAGS[chance.integers(len(TAGS))]
        temperature = chance.choice([math.nan, 10.0, 30.0, chance.uniform(0, 40)])
        humidity = chance.choice([math.nan, 50.0, 95.0, chance.uniform(20, 100)])
        row = (minutes / 60, temperature, humidity)
        # Readings of a tag and time differ by their key.
        identity = np.asarray([(tag << 20) + number], np.int64)
        parts.append(replace(said(row, placement=placement, tag=tag), identity=identity))
    return join(parts).ordered()


def delivered(chance, samples, latest_h):
    """``samples`` in batches as they come: up to ``latest_h`` late, a fifth of them twice.

    Each batch is in order of time, as it is when it is bound.
    """
    n = len(samples)
    late = chance.uniform(0, latest_h, 2 * n) * chance.integers(0, 2, 2 * n)
    twice = np.flatnonzero(chance.random(n) < 0.2)
    come = np.concatenate((np.arange(n), twice))
    order = come[np.argsort(samples.time[come] + late[: len(come)] * HOUR_MS, kind="stable")]
    edges = [0, *np.flatnonzero(chance.random(len(order)) < chance.random()).tolist(), len(order)]
    found = [
        samples.take(order[first:last]).ordered() for first, last in pairwise(edges) if last > first
    ]
    assert sum(map(len, found)) == n + len(twice)
    return found


sizes = st.integers(1, 40)
bounds = st.sampled_from([1, 10, SAMPLES])
seeds = st.integers(0, 2**32 - 1)


many = settings(
    max_examples=150,
    deadline=None,
    derandomize=False,
    print_blob=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@many
@given(sizes, seeds)
def test_within_the_window_batches_order_and_repeats_make_no_difference(size, seed):
    chance = np.random.default_rng(seed)
    samples = history(chance, size)
    of, record = engine(), Record()
    for batch in delivered(chance, samples, WINDOW_H):
        record.take(hear(of, {KEY: batch}, FACTS))
    expected, net = in_order(samples)
    assert of.dirty == {}
    assert state(of) == state(expected)
    assert record.net() == net.net()
    event(f"alerts: {min(len(net.net()), 5)}")


@many
@given(sizes, seeds)
def test_a_snapshot_at_any_point_makes_no_difference(size, seed):
    chance = np.random.default_rng(seed)
    samples = history(chance, size)
    of, record = engine(), Record()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.snapshot"
        for number, batch in enumerate(delivered(chance, samples, WINDOW_H)):
            if chance.random() < 0.2:
                snapshot.save(path, of, "j", number)
                of = engine()
                assert snapshot.restore(path, of, "j") == number
            record.take(hear(of, {KEY: batch}, FACTS))
    expected, net = in_order(samples)
    assert state(of) == state(expected)
    assert record.net() == net.net()


@many
@given(sizes, seeds, bounds)
def test_older_than_the_window_is_put_right_when_the_lot_is_folded_again(size, seed, bound):
    """Readings come up to four days late; now and then dirty lots are folded from what came."""
    chance = np.random.default_rng(seed)
    samples = history(chance, size)
    of, record, came, dirty = engine(samples=bound), Record(), set(), 0
    for batch in delivered(chance, samples, 96.0):
        record.take(hear(of, {KEY: batch}, FACTS))
        came |= set(zip(batch.time.tolist(), batch.identity.tolist(), strict=True))
        dirty += len(of.dirty)
        if chance.random() < 0.2:
            settle(of, record, stored(samples, came))
    event(f"was dirty: {dirty > 0}")
    settle(of, record, samples)
    expected, net = in_order(samples)
    assert of.dirty == {}
    assert state(of) == state(expected)
    assert record.net() == net.net()


@many
@given(sizes, seeds, bounds)
def test_a_store_that_is_ahead_of_the_rules_makes_no_difference(size, seed, bound):
    """A lot may be folded again from readings that the rules have not come to yet."""
    chance = np.random.default_rng(seed)
    samples = history(chance, size)
    of, record = engine(samples=bound), Record()
    for batch in delivered(chance, samples, WINDOW_H):
        if chance.random() < 0.1:
            of.mark(KEY, 0)
            settle(of, record, samples)
        record.take(hear(of, {KEY: batch}, FACTS))
    settle(of, record, samples)
    expected, net = in_order(samples)
    assert state(of) == state(expected)
    assert record.net() == net.net()


def test_no_sample_is_folded_a_second_time_as_the_window_moves_on():
    of, folded = engine(), []
    real = of._fold
    of._fold = lambda part, states: folded.append(len(part.samples)) or real(part, states)
    for quarter in range(800):
        hear(of, {KEY: damp((quarter / 4, 50))}, FACTS)
    assert newest(of.table.base, of.table.rows[KEY]) >= at(180)
    assert sum(folded) == 800


def test_nor_as_lots_let_go_of_half_because_there_are_too_many_samples():
    of, folded = engine(samples=100), []
    real = of._fold
    for number in range(800):
        if number == 200:  # there was no state of the middle yet
            of._fold = lambda part, states: folded.append(len(part.samples)) or real(part, states)
        hear(of, {KEY: damp((number / 10, 50))}, FACTS)
        assert of.table.window.live <= 100
    assert sum(folded) == 600


@many
@given(sizes, bounds, seeds)
def test_what_is_kept_of_a_lot_fits_together_whatever_comes(size, bound, seed):
    """From its base, and from its middle, the samples of its window lead to its head."""
    chance = np.random.default_rng(seed)
    of, middles = engine(samples=chance.choice([bound, 30])), 0
    for batch in delivered(chance, history(chance, 6 * size), chance.choice([0.1, 5.0, 30.0])):
        hear(of, {KEY: batch}, FACTS)
        rows = of.table.rows_of([KEY])
        (middle,) = of.table.middles(rows)
        middles += middle != NEVER
        assert middle == NEVER or newest(of.table.base, rows[0]) < middle
        if chance.random() < 0.3:
            for shelf in [of.table.base] + [of.table.middle] * int(middle != NEVER):
                states, later = shelf.take(rows), recent(of).time > shelf.newest[rows]
                of._fold(alone(rows, recent(of).take(later)), states)
                assert repr([column.tolist() for column in states.columns()]) == contents(
                    of.table.head, rows[0]
                )
    event(f"middles: {middles > 0}")
    event(f"dirty: {bool(of.dirty)}")


def stored(samples, came):
    """Those of ``samples`` that ``came``, as a store gives them back."""
    there = zip(samples.time.tolist(), samples.identity.tolist(), strict=True)
    return samples.take(np.asarray([one in came for one in there], bool))


def settle(of, record, samples, facts=FACTS):
    """Fold dirty lots again from ``samples``, a few hours at a time as windows of a store come."""
    of.know(facts)
    for key, since in list(of.dirty.items()):
        edges = np.searchsorted(samples.time, [at(hour) for hour in range(0, 500, 5)])
        windows = [samples.take(slice(a, b)) for a, b in pairwise(edges) if a < b]
        assert sum(map(len, windows)) == len(samples)
        record.take([of.refold(key, since, windows)])


# The same as timelines.


def test_readings_of_one_time_are_judged_together():
    """Three tags, each on the hour: one alert at most begins at any time, whoever is heard first.

    At 0 h all dry. At 1 h damp, dry, damp: by the last of them, so it opens, once.
    """
    tags = [
        said((0, 20, 50), (1, 20, humidity), tag=t) for t, humidity in ((1, 88), (2, 75), (3, 88))
    ]
    orders = ([0, 1, 2], [2, 1, 0], [1, 2, 0])
    for order in orders:
        of, record = engine(), Record()
        for number in order:
            record.take(hear(of, {KEY: tags[number]}, FACTS))
        assert record.net() == [("damp", 1.0, None)]
    of, record = engine(), Record()
    record.take(hear(of, {KEY: join(tags).ordered()}, FACTS))
    assert record.told == [("opened", "damp", 1.0)]


@pytest.mark.parametrize(("last", "left"), [(55, {"damp"}), (45, set())])
def test_what_came_and_went_in_one_batch_says_what_it_left(last, left):
    """The tag comes back with hours of readings: damp from 1 to 2 h, and how it is at 8 h."""
    levels = (
        "  damp: {title: t, severity: warning, action: a, based_on: b, when: 'humidity > 80',"
        " clear: 'humidity < 60', leaves: 'humidity > 50'}\n"
    )
    rows = (0, 20, 50), (1, 20, 85), (2, 20, 58), (8, 20, last)
    (change,) = hear(engine(pack(levels)), {KEY: said(*rows)})
    assert [(event.step, event.at) for event in change.transitions] == [(1, at(1)), (0, at(2))]
    assert (change.newest, change.left) == (at(8), left)


def damp(*rows):
    """Humidities by the hour, at 20 °C."""
    return said(*((hour, 20.0, humidity) for hour, humidity in rows))


def test_a_reading_in_time_changes_what_was_told():
    """At 0 h dry, at 2 h damp: told. Then comes the reading of 1 h, damp already."""
    of, record = engine(), Record()
    record.take(hear(of, {KEY: damp((0, 50))}, FACTS))
    record.take(hear(of, {KEY: damp((2, 90))}, FACTS))
    assert record.net() == [("damp", 2.0, None)]
    record.take(hear(of, {KEY: damp((1, 90))}, FACTS))
    assert record.net() == [("damp", 1.0, None)]
    assert record.told == [
        ("opened", "damp", 2.0),
        ("withdrawn", "damp", 2.0),
        ("opened", "damp", 1.0),
    ]


def test_a_reading_that_changes_nothing_tells_nothing():
    of = engine()
    assert hear(of, {KEY: damp((0, 50), (2, 90))}, FACTS) != []
    assert hear(of, {KEY: damp((1, 70))}, FACTS) == []
    assert hear(of, {KEY: damp((1, 70))}, FACTS) == []


def test_a_repeat_changes_nothing_at_all():
    of = engine()
    hear(of, {KEY: damp((0, 50), (2, 90))}, FACTS)
    before, _ = state(of), of.take_changed()
    assert hear(of, {KEY: damp((0, 50), (2, 90))}, FACTS) == []
    assert state(of) == before
    assert of.take_changed() == []


def test_what_is_older_than_the_window_makes_the_lot_dirty_from_its_time():
    of = engine()
    for hour in range(25):
        hear(of, {KEY: damp((hour, 50))}, FACTS)
    assert of.dirty == {}
    hear(of, {KEY: damp((3, 90), (25, 50))}, FACTS)
    assert of.dirty == {KEY: at(3)}
    hear(of, {KEY: damp((2, 90))}, FACTS)
    hear(of, {KEY: damp((5, 90))}, FACTS)
    assert of.dirty == {KEY: at(2)}
    assert newest(of.table.head, of.table.rows[KEY]) == at(25)


def test_what_belongs_to_the_last_time_before_the_window_is_late_too():
    """Its neighbours of the same time are folded already, and it must be judged with them."""
    of = engine()
    hear(of, {KEY: damp(*((hour, 50) for hour in range(25)))}, FACTS)
    base = newest(of.table.base, of.table.rows[KEY])
    hour = (base - at(0)) // HOUR_MS
    hear(of, {KEY: said((hour, 20, 90), tag=2)}, FACTS)
    assert of.dirty == {KEY: base}


def test_at_least_the_window_and_at_most_twice_as_much_stays_in_memory():
    of = engine()
    for quarter in range(400):
        hear(of, {KEY: damp((quarter / 4, 50))}, FACTS)
        time = recent(of).time
        assert time[-1] - time[0] < 2 * WINDOW_MS
        if quarter > 100:
            assert time[-1] - time[0] >= WINDOW_MS - HOUR_MS / 4
            assert newest(of.table.base, of.table.rows[KEY]) < time[0]


def test_a_past_episode_that_late_data_brings_is_revised():
    """At 0 to 20 h dry; then the readings of 3 to 6 h come, damp at 4 h."""
    of, record = engine(), Record()
    rows = [(hour, 50) for hour in range(21) if not 3 <= hour <= 6]
    record.take(hear(of, {KEY: damp(*rows)}, FACTS))
    late = damp((3, 50), (4, 90), (5, 50), (6, 50))
    assert hear(of, {KEY: late}, FACTS) == []
    change = of.refold(KEY, of.dirty[KEY], [join([damp(*rows), late]).ordered()])
    assert change.known_to >= at(20)
    assert change.since == at(3)
    record.take([change])
    assert record.net() == [("damp", 4.0, 5.0)]


def test_an_alert_from_before_the_change_is_none_of_its_business():
    """Damp at 1 to 2 h, told. Facts change from 10 h on: the alert stays as it is."""
    of, record = engine(), Record()
    rows = damp((0, 50), (1, 90), (2, 50), *((hour, 50) for hour in range(3, 30)))
    record.take(hear(of, {KEY: rows}, FACTS))
    of.mark(KEY, at(10))
    settle(of, record, rows)
    assert record.net() == [("damp", 1.0, 2.0)]
    assert [event for event, _, _ in record.told] == ["opened", "cleared"]


def test_an_alert_that_was_open_when_the_change_began_ends_as_it_now_does():
    """Damp from 1 h on, told. From 10 h on the readings are of another, dry place."""
    of, record = engine(), Record()
    record.take(hear(of, {KEY: damp(*((hour, 90) for hour in range(1, 20)))}, FACTS))
    of.mark(KEY, at(10))
    other = damp(*((hour, 90 if hour < 10 else 50) for hour in range(1, 20)))
    settle(of, record, other)
    assert record.net() == [("damp", 1.0, 10.0)]


def test_a_lot_that_is_blind_is_silent_until_it_is_folded():
    """Damp since 1 h, which nobody remembers; at 9 h still damp, at 10 h dry."""
    of, record = engine(), Record()
    of.mark(KEY, 0)
    of.blind.add(KEY)
    assert hear(of, {KEY: damp((9, 90))}, FACTS) == []
    assert tick(of, at(30), FACTS) == []
    assert hear(of, {KEY: damp((10, 50))}, FACTS) == []
    settle(of, record, damp((1, 90), (9, 90), (10, 50)))
    assert record.net() == [("damp", 1.0, 10.0)]
    assert of.blind == set()
    assert hear(of, {KEY: damp((11, 90))}, FACTS) != []


def test_a_lot_without_facts_is_left_out():
    of = engine()
    assert hear(of, {LotKey("acme", "unknown"): damp((0, 90))}, FACTS) == []
    assert of.heard() == set()


def test_lots_do_not_disturb_each_other():
    other = LotKey("acme", "L2")
    facts = FACTS | {other: replace(LEAD, lot="L2")}
    of = engine()
    changes = hear(of, {KEY: damp((0, 90)), other: damp((0, 50))}, facts)
    assert [(change.key, change.transitions[0].rule) for change in changes] == [(KEY, "damp")]
    assert hear(of, {other: damp((1, 90))}, facts)[0].key == other


def test_a_forgotten_lot_begins_anew():
    of = engine()
    hear(of, {KEY: damp((0, 90))}, FACTS)
    of.mark(KEY, 0)
    of.forget(KEY)
    assert (of.heard(), of.dirty, of.blind) == (set(), {}, set())
    assert hear(of, {KEY: damp((1, 90))}, FACTS) != []


def test_a_lot_of_another_kind_has_other_rules():
    rules = pack(rule("damp", "humidity > 80", "humidity < 60"), "{commodity: wool}")
    of = Engine(rules)
    assert hear(of, {KEY: damp((0, 90))}, FACTS) == []
    wool = {KEY: replace(LEAD, commodity="wool", form="greasy")}
    assert hear(Engine(rules), {KEY: damp((0, 90))}, wool) != []


def test_the_surface_of_many_small_batches_is_that_of_one():
    of = engine()
    rows = [said((hour / 4, 20 + 5 * math.sin(hour), 50)) for hour in range(200)]
    for one in rows:
        hear(of, {KEY: one}, FACTS)
    assert of.known([KEY])[0].numbers["surface"] == course(join(rows), "surface", FACTS[KEY])[-1]


# Silence.


class Watch:
    """A lot under ticks: with `says` readings come, with `ticks` time passes."""

    def __init__(self, facts=FACTS, rules=RULES):
        self.of, self.record, self.facts = Engine(rules), Record(), facts

    def ticks(self, first, last, step=0.5):
        for number in range(round((last - first) / step) + 1):
            self.record.take(tick(self.of, at(first + number * step), self.facts))

    def says(self, *when):
        changes = hear(self.of, {KEY: damp(*((h, 50) for h in when))}, self.facts)
        self.record.take(changes)

    @property
    def net(self):
        return self.record.net()


def test_a_silence_opens_once_and_ends_with_the_first_newer_reading():
    """Heard at 0 h; four intervals of an hour, but at least six hours."""
    lot = Watch()
    lot.ticks(-1, 0)
    lot.says(0)
    lot.ticks(0.5, 5.5)
    assert lot.net == []
    lot.ticks(6, 20)
    assert lot.net == [("quiet", 6.0, None)]
    lot.says(20.25, 21)
    assert lot.net == [("quiet", 6.0, 20.25)]
    lot.ticks(21.5, 30)
    assert lot.net == [("quiet", 6.0, 20.25), ("quiet", 27.0, None)]
    assert [event for event, _, _ in lot.record.told] == ["opened", "cleared", "opened"]


def test_a_reading_from_before_the_silence_does_not_end_it():
    lot = Watch()
    lot.ticks(-1, 0)
    lot.says(0)
    lot.ticks(0.5, 10)
    lot.says(1, 5)
    assert lot.net == [("quiet", 6.0, None)]
    lot.says(7)
    assert lot.net == [("quiet", 6.0, 7.0)]


def test_a_silence_says_how_long():
    lot = Watch()
    lot.ticks(-1, 0)
    lot.says(0)
    (change,) = [c for h in range(1, 8) for c in tick(lot.of, at(h), FACTS)]
    assert change.silence
    assert change.transitions == [Transition("quiet", 1, at(6), {"hours_silent": 6.0})]


def test_a_slow_tag_may_be_silent_longer():
    test = Silence(4.0, 6 * HOUR_MS)
    assert silence_limit_ms(test, replace(LEAD, interval_ms=HOUR_MS)) == 6 * HOUR_MS
    assert silence_limit_ms(test, replace(LEAD, interval_ms=3 * HOUR_MS)) == 12 * HOUR_MS


def test_a_lot_that_never_spoke_is_silent_from_when_its_tag_was_bound():
    lot = Watch({KEY: replace(LEAD, watched=((at(2), at(1000)),))})
    lot.ticks(0, 7.5)
    assert lot.net == []
    lot.ticks(8, 9)
    assert lot.net == [("quiet", 8.0, None)]


def test_a_lot_without_a_tag_is_not_waited_for_and_one_that_lost_it_no_longer():
    """A tag from 0 to 12 h, silent all the time; from 50 h on another one."""
    lot = Watch({KEY: replace(LEAD, watched=((at(0), at(12)), (at(50), at(1000))))})
    lot.ticks(-2, 11.5)
    assert lot.net == [("quiet", 6.0, None)]
    lot.ticks(12, 49.5)
    assert lot.net == [("quiet", 6.0, 12.0)]
    lot.ticks(50, 55.5)
    assert len(lot.net) == 1
    lot.ticks(56, 60)
    assert lot.net[1:] == [("quiet", 56.0, None)]


def test_a_new_tag_gets_its_time_on_a_lot_that_was_silent_long():
    lot = Watch({KEY: replace(LEAD, watched=((at(0), at(1000)), (at(100), at(1000))))})
    lot.ticks(98, 105.5)  # we listen from 98 h on, the second tag is bound at 100 h
    assert lot.net == []
    lot.ticks(106, 107)
    assert lot.net == [("quiet", 106.0, None)]


def test_after_a_long_pause_nobody_is_paged_for_what_we_were_away_from():
    """Heard at 0 h and away from 1 to 100 h: the tag gets its time from 100 h on."""
    lot = Watch()
    lot.ticks(-1, 1)
    lot.says(0)
    lot.ticks(100, 105.5)
    assert lot.net == []
    lot.says(*range(1, 106))  # what waited at the broker
    lot.ticks(106, 110.5)
    assert lot.net == []


def test_a_first_start_pages_nobody():
    lot = Watch({KEY: replace(LEAD, watched=((at(-5000), at(1000)),))})
    lot.ticks(0, 5.5)
    assert lot.net == []
    lot.ticks(6, 6)
    assert lot.net == [("quiet", 6.0, None)]


def test_a_clock_that_was_years_ahead_silences_nobody_for_years():
    """Heard at 0 h; the clock goes ten years ahead for a day, long enough to call the lot silent,
    and then it is right again. Heard at 30 h, and silent from 36 h on."""
    lot = Watch()
    lot.ticks(-1, 0)
    lot.says(0)
    lot.ticks(87_600, 87_624)
    assert len(lot.net) == 1
    lot.ticks(1, 29.5)
    lot.says(30)
    lot.ticks(30, 35.5)
    assert [one for one in lot.net if one[2] is None] == []
    lot.ticks(36, 40)
    assert [one for one in lot.net if one[2] is None] == [("quiet", 36.0, None)]


def test_a_short_pause_between_ticks_is_no_reason_to_wait_longer():
    lot = Watch()
    lot.ticks(-1, 0)
    lot.says(0)
    lot.ticks(0, 9, step=DEAF_MS / HOUR_MS)
    assert lot.net == [("quiet", 6.0, None)]


def test_a_restart_while_silent_opens_nothing_twice(tmp_path):
    lot = Watch()
    lot.ticks(-1, 0)
    lot.says(0)
    lot.ticks(0.5, 8)
    path = tmp_path / "rules.snapshot"
    snapshot.save(path, lot.of, "j", 1)
    lot.of = engine()
    assert snapshot.restore(path, lot.of, "j") == 1
    lot.ticks(8.5, 30)
    assert lot.net == [("quiet", 6.0, None)]
    lot.says(31)
    assert lot.net == [("quiet", 6.0, 31.0)]


def test_silence_survives_a_fold_from_the_store():
    lot = Watch()
    lot.ticks(-1, 0)
    lot.says(0)
    lot.ticks(0.5, 8)
    lot.of.mark(KEY, 0)
    settle(lot.of, lot.record, damp((0, 50)))
    assert lot.net == [("quiet", 6.0, None)]
    lot.says(9)
    assert lot.net == [("quiet", 6.0, 9.0)]


def test_a_fold_from_the_store_says_nothing_of_silences_and_a_tick_nothing_of_levels():
    lot = Watch()
    lot.ticks(-1, 0)
    lot.record.take(hear(lot.of, {KEY: damp((0, 90))}, FACTS))
    lot.ticks(0.5, 8)
    lot.of.mark(KEY, 0)
    settle(lot.of, lot.record, damp((0, 90)))
    assert lot.net == [("damp", 0.0, None), ("quiet", 6.0, None)]


# The snapshot.


def saved(path, of, journal="j", offset=7):
    snapshot.save(path, of, journal, offset)
    return path


@pytest.fixture
def lived(tmp_path):
    """An engine that has seen something, and where it is saved."""
    of = engine()
    tick(of, at(-1), FACTS)
    hear(of, {KEY: damp((0, 50), (1, 90), (2, math.nan))}, FACTS)
    of.mark(LotKey("acme", "L9"), at(5))
    of.blind.add(LotKey("acme", "L9"))
    return of, tmp_path / "rules.snapshot"


def test_a_snapshot_brings_everything_back(lived):
    of, path = lived
    again = engine()
    again.know(FACTS)
    assert snapshot.restore(saved(path, of), again, "j") == 7
    assert state(again) == state(of)
    assert base(again) == base(of)
    assert again.happened == of.happened
    assert (again.dirty, again.blind) == (of.dirty, of.blind)
    assert again.silences.ticked == of.silences.ticked
    assert again.silences.listening_since == of.silences.listening_since


def test_a_snapshot_of_another_journal_or_none_is_left_aside(lived, tmp_path):
    of, path = lived
    again = engine()
    assert snapshot.restore(saved(path, of), again, "other") is None
    assert snapshot.restore(tmp_path / "none", again, "j") is None
    assert again.heard() == set()


@pytest.mark.parametrize(
    "other", [("VERSION", 1), ("_layout", lambda: "[('newest', '<i4')]")], ids=["version", "layout"]
)
def test_a_snapshot_of_another_version_is_left_aside(lived, monkeypatch, other):
    of, path = lived
    monkeypatch.setattr(snapshot, *other)
    saved(path, of)
    monkeypatch.undo()
    again = engine()
    assert snapshot.restore(path, again, "j") is None
    assert again.heard() == set()


def test_rules_that_are_new_are_idle_and_those_that_went_are_forgotten(lived):
    """`damp` fires; in the new packs it is the second rule, and `sweat` is no more."""
    of, path = lived
    again = Engine(pack(rule("new", "humidity > 99", "humidity < 60") + LEVELS))
    again.know(FACTS)
    assert snapshot.restore(saved(path, of), again, "j") == 7
    (known,) = again.known([KEY])
    assert known.fires == {"damp": (at(1),)}


def test_under_changed_packs_every_lot_is_folded_again(lived):
    of, path = lived
    again = Engine(Rules(RULES.rules, "another digest"))
    assert snapshot.restore(saved(path, of), again, "j") == 7
    assert again.dirty[KEY] == 0


def test_a_damaged_snapshot_is_left_aside_wherever_the_damage_is(lived):
    of, path = lived
    whole = saved(path, of).read_bytes()
    places = range(0, len(whole), max(1, len(whole) // 200))
    for damaged in (
        *(whole[:place] for place in places),
        *(whole[:p] + bytes([whole[p] ^ 0x10]) + whole[p + 1 :] for p in places),
        whole + b"\0",
    ):
        path.write_bytes(damaged)
        again = engine()
        assert snapshot.restore(path, again, "j") is None
        assert again.heard() == set()


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(lived):
    of, path = lived
    whole = saved(path, of).read_bytes()
    path.with_suffix(".partial").unlink()
    path.with_suffix(".partial").mkdir()
    with pytest.raises(OSError, match="partial"):
        snapshot.save(path, of, "j", 8)
    assert path.read_bytes() == whole


def test_a_snapshot_needs_no_more_of_the_disk_than_those_before(lived):
    """It is written over the one before the last: on a full disk there is nothing else."""
    of, path = lived
    snapshot.reserve(path)
    assert snapshot.restore(path, engine(), "j") is None
    files = {each.stat().st_ino for each in path.parent.iterdir()}
    taken = {sum(each.stat().st_size for each in path.parent.iterdir())}
    for offset in range(1, 6):
        snapshot.save(path, of, "j", offset)
        files |= {each.stat().st_ino for each in path.parent.iterdir()}
        taken.add(sum(each.stat().st_size for each in path.parent.iterdir()))
        assert snapshot.restore(path, engine(), "j") == offset
    assert len(files) == 2
    assert taken == {2 * snapshot.ROOM_BYTES}


def test_a_snapshot_that_outgrows_its_file_takes_room_for_the_next_one_too(lived):
    of, path = lived
    saved(path, of)
    others = {LotKey("acme", f"{n}"): LEAD for n in range(snapshot.ROOM_BYTES // 100)}
    hear(of, dict.fromkeys(others, damp((0, 50))), FACTS | others)
    for offset in (1, 2):
        snapshot.save(path, of, "j", offset)
        again = engine()
        assert snapshot.restore(path, again, "j") == offset
        assert again.heard() >= of.heard()
    assert path.stat().st_size == path.with_suffix(".partial").stat().st_size > snapshot.ROOM_BYTES


@pytest.mark.parametrize("left", ["before", "partial"])
def test_a_worker_killed_while_it_saved_leaves_a_snapshot(lived, left):
    of, path = lived
    saved(path, of)
    path.with_suffix(f".{left}").write_bytes(b"half")
    assert snapshot.restore(path, engine(), "j") == 7
    snapshot.save(path, of, "j", 8)
    assert snapshot.restore(path, engine(), "j") == 8


def test_an_empty_engine_has_a_snapshot_too(tmp_path):
    again = engine()
    assert snapshot.restore(saved(tmp_path / "s", engine()), again, "j") == 7
    assert again.heard() == set()
