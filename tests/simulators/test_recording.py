"""CSV files of loggers, as they come: what is read of them, and what is said of the rest."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from simulators.recording import RecordingError, read, shifted

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
NOON = 1_736_942_400_000  # 2025-01-15T12:00:00Z


@pytest.fixture
def write(tmp_path):
    def file(content: str | bytes, name: str = "bay 1.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file


@pytest.mark.parametrize(
    ("name", "rows", "sensors"),
    [
        ("sensors/house_9_sensors.csv", 44_388, 9),
        ("sensors/office_1_minute.csv", 20_560, 1),
        ("climate/miami_fl.csv", 8_760, 1),
        ("climate/tampere_attic.csv", 12_985, 1),
    ],
)
def test_measured_logs_are_read_whole(name, rows, sensors):
    if not (SHARED / name).exists():
        assert not os.environ.get("CI"), f"{SHARED / name} is missing: CI needs the data"
        pytest.skip(f"{SHARED / name} is not in this clone")
    found = read(SHARED / name)
    assert found.problems == []
    assert len(found.rows) == rows
    assert len({row.sensor for row in found.rows}) == sensors
    assert all(a.time <= b.time for a, b in zip(found.rows, found.rows[1:], strict=False))


def test_every_quantity_and_a_sensor_column(write):
    found = read(
        write(
            "time,sensor,temperature_c,humidity_pct,pressure_hpa,probe,battery,colour\n"
            "2025-01-15T12:00:00Z,north,21.5,60,1008.2,19.75,2.98,red\n"
            "2025-01-15T11:00:00Z,south,,61,,,,\n"
        )
    )
    south, north = found.rows
    assert (south.sensor, south.values) == ("south", {"humidity": 61})
    assert north.time == NOON
    assert north.values == {
        "temperature": 21.5,
        "humidity": 60,
        "pressure": 1008.2,
        "probe": 19.75,
        "battery": 2.98,
    }


@pytest.mark.parametrize(
    "when",
    [
        "2025-01-15T12:00:00Z",
        "2025-01-15 12:00:00+00:00",
        "2025-01-15T07:00:00-05:00",
        "1736942400",
        "1736942400.0",
        "1736942400000",
    ],
)
def test_ways_to_write_a_time(write, when):
    assert read(write(f"time,temperature\n{when},20\n")).rows[0].time == NOON


@pytest.mark.parametrize(
    "header",
    [
        "Timestamp,Temp (°C),RH (%)",
        "date,temperature [C],Relative Humidity %",
        "Date-Time,AIR TEMPERATURE,Hum",
        '"time_utc","temperature_degC","humidity (%RH)"',
    ],
)
def test_ways_to_name_a_column(write, header):
    found = read(write(f"{header}\n2025-01-15T12:00:00Z,20.5,60\n"))
    assert found.rows[0].values == {"temperature": 20.5, "humidity": 60}


def test_what_a_spreadsheet_writes(write):
    text = "\ufefftime;temperature;humidity\r\n2025-01-15T12:00:00Z;21,5;60,25\r\n\r\n;;\r\n"
    found = read(write(text))
    assert found.problems == []
    assert [row.values for row in found.rows] == [{"temperature": 21.5, "humidity": 60.25}]


def test_without_a_column_of_sensors_the_file_is_the_sensor(write):
    path = write("time\ttemperature\n2025-01-15T12:00:00Z\t1\n", "bay#1.log.csv")
    assert read(path).rows[0].sensor == "bay-1.log"


def test_times_without_a_zone_are_in_the_zone_given(write):
    path = write("time,temperature\n2025-01-15T07:00:00,1\n")
    assert read(path, ZoneInfo("America/New_York")).rows[0].time == NOON


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2025-01-15T12:00:00,a,20,60", "line 3, time: '2025-01-15T12:00:00' does not say in"),
        ("yesterday,a,20,60", "line 3, time: 'yesterday' is not a time; write it like 2025"),
        ("-5,a,20,60", "line 3, time: '-5' is before 1970 or after 2261"),
        ("9999-12-31T00:00:00Z,a,20,60", "line 3, time: '9999-12-31T00:00:00Z' is before 1970"),
        ("1736942400,a,warm,60", "line 3, temp: 'warm' is not a number; write it like 21.4"),
        ("1736942400,a,inf,60", "line 3, temp: 'inf' is not a number"),
        ("1736942400,a,20,'60", 'line 3, rh: "\'60" is not a number'),
        ("1736942400,a,NA,", "line 3, all columns: nothing was measured"),
        ("1736942400", "line 3, all columns: nothing was measured"),
        ("1736942400,a/b,20,60", "line 3, sensor: 'a/b' cannot be a tag's name; give 1 to 64"),
        ("1736942400,,20,60", "line 3, sensor: '' cannot be a tag's name"),
    ],
)
def test_a_bad_row_is_named_and_left_out(write, row, said):
    good = "1736942400,a,20,60"
    found = read(write(f"time,sensor,temp,rh\n{good}\n{row}\n{good}\n"))
    assert len(found.rows) == 2
    (problem,) = found.problems
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"no column of time \(its header has nothing\): name one time"),
        ("when,temperature\n", r"no column of time \(its header has when, temperature\)"),
        ("time,light\n", "no column of measurements .*: name one temperature or humidity"),
        ("time,temperature (°F)\n1736942400,70\n", "no column of measurements"),
        ("time,temp,temperature_c\n", "'temp' and 'temperature_c' both read as temperature"),
        ("time,temperature\n", "no row that can be used: there is none below its header"),
        ("time,temperature\nx,1\n", "no row that can be used: line 2, time: 'x' is not a time"),
        (b"time,temperature\n\xff\n", "is not UTF-8 at byte 17: save it as CSV UTF-8"),
        (b"time,temperature\n" + b"x" * 200_000, "line 2: field larger than"),
    ],
)
def test_a_file_of_no_use_says_why(write, content, said):
    with pytest.raises(RecordingError, match=said):
        read(write(content))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RecordingError, match="cannot be read: No such file"):
        read(tmp_path / "none.csv")


def test_the_same_file_is_the_same_readings_and_a_shifted_one_is_not(write):
    path = write("time,temperature\n1736942400,1\n1736946000,2\n")
    recording = read(path)
    assert recording.boot == read(path).boot
    later = shifted(recording, NOON + 500)
    assert [row.time for row in later.rows] == [NOON + 500, NOON + 3_600_500]
    assert later.boot != recording.boot
    assert later.boot != shifted(recording, NOON + 501).boot
