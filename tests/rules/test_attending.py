"""A lot's tags as the fold watches them: what of them is believed, and who is at fault."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lots.circumstances import ALWAYS, Circumstance
from lots.climate import TAG_BITS, LotKey, Samples, join
from lots.climate import together as bound
from lots.terms import Phase
from rules import pack as packs
from rules.engine import Engine
from rules.furnace import NotFit
from rules.quality import SETTINGS
from rules.signals import DERIVED, MEASURED
from rules.state import LotFacts
from simulators.sensors import faults, spoiling
from tests.rules.measured import series
from tests.rules.timeline import LEAD, at, course, fold, folded, hours, pack, rule, said, steady

BAY = replace(LEAD, circumstances=(Circumstance(ALWAYS, Phase.IN_STOCK, 0, "bay", ""),))
UNKNOWN = None


def wandering(first, last, step=0.5, seed=1, temperature=20.0, humidity=50.0):
    """A sound tag's rows: a day's course, and noise of a hundredth."""
    rng = np.random.default_rng(seed)
    hours = np.arange(first, last + step / 2, step)
    day = np.sin(2 * np.pi * hours / 24)
    warm = (temperature + 3 * day + rng.normal(0, 0.02, len(hours))).round(2)
    damp = (humidity - 8 * day + rng.normal(0, 0.1, len(hours))).round(2)
    return [tuple(map(float, row)) for row in zip(hours, warm, damp, strict=True)]


def together(*parts):
    return join(parts).ordered()


def test_a_jump_is_unknown_until_the_next_reading_agrees():
    rows = (0, 20.0, 50.0), (0.5, 20.1, 50.0), (1, 45.0, 30.0), (1.5, 44.0, 31.0)
    assert course(said(*rows), "temperature") == [20.0, 20.1, UNKNOWN, 44.0]
    assert course(said(*rows), "humidity") == [50.0, 50.0, 30.0, 31.0]
    assert course(said(*rows), "dew_point")[2] is UNKNOWN


def test_a_spike_is_never_believed():
    rows = (0, 20.0, 50.0), (0.5, 20.1, 50.0), (1, 45.0, 50.0), (1.5, 20.2, 50.0)
    assert course(said(*rows), "temperature") == [20.0, 20.1, UNKNOWN, 20.2]
    assert course(said(*rows), "spikes") == [UNKNOWN, UNKNOWN, UNKNOWN, 1.0]
    assert folded(said(*rows, tag=7)).numbers["spiking_tag"] == 7


def test_of_a_tag_that_spiked_a_smaller_step_is_a_jump_for_some_days():
    """5 K in half an hour are believed of a sound one, of one that spiked if the next agrees."""
    rows = [(h / 2, 20.0 + 5.0 * (h in (8, 219)), 50.0) for h in range(220)]
    spiked = [(h, 40.0 if h == 1 else t, d) for h, t, d in rows]
    assert course(said(*rows), "temperature")[8] == 25.0
    found = course(said(*spiked), "temperature")
    assert (found[2], found[8], found[219]) == (UNKNOWN, UNKNOWN, 25.0)
    stays = [(h, t + 5.0 * (4.5 <= h <= 9), d) for h, t, d in spiked]
    assert course(said(*stays), "temperature")[8:11] == [UNKNOWN, 25.0, 25.0]


def test_what_jumps_stays_unknown_while_the_lots_other_tags_speak():
    air = said((0, 20.0, 50.0), (0.5, 20.1, 50.0), (1, 45.0, 50.0), (2, 20.0, 50.0))
    metal = said((1.25, 20.0, math.nan), (1.5, 20.0, math.nan), placement="surface", tag=2)
    found = course(together(air, metal), "temperature")
    assert found == [20.0, 20.1, UNKNOWN, UNKNOWN, UNKNOWN, 20.0]


def test_a_jump_does_not_make_the_metal_unknown():
    """Or who carries cold metal into a warm hall would hear of the sweat half a day later."""
    cold = steady(0, 20, 0, 60, 0.5)
    found = course(said(*cold, (20.5, 25.0, 60.0), (21, 25.0, 60.0)), "margin")
    assert found[-3] == pytest.approx(6.8, abs=0.1)
    assert found[-2] is UNKNOWN
    assert found[-1] < -10


def test_a_lot_is_not_fit_while_its_air_is_in_doubt_and_as_before_if_that_was_a_spike():
    rows = [*wandering(0, 80), (80.5, 60.0, 20.0), (81, 20.0, 50.0)]
    found = course(said(*rows), "not_fit", BAY)
    assert found[-3:] == [0.0, NotFit.UNKNOWN, 0.0]


def test_a_lot_is_not_fit_while_its_metal_is_in_doubt():
    metal = said(
        *[(h, 20.0, math.nan) for h in np.arange(0.25, 80)],
        (80.25, 60.0, math.nan),
        placement="surface",
        tag=2,
    )
    found = course(together(said(*wandering(0, 80, 1.0)), metal), "not_fit", BAY)
    assert found[-3:] == [0.0, 0.0, NotFit.UNKNOWN]


@pytest.mark.parametrize("name", [*MEASURED, *DERIVED])
def test_rules_are_judged_on_what_is_shown_through_a_jump_too(name):
    jumps = {40.5: (45.0, 50.0), 44: (40.0, 50.0), 44.5: (40.0, 50.0)}
    rows = [(h, *jumps.get(h, values)) for h, *values in wandering(0, 70)]
    shown = [number is not UNKNOWN for number in course(said(*rows), name, BAY)]
    rules = pack(rule("test.known", f"known({name})", f"not known({name})"))
    judged, turns = False, iter(folded(said(*rows), BAY, rules).transitions)
    turn = next(turns, None)
    for (hour, *_), is_shown in zip(rows, shown, strict=True):
        if turn is not None and turn.at == at(hour):
            judged, turn = bool(turn.step), next(turns, None)
        assert judged == is_shown, f"{name} at {hour} h"
    assert turn is None


@pytest.mark.parametrize("change", [11, 11.5, 12, 12.5, 13])
def test_a_tag_that_is_replaced_jumps_from_where_the_other_was(change):
    """At, before and after a jump: it is the lot's air that is in doubt, whoever measures it."""
    rows = [*steady(0, 11.5, 0, 60, 0.5), *steady(12, 20, 25, 60, 0.5)]
    old, new = ([r for r in rows if (r[0] < change) == is_old] for is_old in (True, False))
    rules = pack(rule("wet", "film >= 4 or margin < -2", "film < 1"))
    one = folded(said(*rows), BAY, rules)
    two = folded(join([said(*old), said(*new, tag=2)]), BAY, rules)
    assert one.transitions == two.transitions
    assert one.numbers == two.numbers
    assert course(said(*rows), "temperature") == course(
        join([said(*old), said(*new, tag=2)]), "temperature"
    )


