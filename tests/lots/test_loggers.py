"""Files of loggers: understood as they are, asked about where they could mean two things."""

from __future__ import annotations

import os
import random
import re
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.fields import written
from lots.loggers import stamps
from lots.loggers.files import Found, Options, tag_named, understand
from lots.loggers.numbers import number
from lots.loggers.stamps import DateOrder
from lots.loggers.tables import MAX_BYTES
from lots.loggers.zones import Repeated
from lots.spreadsheet import ImportRefused

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats" / "logger-csv.md"
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
ALL_TIME = (0, 10**13)
FILES = dict(re.findall(r"```csv (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL))


def read(text: str | bytes, span: tuple[int, int] = ALL_TIME, **options: Any) -> Found:
    data = text.encode() if isinstance(text, str) else text
    return understand(data, Options(**options), *span)


def taken(text: str | bytes, **options: Any) -> list[tuple[str, dict[str, float]]]:
    """(time, values) of each reading of a file with which all is well."""
    found = read(text, **options)
    assert found.problems == []
    return [
        (
            written(int(at)),
            {n: float(v[i]) for n, v in found.values.items() if not np.isnan(v[i])},
        )
        for i, at in enumerate(found.time)
    ]


def told(text: str | bytes, **options: Any) -> str:
    """What keeps a file out."""
    try:
        found = read(text, **options)
    except ImportRefused as refused:
        return str(refused)
    assert found.problems
    return "\n".join(map(str, found.problems))


def table(*rows: str, head: str = "Time,Temp °C,RH %") -> str:
    return "\n".join((head, *rows)) + "\n"


EXPECTED = [
    ("2025-11-18T06:00:00Z", {"temperature": 6.4, "humidity": 78.2}),
    ("2025-11-18T06:15:00Z", {"temperature": 6.6, "humidity": 77.9}),
]


@pytest.mark.parametrize(
    ("name", "serial"),
    [("hobo.csv", "10347362"), ("testo.csv", "38564123"), ("elitech.csv", "EFG2205A00123")],
)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_the_files_on_the_page_are_understood(name: str, serial: str, encoding: str) -> None:
    data = FILES[name].encode(encoding)
    zone = None if name == "hobo.csv" else "Europe/Berlin"
    assert taken(data, zone=zone) == EXPECTED
    assert read(data, zone=zone).serial == serial


@pytest.mark.parametrize("mark", [";", "\t", ",", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_separator_and_line_ending_will_do(mark: str, ending: str) -> None:
    rows = ["Time,Temp °C,RH %", "2025-11-18T06:00:00Z,6.4,78.2", "2025-11-18T06:15:00Z,6.6,77.9"]
    text = ending.join(row.replace(",", mark) for row in rows)
    assert taken(text) == EXPECTED


def test_decimal_commas_in_quotes_and_units_in_cells() -> None:
    text = table('2025-11-18 06:00 UTC,"6,4 °C","78,2 %"', '2025-11-18 06:15 UTC,"6,6°C","77,9%"')
    assert taken(text.replace("Temp °C", "Temp")) == EXPECTED


def test_fahrenheit_and_kelvin_become_celsius() -> None:
    rows = ("2025-11-18T06:00:00Z,212,300.15",)
    (reading,) = taken(table(*rows, head="Time,Temp (°F),Probe temp (K)"))
    assert reading[1] == {"temperature": 100.0, "probe": 27.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21.5", 21.5),
        ("21,5", 21.5),
        ("-3", -3.0),
        ("\u22123,25", -3.25),
        ("1.013,2", 1013.2),
        ("1,013.2", 1013.2),
        ("1e2", 100.0),
        ("+5.0 hPa", 5.0),
        ("78 %RH", 78.0),
        ("inf", None),
        ("1_0", None),
        ("12:30", None),
        ("12 of 30", None),
        ("1.2.3", None),
        ("low", None),
    ],
)
def test_numbers(text: str, value: float | None) -> None:
    assert number(text) == value


def test_a_named_decimal_sign_decides() -> None:
    assert number("1,013", ",") == 1.013
    assert number("1,013", ".") == 1013.0
    both = table("2025-11-18T06:00:00Z,6.4,78", '2025-11-18T06:15:00Z,"6,6",77')
    assert "say which is the decimal sign" in told(both)
    assert [each[1]["temperature"] for each in taken(both, decimal=".")] == [6.4, 66.0]


def test_an_ambiguous_date_is_asked_for() -> None:
    text = table("03/04/2025 06:00,6.4,78", "04/04/2025 06:00,6.4,78")
    said = told(text, zone="UTC")
    assert "dates such as 03-04-2025 can be read in more than one way" in said
    assert "dmy for 2025-04-03 or mdy for 2025-03-04" in said
    assert taken(text, zone="UTC", dates=DateOrder.DMY)[0][0] == "2025-04-03T06:00:00Z"
    assert taken(text, zone="UTC", dates=DateOrder.MDY)[0][0] == "2025-03-04T06:00:00Z"
    assert "in more than one way" in told(text.replace("/", "."), zone="UTC")
    clear = text + "13/04/2025 06:00,6.4,78\n"
    assert taken(clear, zone="UTC")[0][0] == "2025-04-03T06:00:00Z"
    mixed = clear + "04/13/2025 06:00,6.4,78\n"
    assert "in no one order" in told(mixed, zone="UTC")
    assert "row 5: its date cannot be in the order dmy" in told(
        mixed, zone="UTC", dates=DateOrder.DMY
    )


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_date_written_in_an_order_is_read_in_it(day: date) -> None:
    forms = {DateOrder.DMY: "%d.%m.%Y", DateOrder.MDY: "%m/%d/%y", DateOrder.YMD: "%Y-%m-%d"}
    for order, form in forms.items():
        found = stamps.read(day.strftime(form))
        assert found is not None
        assert isinstance(found.date, tuple)
        assert stamps.day_of(found.date, order) == day
        possible = {stamps.day_of(found.date, each) for each in stamps.orders([found.date])}
        assert day in possible
    named = stamps.read(day.strftime("%d-%b-%Y"))
    assert named is not None
    assert named.date == day


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("12:00:00 AM", 0),
        ("12:30 pm", 45_000_000),
        ("1:05 a.m.", 3_900_000),
        ("23:59:59.987654", 86_399_987),
        ("24:00", None),
        ("13:00 PM", None),
        ("10:60", None),
    ],
)
def test_times_of_day(text: str, ms: int | None) -> None:
    found = stamps.read(text)
    assert (None if found is None else found.time) == ms


def test_the_time_zone_is_asked_for() -> None:
    text = table("2025-07-01 06:00,6.4,78")
    assert "say zone, such as Europe/Berlin" in told(text)
    assert taken(text, zone="Europe/Berlin")[0][0] == "2025-07-01T04:00:00Z"
    assert taken(text, zone="+01:00")[0][0] == "2025-07-01T05:00:00Z"
    assert taken(text, zone="UTC-5")[0][0] == "2025-07-01T11:00:00Z"
    assert taken(text.replace("Time,", '"Time, GMT-05:30",'))[0][0] == "2025-07-01T11:30:00Z"
    assert taken(text.replace("Time,", "Timestamp (UTC),"))[0][0] == "2025-07-01T06:00:00Z"
    for wrong in ("Mars", "", "+99:00", "../x", "Europe/berlin\0"):
        assert "no time zone" in told(text, zone=wrong)


def test_a_zone_in_each_cell_counts_before_all() -> None:
    text = table("2025-07-01T06:00:00+02:00,6.4,78", "2025-07-01 06:15,6.5,78")
    assert "say zone" in told(text)
    found = taken(text, zone="+01:00")
    assert [each[0] for each in found] == ["2025-07-01T04:00:00Z", "2025-07-01T05:15:00Z"]


def autumn(step: int = 15) -> list[str]:
    """The local times of a night in which clocks are put back, as a logger writes them."""
    start = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, in summer
    return [
        (start + timedelta(minutes=n)).astimezone(ZoneInfo("Europe/Berlin")).strftime("%F %H:%M")
        for n in range(-60, 120, step)
    ]


def test_the_hour_that_comes_twice_is_told_apart_by_the_order_of_rows() -> None:
    rows = [f"{at},6.4,78" for at in autumn()]
    assert len(set(rows)) < len(rows)
    expected = [
        written(int(datetime(2025, 10, 25, 23, 30, tzinfo=UTC).timestamp() + n * 60) * 1000)
        for n in range(0, 180, 15)
    ]
    up = taken(table(*rows), zone="Europe/Berlin")
    assert [each[0] for each in up] == expected
    down = taken(table(*reversed(rows)), zone="Europe/Berlin")
    assert [each[0] for each in down] == expected[::-1]


def test_where_the_order_does_not_tell_it_is_asked_for() -> None:
    text = table("2025-10-26 01:30,6,78", "2025-10-26 02:30,6,78", "2025-10-26 03:30,6,78")
    said = told(text, zone="Europe/Berlin")
    assert said.startswith("row 3: this time came twice in Europe/Berlin")
    for repeated, hour in ((Repeated.EARLIER, "00:30"), (Repeated.LATER, "01:30")):
        found = taken(text, zone="Europe/Berlin", repeated=repeated)
        assert found[1][0] == f"2025-10-26T{hour}:00Z"


def test_a_time_that_never_was_is_told() -> None:
    text = table("2025-03-30 01:45,6,78", "2025-03-30 02:15,6,78", "2025-03-30 03:15,6,78")
    said = told(text, zone="Europe/Berlin")
    assert said.startswith("row 3: this time was left out in Europe/Berlin")
    assert "+01:00" in said
    assert len(taken(text, zone="+01:00")) == 3
    assert len(taken(text, zone="Europe/Berlin", skip_bad=True)) == 2


def test_units_are_asked_for_and_said() -> None:
    text = table("2025-11-18T06:00:00Z,70,78", head="Time,Temp,Humidity")
    assert 'say column "Temp=temperature:UNIT", with one of °C, °F, K' in told(text)
    assert taken(text, columns=("Temp=temperature:f",))[0][1]["temperature"] == 21.111111
    assert taken(text, columns=("#2=co2", "Humidity=skip"))[0][1] == {"co2": 70.0}
    assert "is no unit of temperature" in told(text, columns=("Temp=temperature:hPa",))
    assert "there is no column" in told(text, columns=("Tmp=temperature:°C",))
    assert "cannot be read" in told(text, columns=("Temp",))


def test_two_columns_of_a_quantity_are_asked_for() -> None:
    text = table("2025-11-18T06:00:00Z,7,8", head="Time,T1 °C,T2 °C")
    assert "is temperature too: say which is what" in told(text)
    assert taken(text, columns=("T2 °C=probe",))[0][1] == {"temperature": 7.0, "probe": 8.0}


def test_what_is_worked_out_or_unknown_is_passed_over() -> None:
    head = "No.,Time,Temp °C,Dew point °C,Max °C,CO2 ppm,Remark"
    found = read(table("1,2025-11-18T06:00:00Z,7,2,9,400,ok", head=head))
    assert found.problems == []
    assert list(found.values) == ["temperature"]
    whys = {each.heading: each.why for each in found.columns}
    assert whys["Dew point °C"].startswith("worked out")
    assert whys["CO2 ppm"] == "of no quantity that is known"


def test_bad_rows_are_told_and_may_be_left_out() -> None:
    text = table(
        "2025-11-18T06:00:00Z,6.4,78",
        "2025-11-18T06:15:00Z,broken,78",
        "never,6.4,78",
        "2025-11-18T06:30:00Z,,",
        "2025-11-18T06:45:00Z,6.5,--",
    )
    said = told(text)
    assert "row 3, Temp °C: 'broken' is no number" in said
    assert "row 4: 'never' is no date and time" in said
    found = read(text, skip_bad=True)
    assert (found.rows, len(found.time), found.blank, found.skipped) == (5, 2, 1, 2)
    assert found.problems == []


def test_what_is_too_old_or_still_to_come_is_told() -> None:
    text = table("2025-11-18T06:00:00Z,6,78", "2025-11-18T07:00:00Z,6,78")
    at = int(datetime(2025, 11, 18, 6, 30, tzinfo=UTC).timestamp() * 1000)
    old = read(text, (at, 10**13))
    assert [each.row for each in old.problems] == [2]
    assert "raw_retention_days" in str(old.problems[0])
    early = read(text, (0, at))
    assert [str(each) for each in early.problems] == [
        "row 3: 2025-11-18T07:00:00Z is still to come"
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"\0\0\0\0", "it is empty"),
        (b"hello", "no rows with a date"),
        (b"PK\x03\x04" + bytes(range(256)) * 9, "no rows with a date|cannot be read"),
        (b"a,b\n1,2\n", "no rows with a date"),
        (b"x" * (MAX_BYTES + 1), "the most"),
        (b'Time,T C\n2025-11-18T06:00:00Z,6\n2025-11-18T06:00:00Z,"6\nx,5\n', "row 3.*no number"),
        (b"Date,Temp C\n2025-11-18,6\n", "which column says when"),
        (b"Time,x\n2025-11-18T06:00:00Z,1\n", "no column of it is a quantity"),
        (b"Time,Time2,T C\n2025-11-18 06:00,2025-11-18 07:00,1\n", "which column says when"),
    ],
)
def test_what_is_no_loggers_file_is_told(data: bytes, why: str) -> None:
    assert re.search(why, told(data)), told(data)


