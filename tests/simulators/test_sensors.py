"""What a sensor makes of the air, and each of its faults, measured against what is true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.sensors import MODELS, Device, Reporting, make
from simulators.sensors.battery import CR2477, ER18505
from simulators.sensors.clocks import EPOCH_2000_MS
from simulators.sensors.faults import (
    ClockDrift,
    ClockStep,
    ClockUnset,
    Dying,
    Epoch2000,
    Salted,
    Spiking,
    Stuck,
)  # fmt: skip
from simulators.sensors.measuring import felt, lagged, saturation
from tests.simulators.air import DAY, HOUR, PlainAir, daily, still

BEGINS = 1_700_000_000_000


def device(model="sht45", days=10, reporting=None, tag="T-1", **fields):
    reporting = reporting or Reporting()
    return Device(tag, MODELS[model], BEGINS, BEGINS + days * DAY, reporting, **fields)


def on_day(made, first, last):
    """Which of its readings were made in those days."""
    return (made.at >= BEGINS + first * DAY) & (made.at < BEGINS + last * DAY)


@pytest.mark.parametrize("key", MODELS)
def test_many_units_of_a_model_differ_as_its_data_sheet_says(key):
    model = MODELS[key]
    short = {"begins": BEGINS, "ends": BEGINS + HOUR, "reporting": Reporting()}
    units = [make(Device(f"T-{n}", model, **short), still(25.0), 7) for n in range(300)]
    warmer = Device("T", model, **short).mean_w * model.power.k_per_w
    for quantity, channel in (("temperature", model.temperature), ("humidity", model.humidity)):
        true = 25.0 + warmer if quantity == "temperature" else 50.0 * drier(25.0, warmer)
        means = np.array([unit.readings.values[quantity].mean() for unit in units])
        expected = np.hypot(channel.offset, channel.gain * abs(true - channel.reference))
        # A quarter more than chance: three hundred units tell a spread to a twelfth.
        assert np.std(means) == pytest.approx(expected, rel=0.25)
        assert np.mean(means) == pytest.approx(true, abs=4 * expected / np.sqrt(300))


def drier(temperature, warmer):
    """What warming air at °C by so many K leaves of its relative humidity."""
    return float(saturation(np.array(temperature)) / saturation(np.array(temperature + warmer)))


@pytest.mark.parametrize("key", MODELS)
def test_what_is_told_is_told_in_the_steps_of_the_model(key):
    model = MODELS[key]
    values = make(device(key), daily(), 1).readings.values
    channels = {"temperature": model.temperature, "humidity": model.humidity}
    channels |= {"pressure": model.pressure} if model.pressure else {}
    channels |= {"probe": model.probe} if model.probe else {}
    assert set(values) == {*channels, "battery"}
    for quantity, channel in channels.items():
        steps = values[quantity] * channel.steps
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
        assert (values[quantity] >= channel.low).all()
        assert (values[quantity] <= channel.high).all()


@given(
    tau=st.floats(10.0, 5000.0),
    spans=st.lists(st.integers(1_000, 7_200_000), min_size=1, max_size=40),
    slope=st.floats(-5.0, 5.0),
)
def test_a_lag_is_exact_on_a_ramp_whatever_the_steps(tau, spans, slope):
    at = np.cumsum([0, *spans])
    hours = at / HOUR
    behind = slope * tau / 3600.0 * (1.0 - np.exp(-hours * 3600.0 / tau))
    np.testing.assert_allclose(lagged(at, slope * hours, tau), slope * hours - behind, atol=1e-9)


def test_a_lag_of_nothing_is_what_it_follows():
    at = np.arange(0, HOUR, 60_000)
    values = np.sin(at / HOUR)
    np.testing.assert_array_equal(lagged(at, values, 0.0), values)


def test_a_slow_housing_reads_the_vapour_at_its_own_temperature():
    # Out of the cold into warm, damp air: the sensor is cold still, so it says wetter than it is.
    at = BEGINS + np.arange(0, 4 * HOUR, 60_000)
    inside = at >= BEGINS + HOUR
    air = PlainAir(
        np.where(inside, 25.0, 0.0), np.where(inside, 60.0, 70.0), np.full(len(at), 1010.0), None
    )
    warm, humid = felt(MODELS["em300_th"], at, air, 0.0)
    soon = np.searchsorted(at, BEGINS + HOUR + 10 * 60_000)
    assert warm[soon] < 15.0
    assert humid[soon] > 90.0
    assert warm[-1] == pytest.approx(25.0, abs=0.1)
    assert humid[-1] == pytest.approx(60.0, abs=0.5)
    assert (humid <= 100.0).all()


def test_it_warms_itself_the_more_the_oftener_it_measures():
    seldom = device("dht22", reporting=Reporting(600, 600))
    often = device("dht22", reporting=Reporting(600, 2), days=1)
    said = [make(each, still(), 1).readings.values for each in (seldom, often)]
    extra = (often.mean_w - seldom.mean_w) * MODELS["dht22"].power.k_per_w
    assert extra > 0.5
    warmer = np.diff([values["temperature"].mean() for values in said])[0]
    assert warmer == pytest.approx(extra, abs=0.05)
    assert said[1]["humidity"].mean() < said[0]["humidity"].mean() - 1.0


def test_it_drifts_over_years():
    daily_for = {"reporting": Reporting(86_400, 86_400), "days": 20}
    drifted = []
    for number in range(200):
        new, old = (
            make(device("em300_th", tag=f"T-{number}", age_days=age, **daily_for), still(), 3)
            for age in (0, 3 * 365.25)
        )
        apart = old.readings.values["humidity"] - new.readings.values["humidity"]
        drifted.append(apart.mean())
    assert np.std(drifted) == pytest.approx(3 * MODELS["em300_th"].humidity.drift, rel=0.2)
    assert abs(np.mean(drifted)) < 0.2


@given(charge=st.floats(0.2, 1.0), temperature=st.floats(-30.0, 40.0))
def test_a_battery_has_less_to_give_when_it_is_emptier_or_colder(charge, temperature):
    for battery in (CR2477, ER18505):
        here, emptier, colder = battery.loaded(
            np.array([charge, charge - 0.1, charge]),
            np.array([temperature, temperature, temperature - 10.0]),
        )
        assert emptier < here
        assert colder <= here
        assert battery.left(charge, 1e-4, np.array([1.0]))[0] < charge


def test_an_empty_battery_ends_it():
    worn = make(device("dht22", reporting=Reporting(10, 10)), still(), 1)
    assert BEGINS + 3 * DAY < worn.at[-1] < BEGINS + 9 * DAY
    (silent,) = worn.wrong
    assert (silent.fault, silent.begins) == ("silent", worn.at[-1])


def test_by_interval_it_reports_the_latest_of_what_it_measured():
    each = make(device(reporting=Reporting(600, 600)), daily(), 1)
    fewer = make(device(reporting=Reporting(3600, 600)), daily(), 1)
    assert len(fewer.at) == pytest.approx(len(each.at) / 6, abs=1)
    assert np.isin(fewer.at, each.at).all()
    gaps = np.diff(fewer.at)
    assert (np.abs(gaps - HOUR) < 1000).all()


@settings(max_examples=20)
@given(delta=st.floats(0.3, 5.0), heartbeat=st.sampled_from([1800, 3600, 14_400]))
def test_by_change_nothing_moved_farther_than_the_delta_between_readings(delta, heartbeat):
    reporting = Reporting(heartbeat, 60, {"temperature": delta})
    made = make(device(reporting=reporting, days=2), daily(), 1)
    each = Reporting(heartbeat, 60, {"temperature": 0.0})
    every = make(device(reporting=each, days=2), daily(), 1)
    last = np.searchsorted(made.at, every.at, side="right") - 1
    told = made.readings.values["temperature"][last]
    assert (np.abs(every.readings.values["temperature"] - told) < delta).all()
    assert (every.at - made.at[last] < (heartbeat + 60) * 1000).all()
    moved = np.abs(np.diff(made.readings.values["temperature"])) >= delta - 1e-9
    waited = np.diff(made.at) >= (heartbeat - 60) * 1000
    assert (moved | waited).all()


def test_readings_are_numbered_one_more_each():
    made = make(device(), daily(), 1)
    np.testing.assert_array_equal(made.readings.seq, np.arange(len(made.at)))
    assert (np.diff(made.readings.boot) == 0).all()
    np.testing.assert_array_equal(made.readings.t, made.at)


def test_stuck_says_what_it_said_last_and_the_rest_goes_on():
    fault = Stuck(BEGINS + 3 * DAY, BEGINS + 5 * DAY, "humidity")
    well, ill = (make(device(faults=f), daily(), 1) for f in ((), (fault,)))
    held = on_day(ill, 3, 5)
    said = ill.readings.values["humidity"]
    assert set(said[held]) == {said[np.argmax(held) - 1]}
    np.testing.assert_array_equal(said[~held], well.readings.values["humidity"][~held])
    np.testing.assert_array_equal(
        ill.readings.values["temperature"], well.readings.values["temperature"]
    )
    (wrong,) = ill.wrong
    assert wrong == ("T-1", "stuck", fault.begins, fault.ends, "humidity", "")


def test_every_spike_is_in_the_record_and_nothing_else_differs():
    fault = Spiking(BEGINS + 2 * DAY, BEGINS + 8 * DAY, "temperature", per_day=10, size=15)
    well, ill = (make(device(faults=f), daily(), 1) for f in ((), (fault,)))
    off = ill.readings.values["temperature"] - well.readings.values["temperature"]
    spiked = np.abs(off) > 1.0
    assert [w.begins for w in ill.wrong if w.fault == "spike"] == ill.at[spiked].tolist()
    np.testing.assert_array_equal(off[~spiked], 0.0)
    assert not (spiked & ~on_day(ill, 2, 8)).any()
    assert 30 <= spiked.sum() <= 90
    assert np.abs(off[spiked]).min() > 7.0
    assert np.abs(off[spiked]).max() < 23.0
    assert {-1.0, 1.0} == set(np.sign(off[spiked]))


def test_salted_creeps_to_a_hundred_and_stays():
    ill = make(device(faults=(Salted(BEGINS + 2 * DAY, hours=12),)), daily(), 1)
    said = ill.readings.values["humidity"]
    assert said[on_day(ill, 0, 2)].max() < 90
    assert said[on_day(ill, 3, 10)].min() > 94
    assert said[on_day(ill, 3, 10)].max() <= 100
    assert ill.readings.values["temperature"].std() > 4


def test_dying_it_browns_out_in_the_cold_starts_again_and_falls_silent():
    fault = Dying(BEGINS + 2 * DAY, BEGINS + 8 * DAY)
    ill = make(device("sht40", faults=(fault,)), daily(mean=0.0, swing=15.0), 1)
    assert ill.at[-1] < fault.ends
    assert len(np.unique(ill.readings.boot)) > 1
    for boot in np.unique(ill.readings.boot):
        mine = ill.readings.boot == boot
        np.testing.assert_array_equal(ill.readings.seq[mine], np.arange(mine.sum()))
    gaps = np.flatnonzero(np.diff(ill.at) > HOUR)
    np.testing.assert_array_equal(np.diff(ill.readings.boot)[gaps] > 0, True)
    assert ill.readings.values["temperature"][gaps].max() < 10.0  # before each gap it was cold
    assert [w.fault for w in ill.wrong] == ["dying", "silent"]
    assert ill.wrong[1].begins == ill.at[-1]


def test_clocks_are_wrong_by_what_the_fault_says():
    drift, step = ClockDrift(BEGINS + DAY, 500.0), ClockStep(BEGINS + 2 * DAY, -3600.0)
    made = make(device(faults=(drift, step)), daily(), 1)
    off = made.readings.t - made.at
    np.testing.assert_array_equal(off[on_day(made, 0, 1)], 0)
    expected = (made.at - drift.begins) * 5e-4
    one, both = on_day(made, 1, 2), on_day(made, 2, 10)
    np.testing.assert_allclose(off[one], expected[one], atol=1)
    np.testing.assert_allclose(off[both], expected[both] - HOUR, atol=1)
    assert [w.fault for w in made.wrong] == ["clock_drift", "clock_step"]


def test_a_clock_of_2000_and_one_that_was_never_set():
    old = make(device(faults=(Epoch2000(BEGINS),)), daily(), 1)
    np.testing.assert_array_equal(old.readings.t, old.at - EPOCH_2000_MS)
    unset = make(device(faults=(ClockUnset(BEGINS, BEGINS + 5 * DAY),)), daily(), 1)
    early = on_day(unset, 0, 5)
    assert 0 < unset.readings.t[0] < 600_000
    np.testing.assert_array_equal(np.diff(unset.readings.t[early]), np.diff(unset.at[early]))
    np.testing.assert_array_equal(unset.readings.t[~early], unset.at[~early])
    assert unset.device.tells_sent
    at = unset.at[3:4] + 1000
    np.testing.assert_array_equal(unset.clock(at), unset.readings.t[3:4] + 1000)


def test_a_reading_is_the_same_however_long_the_tag_hangs_and_whatever_else_there_is():
    long, short = (make(device(days=days), daily(), 5) for days in (10, 4))
    count = len(short.at)
    for quantity in short.readings.values:
        np.testing.assert_array_equal(
            long.readings.values[quantity][:count], short.readings.values[quantity]
        )
    assert (make(device(tag="T-2"), daily(), 5).at != long.at).all()
    assert (make(device(), daily(), 6).at != long.at).all()


def test_a_tag_that_hangs_for_no_time_makes_nothing():
    made = make(device(days=0), daily(), 1)
    assert len(made.readings) == 0
