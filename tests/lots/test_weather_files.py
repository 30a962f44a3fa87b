"""Hourly weather out of files."""

from __future__ import annotations

import numpy as np
import pytest

from lots.spreadsheet import ImportRefused
from lots.weather_files import read

CSV = b"""time,temperature_c,humidity_pct,pressure_hpa
2023-01-01T00:00:00Z,3.5,88,1011
2023-01-01T02:00:00+01:00,,90,1011
2023-01-01 02:00,4,91,
"""
EPW = b"""LOCATION,Miami Intl Ap,FL,USA,TMY3,722020,25.82,-80.30,-5.0,11.0
DESIGN CONDITIONS,0
TYPICAL/EXTREME PERIODS,0
GROUND TEMPERATURES,0
HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0
COMMENTS 1,
COMMENTS 2,
DATA PERIODS,1,1,Data,Sunday,1/1,12/31
1999,1,1,1,0,?9,21.1,17.8,82,101500
1999,1,1,24,0,?9,99.9,17.8,999,101500
"""


def test_csv_with_and_without_a_zone_and_with_blanks():
    weather = read(CSV)
    begins = np.datetime64("2023-01-01", "ms").astype(np.int64)
    assert (weather.time - begins).tolist() == [0, 3_600_000, 7_200_000]
    assert weather.humidity.tolist() == [88, 90, 91]
    assert np.isnan(weather.temperature).tolist() == [False, True, False]


def test_epw_is_in_the_standard_time_of_its_place():
    weather = read(EPW)
    times = weather.time.astype("datetime64[ms]").astype(str).tolist()
    assert times == ["1999-01-01T06:00:00.000", "1999-01-02T05:00:00.000"]
    assert weather.temperature[0] == 21.1
    assert weather.humidity[0] == 82
    assert np.isnan(weather.temperature[1] + weather.humidity[1]), "99.9 and 999 are not known"
    assert weather.source == "Miami Intl Ap, TMY3"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"time,temperature_c\n2023-01-01T00:00Z,3\n", "humidity_pct: this column is needed"),
        (CSV.replace(b"3.5", b"3,5"), "row 2"),
        (CSV.replace(b"3.5", b"mild"), 'row 2, temperature_c: "mild" is not a number'),
        (CSV.replace(b"2023-01-01 02:00", b"today"), "row 4, time: a time is written like"),
        (EPW.replace(b"1999,1,1,1,", b"1999,1,one,1,"), "row 9: this is no row of an EPW file"),
        (EPW.replace(b",-5.0,", b",,"), "no time zone"),
    ],
)
def test_what_cannot_be_read_is_told_by_row(data, says):
    with pytest.raises(ImportRefused, match=says):
        read(data)
