"""A file of measurements over a real broker, and the arrays that it goes in."""

import itertools
import json

import pytest

from simulators import replay
from simulators.recording import read

HEADER = "time,sensor,temperature_c,humidity_pct\n"
HOUR = 3_600_000


@pytest.fixture
def log(tmp_path):
    """Two sensors, a reading a minute for three hours, one bad row."""
    rows = [
        f"{1_736_942_400 + 60 * minute},{name},{20 + minute / 100:.2f},55\n"
        for minute in range(180)
        for name in ("north", "south")
    ]
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "".join(rows) + "never,north,1,1\n", encoding="utf-8")
    return path


def decoded(messages):
    return [(topic.split("/"), json.loads(payload)) for topic, payload in messages]


def test_arrays_are_short_and_due_with_their_last_row(log):
    recording = read(log)
    messages = replay.messages(recording, "t1")
    assert sum(message.readings for message in messages) == 360
    assert [m.at for m in messages] == sorted(m.at for m in messages)
    seen = set()
    for message in messages:
        array = json.loads(message.payload)
        assert len(array) == message.readings <= replay.PER_MESSAGE
        assert array[-1]["t"] == message.at
        assert array[-1]["t"] - array[0]["t"] < HOUR
        seen |= {(row["boot"], row["seq"]) for row in array}
    assert len(seen) == 360


def test_a_file_goes_over_the_wire_at_its_recorded_times(
    mosquitto, listen, unique_name, log, capsys
):
    with listen(mosquitto.url, f"dunnage/v1/{unique_name}/+/readings", unique_name) as heard:
        status = replay.main(
            [str(log), "--broker", mosquitto.url, "--tenant", unique_name, "--recorded"]
        )
        counts = json.loads(capsys.readouterr().out.splitlines()[-1])
        heard.wait_for(counts["messages"])
    assert status == 1  # a row was left out
    assert counts == {"messages": 6, "readings": 360, "skipped": 1}
    for (*_, sensor, kind), array in decoded(heard.messages):
        assert sensor in ("north", "south")
        assert kind == "readings"
        for row in array:
            assert set(row) == {"boot", "seq", "t", "temperature", "humidity"}
            minute = (row["t"] - 1_736_942_400_000) // 60_000
            assert row["temperature"] == pytest.approx(20 + minute / 100)


def test_a_file_played_from_now_keeps_its_distances_at_speed(
    mosquitto, listen, unique_name, log, capsys
):
    start = 1_900_000_000_000  # ahead of true time: the clock stands behind it and runs backwards
    with listen(mosquitto.url, f"dunnage/v1/{unique_name}/+/readings", unique_name) as heard:
        replay.main(
            [str(log), "--broker", mosquitto.url, "--tenant", unique_name, "--speed", "10800"]
        )
        heard.wait_for(6)
    times = sorted({row["t"] for _, array in decoded(heard.messages) for row in array})
    assert len(times) == 180
    assert {b - a for a, b in itertools.pairwise(times)} == {60_000}
    assert times[0] != 1_736_942_400_000
    assert times[0] < start
    assert "line 362, time: 'never' is not a time" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "cannot be read"),
        (["{log}", "--broker", "nowhere"], "the broker's address"),
        (["{log}", "--timezone", "Mars"], "'Mars' is not a time zone; write it like"),
        (["{log}", "--speed", "0"], "0 is not over 0"),
    ],
)
def test_what_cannot_be_done_is_said(log, capsys, arguments, said):
    try:
        status = replay.main([a.format(log=log) for a in arguments])
    except SystemExit as error:
        status = error.code
    assert status in (1, 2)
    assert said in capsys.readouterr().err