@given(st.binary(max_size=300) | st.text('0123456789:-/.,;\t\n T°C%ab"', max_size=200))
def test_nothing_makes_it_stumble(content: bytes | str) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    for each in (data, b"Time,Temp C\n2025-11-18T06:00:00Z,6\n" + data):
        try:
            found = read(each, zone="Europe/Berlin")
        except ImportRefused:
            continue
        assert len(found.time) <= found.rows


def test_a_file_of_several_loggers_asks_for_one() -> None:
    rows = [f"2025-11-18T06:{n:02}:00Z,room{n % 2},{n},50" for n in range(10)]
    text = table(*rows, head="time,sensor,temperature_c,humidity_pct")
    assert "several loggers (room0, room1): say only sensor=ONE" in told(text)
    found = taken(text, only="sensor=room1")
    assert [each[1]["temperature"] for each in found] == [1.0, 3.0, 5.0, 7.0, 9.0]
    assert "no row has sensor=x" in told(text, only="sensor=x")


def test_the_tag_is_named_by_the_serial_number_or_the_file() -> None:
    found = read(table("2025-11-18T06:00:00Z,6,78"))
    assert tag_named(found, "C:\\out\\Logger 7 (März).csv") == "Logger-7-März"
    assert tag_named(found, "") is None
    assert tag_named(read(FILES["hobo.csv"]), "x.csv") == "10347362"


