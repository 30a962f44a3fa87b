"""`dunnage simulate`: the library, the truth, what cannot be done, and an end by Ctrl-C."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators import journey
from simulators.truth_table import UNITS
from simulators.world import World
from tests.cli.shell import Running, Shell
from tests.servers import Mosquitto

SHORT = "unwrapped-too-soon"
RAIL = "desiccant-used-up"
DATE = "2026-01-15T06:00Z"


def test_the_library_is_a_table(shell: Shell) -> None:
    head, *rows = shell.says("simulate", "--list").splitlines()
    assert head.split("\t") == ["journey", "days", "lots", "tags", "harm", "what happens"]
    assert [row.split("\t")[0] for row in rows] == list(journey.library())
    assert len(rows) >= 12
    assert all(len(row.split("\t")) == 6 for row in rows)


def test_the_truth_goes_to_files_and_nothing_is_published(shell: Shell) -> None:
    done = shell("simulate", SHORT, "--truth", "t.csv", "--start", "2026-01-15T06:00Z")
    assert done.returncode == 0, done.stderr
    lines = (shell.folder / "t.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# truth of journey {SHORT}, seed 1")
    rows = list(csv.DictReader(lines[1:]))
    assert {row["journey"] for row in rows} == {SHORT}
    assert {row["lot"] for row in rows} == {lot.key for lot in journey.named(SHORT).lots}
    assert rows[0]["time"].startswith("2026-01-15T06:")
    with (shell.folder / "t.events.csv").open(encoding="utf-8") as file:
        events = list(csv.DictReader(file))
    world = World(journey.named(SHORT), 1)
    really = [(lot.key, event.kind) for lot in world.lots for event in world.events(lot.key)]
    assert [(event["lot"], event["event"]) for event in events] == really
    assert (shell.folder / "t.tags.csv").read_text().startswith("journey,tag,fault,begins")


def test_the_truth_is_a_table_too_and_the_same_each_time(shell: Shell) -> None:
    words = ("simulate", SHORT, "--seed", "3", "--truth", "-", "--start", "2026-01-15T06:00+00:00")
    first, again = (shell.says(*words) for _ in range(2))
    assert first == again
    assert first.startswith("journey\tlot\tevent\tbegins\tends\tpeak\tcause\n")
    assert "\njourney\ttag\tfault\t" in first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["unwraped"], "there is no journey 'unwraped': use one of calm, "),
        (["none.yaml"], "none.yaml:1: it cannot be read"),
        ([SHORT, SHORT], f"two journeys are called {SHORT}: name it once, or play them one after"),
        ([SHORT, "--voice", "morse"], "--voice 'morse' is not known: use one of native, "),
        ([SHORT, "--speed", "0"], "write a number over 0, such as 8640, or max"),
        ([SHORT, "--speed", "fast"], "write a number over 0, such as 8640, or max"),
        ([SHORT, "--start", "2026-01-15"], "write an instant with its zone"),
        ([SHORT, "--start", "9999-12-31T00:00Z"], "write an instant from 1970 to 2199"),
        ([SHORT, "--start", "0001-01-01T00:00Z"], "write an instant from 1970 to 2199"),
        ([SHORT, "--truth", "-", "--loggers", "/dev/null/x"], "name another folder"),
        ([SHORT, "--tenant", "a/b"], "--tenant 'a/b'"),
        ([SHORT, "--broker", "mqtt://127.0.0.1:9"], "start it, or give another address"),
        ([SHORT, "--truth", "-", "--import"], "--import registers what is published: add --broker"),
        ([SHORT, "--truth", "no/t.csv"], "name a file in a folder that there is"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_remedy(
    shell: Shell, words: list[str], said: str
) -> None:
    assert said in shell.refusal("simulate", *words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--tags", "5", "--truth", "-"],
        ["--tags", "5", "--loggers", "f"],
        [SHORT, "--messages", "5"],
        ["--tags", "0"],
    ],
)
def test_options_that_do_not_go_together(shell: Shell, words: list[str]) -> None:
    assert shell("simulate", *words).returncode == 2


def test_a_journey_with_a_mistake_is_told_by_its_line(shell: Shell) -> None:
    library = Path(journey.__file__).parent / "journeys"
    text = (library / f"{SHORT}.yaml").read_text(encoding="utf-8")
    (shell.folder / "mine.yaml").write_text(text.replace("sensor: sht40", "sensor: sht99", 1))
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "sensor: sht40" in row)
    assert f"mine.yaml:{line}:" in shell.refusal("simulate", "mine.yaml", "--truth", "-")


def test_two_journeys_are_one_table_and_share_nothing(shell: Shell) -> None:
    words = ("simulate", SHORT, "rain-at-loading", "--truth", "t.csv")
    assert shell(*words, "--start", "2026-01-15T06:00Z").returncode == 0
    lines = (shell.folder / "t.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines[:3]] == [
        f"# truth of journey {SHORT}", "# truth of journey rain-at-loading", "journey",
    ]  # fmt: skip
    rows = list(csv.DictReader(lines[2:]))
    assert {row["journey"] for row in rows} == {SHORT, "rain-at-loading"}
    assert {len(row) for row in rows} == {4 + len(UNITS)}
    with (shell.folder / "t.gates.csv").open(encoding="utf-8") as file:
        gates = list(csv.DictReader(file))
    assert {(row["journey"], row["reader"]) for row in gates} == {
        ("rain-at-loading", "RF-bay-2"), ("rain-at-loading", "RF-furnace"),
    }  # fmt: skip
    assert {row["lot"] for row in gates} == {"LB-24151", "LB-24152"}


def test_a_logger_is_read_out_into_a_folder(shell: Shell) -> None:
    done = shell("simulate", RAIL, "--truth", "-", "--loggers", "read/out", "--start", DATE)
    assert done.returncode == 0, done.stderr
    file = shell.folder / "read" / "out" / "EL-7700412.csv"
    first = file.read_bytes()
    assert first.decode().startswith("Device ID:,EL-7700412")
    said = done.stderr.decode().splitlines()
    told = next(line for line in said if "dunnage import readings" in line)
    assert told.endswith("--tenant default --lot WS-8012 --zone UTC --apply")
    shell("simulate", RAIL, "--truth", "-", "--loggers", "read/out", "--start", DATE)
    assert file.read_bytes() == first


@pytest.mark.parametrize(("key", "hour"), [(SHORT, "00"), ("greensboro-miami-winter", "06")])
def test_what_ended_within_the_last_day_kept_its_hours(shell: Shell, key: str, hour: str) -> None:
    """Midnight of the weather is midnight of the clock."""
    shell.says("simulate", key, "--truth", "t.csv")
    lines = (shell.folder / "t.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines[1:]))
    assert rows[0]["time"][11:16] == f"{hour}:05"
    ends = datetime.fromisoformat(rows[-1]["time"])
    assert timedelta(0) <= datetime.now(UTC) - ends < timedelta(days=1, minutes=10)


def test_what_the_registry_does_not_take_is_told_by_name(
    shell: Shell, mosquitto: Mosquitto
) -> None:
    text = journey.named(SHORT).source.replace("purchase_order", "order", 1)
    (shell.folder / "mine.yaml").write_text(text, encoding="utf-8")
    message = shell.refusal("simulate", "mine.yaml", "--import", "--broker", mosquitto.url)
    assert "lots LB-24161: references" in message
    assert "write it so in the journey's file" in message


def test_it_is_registered_for_a_tenant_that_there_is(shell: Shell, mosquitto: Mosquitto) -> None:
    words = ("simulate", SHORT, "--import", "--broker", mosquitto.url)
    message = shell.refusal(*words, "--tenant", "acme")
    assert "there is no tenant 'acme': dunnage tenants add acme" in message
    shell.says("tenants", "add", "acme")
    counts = json.loads(shell.says(*words, "--tenant", "acme").splitlines()[-1])
    assert counts["messages"] > 1000
    assert counts["readings"] >= counts["messages"]


def test_two_journeys_are_registered_side_by_side(shell: Shell, mosquitto: Mosquitto) -> None:
    """Both have a bay 2 in Greensboro, each with air of its own."""
    keys = (SHORT, "rain-at-loading")
    shell.says("simulate", *keys, "--import", "--broker", mosquitto.url)
    with closing(sqlite3.connect(shell.folder / "data" / "registry.sqlite")) as database:
        places = {row[0] for row in database.execute("select id from places")}
        sites = [row[0] for row in database.execute("select id from sites")]
    own = {place.key for key in keys for place in journey.named(key).places}
    assert places == own - {"greensboro-bay-2"} | {f"{key}.greensboro-bay-2" for key in keys}
    assert sites == ["greensboro"]


def test_paced_it_goes_on_until_ctrl_c_and_counts(shell: Shell, mosquitto: Mosquitto) -> None:
    words = ("simulate", SHORT, "--speed", "3600", "--broker", mosquitto.url)
    with Running(shell, *words) as running:
        running.says("publishing:")  # no terminal: lines now and then
        assert running.stop(signal.SIGINT) == 0
        assert "\x1b" not in running.text
        assert "Traceback" not in running.text
        counts = json.loads(running.text.splitlines()[-1])
        assert 0 < counts["messages"] < 1000


def test_many_tags_from_one_process(shell: Shell, mosquitto: Mosquitto) -> None:
    words = ("simulate", "--tags", "2000", "--messages", "6000", "--broker", mosquitto.url)
    counts = json.loads(shell.says(*words).splitlines()[-1])
    assert counts["messages"] == counts["readings"] == 6000
    assert counts["per_second"] > 0
