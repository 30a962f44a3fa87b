"""Sensors: healthy ones are never called faulty, and each fault is found for what it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.screen import LIMITS
from lots.clock import HOUR_MS
from rules import air, attending, quality
from rules.quality import HUMIDITY, TEMPERATURE, Fault
from tests.rules.measured import series

QUARTER = HOUR_MS // 4
N = 4 * 24 * 30


def faults(time, temperature, humidity, like=np.nan, damp_like=np.nan):
    return (
        quality.watch(time, temperature, TEMPERATURE, like),
        quality.watch(time, humidity, HUMIDITY, damp_like),
    )


@pytest.mark.parametrize(
    "name",
    [
        "sensors/office_1_minute.csv",
        "sensors/house_9_sensors.csv",
        "climate/tampere_indoor.csv",
        "climate/tampere_attic.csv",
        "climate/tampere_outdoor.csv",
    ],
)
def test_no_healthy_sensor_is_faulty_by_itself(name):
    for sensor, (time, temperature, humidity) in series(name).items():
        for found in faults(time, temperature, humidity):
            assert not found.any(), (sensor, np.unique(found))


def test_no_healthy_room_of_nine_is_faulty_among_its_neighbours():
    assert_rooms_are_healthy(0.001, 0.001)


def assert_rooms_are_healthy(kelvins, percents):
    """Room 6 is a sensor outdoors: no neighbour of the rooms, nor they of it."""
    rooms = {k: v for k, v in series("sensors/house_9_sensors.csv").items() if k != "room6"}
    time = next(iter(rooms.values()))[0]
    temperature = np.array([quality.held(t, v, time) for t, v, _ in rooms.values()])
    humidity = np.array([quality.held(t, v, time) for t, _, v in rooms.values()])
    temperature = np.round(temperature / kelvins) * kelvins
    humidity = np.round(humidity / percents) * percents
    vapour = quality.others(air.vapour_pressure(temperature, humidity))
    like = quality.others(temperature)
    damp_like = quality.expected_humidity(temperature, vapour)
    assert np.isfinite(like).all()
    for room, name in enumerate(rooms):
        for found in faults(time, temperature[room], humidity[room], like[room], damp_like[room]):
            assert not found.any(), (name, np.unique(found))


@pytest.mark.parametrize(("kelvins", "percents"), [(0.1, 0.5), (0.5, 1.0), (1.0, 2.0)])
def test_a_coarse_sensor_is_not_stuck(kelvins, percents):
    """With steps of 1 °C a room stands still for nine days."""
    named = series("sensors/house_9_sensors.csv") | series("climate/tampere_indoor.csv")
    for sensor, (time, temperature, humidity) in named.items():
        warm, damp = (
            np.round(temperature / kelvins) * kelvins,
            np.round(humidity / percents) * percents,
        )
        for found in faults(time, warm, damp):
            assert not found.any(), (sensor, np.unique(found))


@pytest.mark.parametrize(("kelvins", "percents"), [(0.1, 0.5), (0.5, 1.0), (1.0, 2.0)])
def test_a_coarse_sensor_is_not_stuck_among_its_neighbours(kelvins, percents):
    assert_rooms_are_healthy(kelvins, percents)


def healthy(seed=1, n=N):
    """A month at a quarter of an hour, of three tags in one store."""
    rng = np.random.default_rng(seed)
    time = np.arange(n, dtype=np.int64) * QUARTER
    day = np.sin(2 * np.pi * time / (24 * HOUR_MS))
    temperature = 15 + 4 * day + rng.normal(0, 0.1, (3, n))
    humidity = 60 - 12 * day + rng.normal(0, 0.5, (3, n))
    return time, temperature.round(2), humidity.round(2)


def watched(time, temperature, humidity):
    """Faults of the first of three tags."""
    like = quality.others(temperature)[0]
    vapour = quality.others(air.vapour_pressure(temperature, humidity))[0]
    damp_like = quality.expected_humidity(temperature[0], vapour)
    return faults(time, temperature[0], humidity[0], like, damp_like)


def test_three_healthy_tags():
    warm, damp = watched(*healthy())
    assert not warm.any()
    assert not damp.any()


def test_a_stuck_thermometer_takes_its_humidity_with_it():
    time, temperature, humidity = healthy()
    temperature[0, 1000:] = temperature[0, 1000]
    warm, damp = watched(time, temperature, humidity)
    first = int(np.argmax(warm & Fault.STUCK > 0))
    assert first == 1000 + 96  # a day, in which the neighbours moved by 8 K
    assert (warm[first:] & Fault.STUCK).all()
    is_warm, is_damp = quality.believed(warm, damp)
    assert not is_warm[first:].any()
    assert not is_damp[first:].any()
    assert is_warm[:first].all()


def test_a_coarse_thermometer_is_called_stuck_so_much_the_later():
    time, temperature, humidity = healthy()
    temperature[0] = np.round(temperature[0] * 2) / 2
    temperature[0, 1000:] = temperature[0, 1000]
    warm, _ = watched(time, temperature, humidity)
    assert abs(int(np.argmax(warm & Fault.STUCK > 0)) - (1000 + 5 * 96)) < 12


def test_without_neighbours_it_takes_three_days_to_call_it_stuck():
    time, temperature, _ = healthy()
    temperature[0, 1000:] = temperature[0, 1000]
    found = quality.watch(time, temperature[0], TEMPERATURE)
    assert int(np.argmax(found > 0)) == 1000 + 72 * 4


def test_a_few_equal_readings_far_apart_are_not_stuck():
    time = np.arange(10, dtype=np.int64) * 24 * HOUR_MS
    assert not quality.watch(time, np.full(10, 20.0), TEMPERATURE).any()


def test_a_salted_sensor_keeps_its_thermometer():
    time, temperature, humidity = healthy()
    humidity[0, 1000:] = 100.0
    humidity[1:, 900:] -= 15
    warm, damp = watched(time, temperature, humidity)
    first = int(np.argmax(damp & Fault.SALTED > 0))
    assert 1000 + 6 * 4 <= first < 1000 + 30 * 4
    is_warm, is_damp = quality.believed(warm, damp)
    assert is_warm.all()
    assert not is_damp[first:].any()


def test_saturation_that_the_neighbours_confirm_is_fog():
    time, temperature, humidity = healthy()
    humidity[:, 1000:1400] = [[100.0], [97.0], [96.0]]
    _, damp = watched(time, temperature, humidity)
    assert not (damp & ~Fault.JUMP).any()


def test_saturation_of_which_no_neighbour_speaks_is_believed():
    time, _, humidity = healthy()
    humidity[0, 1000:1400] = 100.0
    found = quality.watch(time, humidity[0], HUMIDITY)
    assert not (found & int(quality.FAULTS)).any()


def test_in_a_gap_nothing_adds_up():
    time = np.array([0, 100, 200, 201, 202, 203], np.int64) * HOUR_MS
    found = quality.watch(time, [100.0] * 6, HUMIDITY, 50.0)
    assert found.tolist() == [0, 0, *[Fault.SALTED] * 4]
    assert not quality.watch(time[:2], [100.0] * 2, HUMIDITY, 50.0).any()


def test_a_spike_is_not_believed_and_named_by_the_reading_after_it():
    time, temperature, humidity = healthy()
    temperature[0, 1000] += 30
    warm, damp = watched(time, temperature, humidity)
    assert np.flatnonzero(warm).tolist() == [1000, 1001]
    assert (warm[1000], warm[1001]) == (Fault.JUMP, Fault.SPIKE)
    is_warm, _ = quality.believed(warm, damp)
    assert np.flatnonzero(~is_warm).tolist() == [1000]


def test_a_tag_carried_out_of_the_cold_is_no_fault():
    time, temperature, _ = healthy()
    temperature[0, 1000:] += 40
    found = quality.watch(time, temperature[0], TEMPERATURE)
    assert np.flatnonzero(found).tolist() == [1000]
    assert found[1000] == Fault.JUMP
    assert not found[1000] & int(quality.FAULTS)


def test_a_change_over_a_gap_is_no_jump():
    time, temperature, _ = healthy()
    time[1000:] += 12 * HOUR_MS
    temperature[0, 1000:] += 30
    assert not quality.watch(time, temperature[0], TEMPERATURE).any()


def test_drift_is_found_against_what_the_tag_was_to_its_neighbours():
    n = 4 * 24 * 120
    time, temperature, humidity = healthy(n=n)
    humidity[0] += 8  # always was: it hangs by the door
    _, damp = watched(time, temperature, humidity)
    assert not damp.any()
    humidity[0] += np.clip(np.linspace(-7, 21, n), 0, None)
    warm, damp = watched(time, temperature, humidity)
    first = int(np.argmax(damp & Fault.DRIFT > 0))
    drifted = np.clip(np.linspace(-7, 21, n), 0, None)[first]
    assert 10 < drifted < 13
    assert not warm.any()


@pytest.mark.parametrize(("value", "limits"), [(-61.0, TEMPERATURE), (102.0, HUMIDITY)])
def test_out_of_range(value, limits):
    time = np.arange(3, dtype=np.int64) * QUARTER
    assert quality.watch(time, [20.0, value, 20.0], limits).tolist() == [0, Fault.RANGE, 0]


def test_the_ranges_are_those_of_the_screen():
    """Or a reading would be kept as sound and then called impossible."""
    known = {quantity: (low, high) for quantity, low, high, _ in LIMITS}
    assert known["temperature"] == (TEMPERATURE.low, TEMPERATURE.high)
    assert known["humidity"] == (HUMIDITY.low, HUMIDITY.high)


def test_the_codes_of_the_kernel_are_those_of_the_faults():
    for name in ("RANGE", "JUMP", "SPIKE", "STUCK", "SALTED", "DRIFT"):
        assert getattr(attending, name) == Fault[name]


def test_others_need_to_be_two():
    nan = np.nan
    found = quality.others([[1.0, 1.0], [2.0, 2.0], [6.0, nan]])
    np.testing.assert_array_equal(found, [[4.0, nan], [3.5, nan], [1.5, 1.5]])
    assert np.isnan(quality.others([[1.0], [2.0]])).all()


def test_a_value_holds_for_three_hours():
    at = np.array([-1, 0, 1, 3 * HOUR_MS, 3 * HOUR_MS + 1])
    found = quality.held(np.array([0]), np.array([7.0]), at)
    np.testing.assert_array_equal(found, [np.nan, 7, 7, 7, np.nan])


def test_what_is_not_measured_has_no_fault():
    time = np.arange(3, dtype=np.int64) * QUARTER
    assert not quality.watch(time, [20.0, np.nan, 20.5], TEMPERATURE).any()


@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 399), max_size=8))
def test_a_stream_taken_in_parts_is_judged_the_same(seed, cuts):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.choice([QUARTER, HOUR_MS, 9 * HOUR_MS], 400)).astype(np.int64)
    value = rng.choice([20.0, 20.0, 20.0, 21.0, 60.0, 100.0, 150.0, np.nan], 400)
    value[100:200] = 100.0
    like = np.where(rng.random(400) < 0.8, rng.normal(50, 10, 400), np.nan)
    whole = quality.watch(time, value, HUMIDITY, like)
    state = quality.unwatched(1)
    parts = [
        quality.watch(time[part], value[part], HUMIDITY, like[part], state)
        for part in np.split(np.arange(400), sorted(set(cuts)))
    ]
    assert np.concatenate(parts).tolist() == whole.tolist()
    assert whole.any()
