"""The carried climate: made from its source, plausible, and there at any instant."""

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from simulators.climate import HOURS, STATIONS, load, make, table

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "climate"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("station", STATIONS)
def test_the_tables_are_what_the_script_makes_of_its_source(station):
    carried = Path(table.__file__).parent / f"{station}.csv"
    assert carried.read_text(encoding="utf-8") == make.table(STATIONS[station])


@pytest.mark.parametrize("station", STATIONS)
def test_a_year_is_whole_and_possible(station):
    climate = load(station)
    for column in (climate.temperature, climate.humidity, climate.pressure):
        assert column.shape == (HOURS,)
        assert np.isfinite(column).all()
    assert climate.temperature.min() > -30
    assert climate.temperature.max() < 40
    assert climate.humidity.min() >= 1
    assert climate.humidity.max() <= 100
    assert climate.pressure.min() > 900
    assert climate.sun.min() == 0
    assert 800 < climate.sun.max() < 1100
    assert climate.wind.min() >= 0
    assert climate.wind.max() < 30
    assert 0 <= climate.cloud.min() < climate.cloud.max() <= 10


@pytest.mark.parametrize(
    ("station", "noon"), [("miami", 17), ("greensboro", 17), ("sand_point", 23)]
)
def test_the_sun_is_highest_at_noon_by_the_sun(station, noon):
    assert load(station).sun.reshape(365, 24).mean(0).argmax() == noon


def test_it_rains_as_much_as_the_source_can_tell():
    assert 700 < load("greensboro").rain.sum() < 1200
    miami = load("miami").rain
    assert 300 < (miami > 0).sum() < 600
    # Most of it in the wet season, May to October.
    assert miami[120 * 24 : 304 * 24].sum() > 0.6 * miami.sum()
    assert np.isnan(load("sand_point").rain).all()


def test_the_three_climates_differ_as_they_should():
    january = slice(0, 31 * 24)
    means = {key: load(key).temperature[january].mean() for key in STATIONS}
    assert means["miami"] > 17
    assert -3 < means["greensboro"] < 6
    assert -4 < means["sand_point"] < 4


def test_miami_is_like_another_typical_year_of_miami():
    path = SHARED / "miami_fl.csv"
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing: CI needs the data"
        pytest.skip(f"{path} is not in this clone")
    climate = load("miami")
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    when = np.array([ms(row["time"].rstrip("Z")) for row in rows])
    measured = [np.array([float(row[n]) for row in rows]) for n in rows[0] if n != "time"]
    found = climate.at(when)
    month = when.astype("datetime64[ms]").astype("datetime64[M]").astype(int) % 12
    for theirs, ours, apart in zip(measured, found, (1.5, 7.0, 3.0), strict=True):
        for m in range(12):
            assert abs(theirs[month == m].mean() - ours[month == m].mean()) < apart, m
    # And warm at the same hour: a table in the wrong time zone would not be.
    hour = when // table.HOUR_MS % 24
    by_hour = [np.array([t[hour == h].mean() for h in range(24)]) for t in (measured[0], found[0])]
    assert abs(by_hour[0] - by_hour[1]).max() < 0.7


def test_between_hours_it_is_between_their_values():
    climate = load("miami")
    half_past = climate.at(ms("2023-03-01T10:30"))[0]
    row = (31 + 28) * 24 + 10
    assert half_past == pytest.approx(climate.temperature[row : row + 2].mean())
    assert climate.at([ms("2023-03-01T10:00")])[0] == climate.temperature[row]


def test_the_year_is_a_ring_and_a_leap_day_repeats_the_day_before():
    climate = load("greensboro")
    eve = climate.at(ms("2023-12-31T23:30"))[0]
    assert eve == pytest.approx((climate.temperature[-1] + climate.temperature[0]) / 2)
    assert climate.at(ms("2024-01-01T00:00"))[0] == climate.temperature[0]
    assert climate.at(ms("2024-02-29T12:00")) == climate.at(ms("2024-02-28T12:00"))
    assert climate.at(ms("2024-03-01T12:00")) == climate.at(ms("2023-03-01T12:00"))
    assert climate.at(ms("2024-12-31T12:00")) == climate.at(ms("2023-12-31T12:00"))


def test_a_station_that_is_not_carried_is_named_with_the_remedy():
    with pytest.raises(ValueError, match=r"no climate of 'oslo': use one of miami, "):
        load("oslo")