def test_two_tags_far_from_each_other_do_not_jump_to_and_fro():
    low = said(*wandering(0, 24, 1.0))
    high = said(*((h + 0.5, t + 30, d) for h, t, d in wandering(0, 24, 1.0, seed=2)), tag=2)
    found = course(together(low, high), "temperature")
    assert found.count(UNKNOWN) == 1  # the first of the other


def test_a_tag_that_says_the_same_for_three_days_is_not_believed_any_more():
    rows = [*wandering(0, 24), *steady(24.5, 120, 20.57, 50.57, 0.5)]
    found = course(said(*rows, tag=5), "stuck_tag")
    first = next(n for n, number in enumerate(found) if number is not None)
    assert found[first] == 5
    assert rows[first][0] == 24.5 + 72
    temperature = course(said(*rows), "temperature")
    assert temperature[first - 1] == 20.57
    assert temperature[first + 7 :] == [UNKNOWN] * len(temperature[first + 7 :])


def test_beside_a_tag_that_moves_one_day_is_enough():
    still = said(*wandering(0, 24), *steady(24.5, 120, 20.57, 50.57, 0.5), tag=5)
    metal = said(
        *((h + 0.1, t, math.nan) for h, t, _ in wandering(0, 120)), placement="surface", tag=6
    )
    both = together(still, metal)
    found = course(both, "stuck_tag")
    first = next(n for n, number in enumerate(found) if number is not None)
    assert found[first] == 5
    assert both.time[first] - both.time[0] == (24.5 + 24) * 3_600_000