def many(rows: int) -> bytes:
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    lines = ["Nr.;Datum;Uhrzeit;Temp °C;Feuchte %"]
    for n in range(rows):
        at = begin + timedelta(seconds=60 * n)
        values = f"{20 + n % 100 / 10:.1f};{50 + n % 300 / 10:.1f}".replace(".", ",")
        lines.append(f"{n};{at:%d.%m.%Y;%H:%M:%S};{values}")
    return "\n".join(lines).encode()


def test_200_000_rows_are_read_quickly() -> None:
    data = many(200_000)
    begun = time.process_time()
    found = read(data, zone="+01:00")
    assert time.process_time() - begun < 12.0
    assert (len(found.time), found.problems, found.interval_ms) == (200_000, [], 60_000)


def test_more_than_a_million_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lots.loggers.files.MAX_ROWS", 1000)
    assert "more than 1000 rows" in told(many(1001), zone="UTC")


def test_shuffled_rows_are_the_same_readings() -> None:
    head, *rows = many(500).decode().splitlines()
    random.Random(3).shuffle(rows)
    mixed = read("\n".join([head, *rows]), zone="+01:00")
    ordered = read(many(500), zone="+01:00")
    place = np.argsort(mixed.time)
    np.testing.assert_array_equal(mixed.time[place], ordered.time)
    for name, column in ordered.values.items():
        np.testing.assert_array_equal(mixed.values[name][place], column)


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("climate/chicago_il.csv", 8760),
        ("climate/tampere_attic.csv", 12985),
        ("sensors/office_1_minute.csv", 20560),
        ("sensors/house_9_sensors.csv", 4932),
    ],
)
def test_real_series_are_understood_without_a_word(name: str, readings: int) -> None:
    file = SHARED / name
    if not file.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{file} is missing (under CI nothing is skipped)")
        pytest.skip(f"{file} is not there")
    only = "sensor=room3" if "house" in name else None
    found = read(file.read_bytes(), only=only)
    assert found.problems == []
    assert len(found.time) == readings
    assert {"temperature", "humidity"} <= found.values.keys()
