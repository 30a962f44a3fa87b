"""The demo's world: one that can be registered, the same each time, and with trouble in it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict

import numpy as np
import pytest

from lots.records import KINDS
from rules import air, lead, wool
from simulators.demo_fleet import Fleet, scenario, world
from simulators.demo_fleet.fleet import DAY_MS, HOUR_MS

START = 1_763_813_000_000
TIMES_OF_DAY = [START, START + 6 * HOUR_MS, START + 13 * HOUR_MS, START + 19 * HOUR_MS]


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(START)


@pytest.fixture(scope="module")
def six_days(fleet):
    return fleet.messages(fleet.start_ms, fleet.start_ms + 6 * DAY_MS)


def readings(messages):
    """tag -> its readings by time, as columns."""
    rows = defaultdict(list)
    for message in messages:
        rows[message.topic.split("/")[3]] += json.loads(message.payload)
    return {
        tag: {
            name: np.array([row[name] for row in sorted(found, key=lambda r: r["t"])])
            for name in found[0]
        }
        for tag, found in rows.items()
    }


@pytest.fixture(scope="module")
def measured(six_days):
    return readings(six_days)


def on(fleet, lot, placement="air"):
    return next(t.key for t in fleet.tags if (t.lot, t.placement) == (lot, placement))


def in_(fleet, place):
    return next(t.key for t in fleet.tags if t.place == place)


def hours(fleet, column):
    return (column["t"] - fleet.start_ms) / HOUR_MS


def test_the_world_is_one_that_the_registry_takes(fleet):
    found = fleet.world()
    assert list(found) == [
        "sites", "places", "parties", "tags", "lots", "bindings", "moves", "shipments", "holds",
    ]  # fmt: skip
    assert {len(found["sites"]), len(found["lots"])} == {3, 40}
    records = {
        kind: [KINDS[kind].model_validate(record) for record in found[kind]] for kind in found
    }
    ids = {kind: [record.id for record in records[kind]] for kind in records}
    for kind in ids:
        assert len(set(ids[kind])) == len(ids[kind]), kind
    for kind, field, points_to in [
        ("places", "site", "sites"),
        ("lots", "customer", "parties"),
        ("bindings", "tag", "tags"),
        ("bindings", "lot", "lots"),
        ("bindings", "place", "places"),
        ("moves", "lot", "lots"),
        ("moves", "place", "places"),
        ("holds", "lot", "lots"),
        ("holds", "place", "places"),
        ("holds", "shipment", "shipments"),
    ]:
        named = {getattr(record, field) for record in records[kind]} - {None}
        assert named <= set(ids[points_to]), (kind, field)
    for shipment in records["shipments"]:
        assert set(shipment.lots) <= set(ids["lots"])
        for leg in shipment.legs:
            assert leg.place in ids["places"]
            assert {leg.origin, leg.destination} <= set(ids["sites"])
    assert {record.region for record in records["sites"]} == {
        "coastal_humid", "temperate", "cold_winter",
    }  # fmt: skip


def test_every_lot_has_a_tag_of_its_own_or_stands_with_one(fleet):
    watched = {tag.place for tag in fleet.tags} - {None}
    own = {tag.lot for tag in fleet.tags if tag.placement == "air"}
    for lot in scenario.LOTS:
        assert lot.key in own or {place for _, place in lot.stands} <= watched


def test_the_same_arguments_give_the_same_messages_however_asked_for(fleet, six_days):
    other = Fleet(START)
    pieces = []
    at = other.start_ms
    while at < other.start_ms + 6 * DAY_MS:
        pieces += other.messages(at, at + 5 * HOUR_MS + 7)
        at += 5 * HOUR_MS + 7
    assert [m for m in pieces if m.at < fleet.start_ms + 6 * DAY_MS] == six_days
    backwards = other.messages(other.start_ms, other.start_ms + DAY_MS)
    assert backwards == [m for m in six_days if m.at < fleet.start_ms + DAY_MS]
    assert world(START) == world(START)
    assert Fleet(START, seed=2).messages(START, START + HOUR_MS) != fleet.messages(
        START, START + HOUR_MS
    )


def test_it_stays_far_under_300_messages_a_second_at_a_day_in_ten_seconds(fleet, six_days):
    for day in range(6):
        begins = fleet.start_ms + day * DAY_MS
        count = sum(begins <= m.at < begins + DAY_MS for m in six_days)
        assert count / 10 < 200
    assert max(len(m.payload) for m in six_days) < 16_000


def test_a_reading_is_published_after_it_was_measured_and_once(six_days):
    seen = set()
    for message in six_days:
        tag = message.topic.split("/")[3]
        rows = json.loads(message.payload)
        assert len(rows) == message.readings
        for row in rows:
            assert row["t"] <= message.at
            seen.add((tag, row["boot"], row["seq"]))
    assert len(seen) == sum(m.readings for m in six_days)


def test_readings_are_possible_and_have_a_sensors_digits(measured):
    for tag, column in measured.items():
        assert (np.abs(column["temperature"]) < 60).all(), tag
        assert ((column["humidity"] >= 1) & (column["humidity"] <= 100)).all(), tag
        np.testing.assert_array_equal(column["temperature"], np.round(column["temperature"], 2))
        np.testing.assert_array_equal(column["humidity"], np.round(column["humidity"], 1))
        assert (np.diff(column["seq"]) == 1).all(), tag
    assert any("pressure" in column for column in measured.values())


def sweating_hours(fleet, column_of, lot):
    surface = column_of[on(fleet, lot, "surface")]
    around = column_of[on(fleet, lot)]
    dew = air.dew_point(around["temperature"], around["humidity"])
    dew = np.interp(surface["t"], around["t"], dew)
    return hours(fleet, surface)[surface["temperature"] < dew - 0.5]


@pytest.mark.parametrize("start", TIMES_OF_DAY)
def test_cold_lead_sweats_within_the_first_day_at_any_time_of_day(start):
    fleet = Fleet(start)
    found = readings(fleet.messages(fleet.start_ms, fleet.start_ms + DAY_MS))
    wet = sweating_hours(fleet, found, "LB-24101")
    assert wet.min() < 6
    assert len(wet) > 30  # of the six an hour


def test_the_second_truck_sweats_when_it_comes_and_not_before(fleet, measured):
    wet = sweating_hours(fleet, measured, "LB-24104")
    assert 71 < wet.min() < 80
    assert wet.max() < 95


def test_metal_and_air_agree_with_one_lump(fleet, measured):
    # Follow the measured air with the bundle's own time constant: the strapped-on tag says so too.
    surface = measured[on(fleet, "LB-24101", "surface")]
    around = measured[on(fleet, "LB-24101")]
    metal = np.interp(around["t"][0], surface["t"], surface["temperature"])
    for before, after in zip(range(len(around["t"]) - 1), range(1, len(around["t"])), strict=True):
        span = (around["t"][after] - around["t"][before]) / HOUR_MS
        mean = around["temperature"][before : after + 1].mean()
        metal = lead.surface_temperature(metal, mean, span, 7.0)
        if hours(fleet, around)[after] < 130:
            there = np.interp(around["t"][after], surface["t"], surface["temperature"])
            assert abs(metal - there) < 0.8


def test_greasy_wool_by_the_leak_grows_mould_and_the_rest_does_not(fleet, measured):
    def mould(tag):
        column = measured[tag]
        steps = np.diff(column["t"], prepend=column["t"][0]) / HOUR_MS
        return wool.mould_index(column["temperature"], column["humidity"], steps, "very_sensitive")

    leaking = mould(on(fleet, "WG-7001"))
    reached = hours(fleet, measured[on(fleet, "WG-7001")])[np.argmax(leaking >= 0.5)]
    assert leaking[-1] >= 0.5
    assert 72 < reached < 144
    for lot in ("WG-7003", "WG-7005", "WS-8005"):
        assert mould(on(fleet, lot))[-1] == 0


def test_the_humidifier_fails_and_its_wool_dries_out(fleet, measured):
    column = measured[on(fleet, "WS-8001")]
    regain = wool.regain(column["humidity"], column["temperature"])
    before = hours(fleet, column) < 10
    assert regain[before].min() > 10
    after = (hours(fleet, column) > 24) & (hours(fleet, column) < 96)
    assert regain[after].max() < 8


def test_the_silent_tag_falls_silent(fleet, measured):
    silent = hours(fleet, measured[on(fleet, "LB-24108")])
    assert 7.5 < silent.max() < 8


def test_a_customers_limit_is_broken_soon(fleet, measured):
    column = measured[on(fleet, "WS-8004")]
    limit = next(p for p in scenario.PARTIES if p.key == "piedmont-yarns").limits
    below = column["temperature"] < limit["temperature_min"]
    assert not below[hours(fleet, column) < 1].any()
    assert below[hours(fleet, column) > 1].all()


def test_the_box_in_the_sun_is_hot_and_damp_at_noon(fleet, measured):
    column = measured[on(fleet, "LB-24112")]
    bad = (column["temperature"] > 40) & (column["humidity"] > 60)
    runs = np.split(bad, np.flatnonzero(np.diff(bad)) + 1)
    assert max(len(run) for run in runs if run[0]) >= 12  # two hours of six each
    assert not bad.all()


def test_loggers_at_sea_are_heard_on_arrival_with_all_they_kept(fleet, six_days):
    tag = on(fleet, "LB-24113")
    mine = [m for m in six_days if m.topic.split("/")[3] == tag]
    first = [m for m in mine if m.at < mine[0].at + 5 * 60_000]
    assert 52 < (mine[0].at - fleet.start_ms) / HOUR_MS < 53
    kept = sum(m.readings for m in first)
    assert 14 * 24 + 50 < kept < 14 * 24 + 55
    assert json.loads(mine[0].payload)[0]["t"] < fleet.start_ms - 13 * DAY_MS


@pytest.mark.parametrize("start", TIMES_OF_DAY)
def test_most_lots_are_fine(start):
    fleet = Fleet(start)
    measured = readings(fleet.messages(fleet.start_ms, fleet.start_ms + 6 * DAY_MS))
    damp, cold = set(), set()
    for lot in scenario.LOTS:
        last = lot.stands[-1][1]
        tag = on(fleet, lot.key) if "air" in lot.tags else in_(fleet, last)
        column = measured[tag]
        later = hours(fleet, column) > 24
        if (column["humidity"][later] > 80).any():
            damp.add(lot.key)
        if (column["temperature"][later] < -3).any():
            cold.add(lot.key)
    assert len(damp) <= 8
    assert len(cold) <= 4


def test_before_the_start_there_is_a_history(fleet):
    past = fleet.messages(fleet.start_ms - DAY_MS, fleet.start_ms)
    assert len(past) > 24 * 45
    assert all(m.at < fleet.start_ms for m in past)
    assert fleet.messages(fleet.start_ms - 40 * DAY_MS, fleet.start_ms - 32 * DAY_MS) == []


def run(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "simulators.demo_fleet", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_live_what_it_says_arrived_has_arrived(mosquitto, listen, unique_name):
    start = round(time.time() * 1000)
    with listen(mosquitto.url, f"dunnage/v1/{unique_name}/+/readings", unique_name) as heard:
        process = run(
            "--broker", mosquitto.url, "--tenant", unique_name, "--start-ms", str(start),
            "--speed", "8640", "--for", "3",
        )  # fmt: skip
        out, err = process.communicate(timeout=30)
        counts = json.loads(out.splitlines()[-1])
        heard.wait_for(counts["messages"])
        time.sleep(0.2)
    assert (process.returncode, err) == (0, "")
    assert len(heard.messages) == counts["messages"] > 100
    arrived = [row for _, payload in heard.messages for row in json.loads(payload)]
    assert len(arrived) == counts["readings"]
    assert max(row["t"] for row in arrived) < start + 30 * 8640 * 1000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_what_it_says_arrived(mosquitto, listen, unique_name, number):
    with listen(mosquitto.url, f"dunnage/v1/{unique_name}/+/readings", unique_name) as heard:
        process = run(
            "--broker", mosquitto.url, "--tenant", unique_name, "--speed", "8640"
        )  # fmt: skip
        heard.wait_for(20)
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=30)
        counts = json.loads(out.splitlines()[-1])
        heard.wait_for(counts["messages"])
    assert (process.returncode, err) == (0, "")
    assert len(heard.messages) == counts["messages"]


def test_without_a_broker_it_says_so():
    process = run("--broker", "mqtt://127.0.0.1:1")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert "no broker can be reached at 127.0.0.1:1" in err