def test_the_core_of_a_bale_stands_still_for_weeks():
    core = said(*wandering(0, 24, 1.0), *steady(25, 800, 20.57, 50.57), placement="core", tag=5)
    found = course(core, "stuck_tag")
    first = next(n for n, number in enumerate(found) if number is not None)
    assert first == 25 + 720


def test_a_stuck_tag_that_was_replaced_is_forgotten_after_a_day():
    old = said(*wandering(0, 24), *steady(24.5, 120, 20.57, 50.57, 0.5), tag=5)
    new = said(*wandering(120.5, 160), tag=6)
    found = course(join([old, new]), "stuck_tag")
    after = found[len(old) :]
    assert after[: 2 * 24] == [5] * (2 * 24)
    assert after[2 * 24 :] == [UNKNOWN] * (len(new) - 2 * 24)


def three(change):
    """Three air tags of one lot; ``change`` (hours, row) -> row for the first."""
    own = [change(row) for row in wandering(0, 24 * 60, 1.0)]
    others = [
        said(*((h + n / 10, *v) for h, *v in wandering(0, 24 * 60, 1.0, seed=n)), tag=n)
        for n in (2, 3)
    ]
    return together(said(*own), *others)


def test_a_salted_sensor_among_dry_neighbours_keeps_its_thermometer():
    samples = three(lambda row: (row[0], row[1], 100.0 if row[0] > 400 else row[2]))
    done = folded(samples)
    assert done.numbers["salted_tag"] == 1
    assert done.numbers["humidity"] < 65
    fresh = fold(done.state, said((24 * 60 + 0.9, 21.0, 100.0)))
    assert (fresh.numbers["temperature"], fresh.numbers["salted_tag"]) == (21.0, 1)
    assert fresh.numbers["humidity"] < 65


def test_drift_is_told_of_the_tag_that_drifts():
    warm = folded(three(lambda r: (r[0], r[1] + max(0.0, (r[0] - 500) / 100), r[2]))).numbers
    assert warm["drift_temperature_tag"] == 1
    damp = folded(three(lambda r: (r[0], r[1], r[2] + max(0.0, (r[0] - 500) / 50)))).numbers
    assert damp["drift_humidity_tag"] == 1
    assert "drift_temperature_tag" not in damp


def test_what_a_calibration_put_right_is_no_drift():
    """15 %RH too damp from the first, and so found after 500 h; named by its name all the same."""
    found = 1 + (1 << TAG_BITS)
    off = [(h, warm, damp + 15.0) for h, warm, damp in wandering(0, 500, 1.0)]
    right = wandering(501, 24 * 60, 1.0)
    others = [
        said(*((h + n / 10, *v) for h, *v in wandering(0, 24 * 60, 1.0, seed=n)), tag=n)
        for n in (2, 3)
    ]
    unnoticed = folded(together(said(*off), said(*right), *others))
    assert unnoticed.numbers["drift_humidity_tag"] == 1
    done = folded(together(said(*off), said(*right, tag=found), *others))
    assert "drift_humidity_tag" not in done.numbers
    stuck = said(*steady(1441, 1600, 20.57, 50.57, 0.5), tag=found)
    assert fold(done.state, stuck).numbers["stuck_tag"] == 1


def test_three_sound_tags_have_no_fault():
    assert not {"stuck_tag", "salted_tag", "spikes"} & folded(three(lambda row: row)).numbers.keys()


def test_of_more_tags_than_are_watched_one_is_believed_as_it_is():
    parts = [
        said(*((h + n / 10, t, d) for h, t, d in wandering(0, 24, 1.0)), tag=n)
        for n in (1, 2, 3, 4)
    ]
    spike = said((24.45, 90.0, 50.0), tag=4)
    assert folded(together(*parts, spike)).numbers["temperature"] == 90.0


def test_a_reading_that_cannot_be_is_passed_over():
    found = course(said((0, 20.0, 50.0), (0.5, 120.0, 50.0)), "temperature")
    assert found == [20.0, 20.0]


def test_no_neighbour_makes_a_core_move():
    in_the_core = SETTINGS[2:]
    assert [each.alone_h for each in in_the_core] == [30 * 24] * 2
    assert all(math.isinf(each.stuck_h) for each in in_the_core)


# By the rules that come with Dunnage.


def alarms(**lots):
    """(lot, rule, h, number of the tag) of each alarm about a tag that opens; ``lots``: samples."""
    keys = {LotKey("acme", name): samples for name, samples in lots.items()}
    engine = Engine(packs.load(), samples=sum(map(len, lots.values())))
    engine.know({key: LotFacts("acme", key.lot, "lead", "ingot") for key in keys})
    return [
        (change.key.lot, event.rule, hours(event.at), event.numbers)
        for change in engine.evaluate(bound(keys))
        for event in change.transitions
        if event.rule.startswith("sensor.") and event.step
    ]


def tag_of(time, temperature, humidity, tag):
    return Samples(
        time=time,
        identity=np.full(len(time), tag << 20, np.int64),
        placement=np.zeros(len(time), np.int64),
        temperature=temperature,
        humidity=humidity,
        probe=np.full(len(time), np.nan),
    )


@pytest.mark.parametrize(
    "name",
    ["sensors/office_1_minute.csv", "sensors/house_9_sensors.csv", "climate/tampere_indoor.csv"],
)
def test_of_sound_sensors_indoors_no_alarm_is_raised(name):
    lots = {f"S{sensor}": tag_of(*columns, 1) for sensor, columns in series(name).items()}
    assert not alarms(**lots)


def test_of_sound_rooms_that_are_watched_as_one_no_alarm_is_raised():
    """Each with the next two: as three tags of a lot would be that stand far apart."""
    rooms = [v for k, v in series("sensors/house_9_sensors.csv").items() if k != "room6"]
    lots = {
        f"S{n}": together(*(tag_of(*rooms[(n + i) % len(rooms)], i + 1) for i in range(3)))
        for n in range(len(rooms))
    }
    assert not alarms(**lots)


STORE = 10 * 60_000


def in_store(n, seed):
    """A sound tag's month in a store, every ten minutes: ms, °C, %RH."""
    rows = np.array(wandering(0, 24 * 30, 1 / 6, seed))
    return at(0) + np.round(rows[:, 0] * 3_600_000).astype(np.int64) + n, rows[:, 1], rows[:, 2]


FROM = at(24 * 10)


def stuck(time, warm, damp):
    fault = faults.Stuck(FROM)
    return time, spoiling.stuck(fault, time, warm), spoiling.stuck(fault, time, damp)


def spiking(time, warm, damp):
    return time, warm + spoiling.spikes(faults.Spiking(FROM), time, 600, 1, "T1"), damp


def salted(time, warm, damp):
    return time, warm, spoiling.salted(faults.Salted(FROM), time, damp)


@pytest.mark.parametrize(
    ("spoilt", "rule", "within_h"),
    [(stuck, "sensor.stuck", 25), (spiking, "sensor.spikes", 36), (salted, "sensor.saturated", 24)],
)
def test_the_simulators_faults_are_found_and_the_tag_is_named(spoilt, rule, within_h):
    tags = [tag_of(*spoilt(*in_store(0, 1)), 1)]
    tags += [tag_of(*in_store(n, n), n) for n in (2, 3)]
    sound = together(*(tag_of(*in_store(n, n), n) for n in (1, 2, 3)))
    found = alarms(spoilt=together(*tags), sound=sound)
    assert {(lot, name) for lot, name, *_ in found} == {("spoilt", rule)}
    _, _, opened, numbers = found[0]
    assert 0 < opened - 24 * 10 <= within_h
    assert 1 in {value for name, value in numbers.items() if name.endswith("_tag")}


def test_alone_a_tag_that_stands_still_is_found_after_three_days():
    ((_, rule, opened, numbers),) = alarms(lone=tag_of(*stuck(*in_store(0, 1)), 9))
    assert (rule, numbers["stuck_tag"]) == ("sensor.stuck", 9)
    assert opened - 24 * 10 == pytest.approx(72, abs=0.2)  # from the reading before on


def sweats(*tags):
    """h of each page of sweat on lead that these tags watch."""
    key = LotKey("acme", "L-1")
    samples = together(*tags)
    engine = Engine(packs.load(), samples=len(samples))
    engine.know({key: LotFacts("acme", "L-1", "lead", "ingot")})
    return [
        hours(event.at)
        for change in engine.evaluate(bound({key: samples}))
        for event in change.transitions
        if event.rule == "lead.sweat" and event.step
    ]


def test_a_tag_that_salts_beside_one_that_is_sound_brings_no_page_of_sweat():
    """Nearly saturated in the warm air of the day it would be, over metal as cold as the night."""
    time, warm, damp = in_store(0, 1)
    crept = spoiling.salted(faults.Salted(FROM, hours=30), time, damp)
    salt, sound = tag_of(time, warm, crept, 1), tag_of(*in_store(300_000, 2), 2)
    assert not sweats(salt, sound)
    ((_, rule, opened, numbers),) = alarms(lot=together(salt, sound))
    assert (rule, numbers["salted_tag"]) == ("sensor.saturated", 1)
    assert 6 < opened - 24 * 10 < 24
    assert sweats(salt)  # of one alone nobody knows better


def damp_at(rows, so):
    """``rows`` with another humidity in the hours that ``so`` names one for."""
    return [(h, t, so.get(h, d)) for h, t, d in rows]


def halves(first, last, value):
    return dict.fromkeys(np.arange(first, last, 0.5).tolist(), value)


def beside(rows, so):
    """A sound tag, a quarter of an hour after each of ``rows``, of another noise."""
    other = damp_at(wandering(rows[0][0], rows[-1][0], 0.5, seed=2), so)
    return said(*((h + 0.25, t, d) for h, t, d in other), tag=2)


def test_one_that_was_found_salted_is_so_in_damp_air_too_until_it_has_dried():
    rows = wandering(0, 60)
    own = said(*damp_at(rows, halves(10, 50, 99.6)))
    washed = beside(rows, halves(24, 36, 95.0))
    both = together(own, washed)
    found = course(both, "salted_tag")
    at_fault = {hour(t) for t, tag in zip(both.time, found, strict=True) if tag == 1}
    assert min(at_fault) == 16.0
    assert max(at_fault) == 49.75
    assert len(at_fault) == 2 * 34 * 2


def hour(time):
    return hours(int(time))


def test_damp_that_a_tag_sees_first_is_believed_once_the_other_sees_it():
    rows = wandering(0, 14)
    one = said(*damp_at(rows, halves(10, 14.5, 96.0)))
    both = together(one, beside(rows, halves(10.5, 14.5, 94.0)))
    found = course(both, "humidity")
    assert found[40:44] == [found[39], found[41], found[41], 94.0]
    assert found[44:46] == [96.0, 94.0]
    assert "salted_tag" not in folded(both).numbers


def test_damp_that_was_contradicted_waits_for_what_the_other_says_later():
    """A gateway that sends by the hour is no reason to believe in between what it then denies."""
    one = said(*damp_at(wandering(0, 15), halves(10, 15.5, 99.0)))
    other = beside(wandering(0, 11), {})
    found = course(together(one, other), "humidity")
    behind = found[2 * 2 * 11 + 2 :]
    assert behind[:5] == [found[45]] * 5  # for the three hours in which its last word holds
    assert behind[-1] == 99.0


def test_a_neighbour_that_stands_still_is_no_witness():
    rows = wandering(0, 20)
    one = said(*damp_at(rows, halves(10, 20.5, 96.0)))
    still = beside(rows, halves(0, 20.5, 55.0))
    found = course(together(one, still), "humidity")
    assert found[40] == 96.0
    assert "salted_tag" not in folded(together(one, still)).numbers


def test_a_jump_of_twelve_kelvins_in_a_quarter_of_an_hour_waits_for_the_next_reading():
    """A film would else be reckoned of air that never was."""
    rows = [(h, 10.0 + 12.0 * (h == 5), 90.0) for h in np.arange(0, 6, 0.25).tolist()]
    found = course(said(*rows), "temperature")
    assert found[20] is UNKNOWN
    assert set(found) == {10.0, UNKNOWN}
