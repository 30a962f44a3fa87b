"""RFID readers and loggers of a journey: what passes, what is seen of it, what is read out."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ingest.formats import Memory, decode, route
from ingest.message import Message as Heard
from lots.clock import DAY_MS
from lots.loggers.files import Options, understand
from lots.loggers.stamps import DateOrder
from lots.settings import Subscription
from simulators import journey
from simulators.gates import Passed, epc, gates_in, passed, told
from simulators.journey import JourneyError
from simulators.loggers import read_out
from simulators.message import Message
from simulators.sensors import declared
from simulators.world import World

SEA, RAIL, RAIN = "sand-point-miami-sea", "roof-drip", "rain-at-loading"
START = 1_790_000_000_000
HOUR = 3_600_000
TENANT = "acme"


@cache
def world(key: str, seed: int = 1) -> World:
    return World(journey.named(key, declared.check), seed, start_ms=START)


@cache
def all_passed(key: str, gate: str) -> list[Passed]:
    (found,) = [each for each in gates_in(world(key)) if each.key == gate]
    return passed(world(key), found)


@cache
def published(key: str, gate: str) -> list[Message]:
    (found,) = [each for each in gates_in(world(key)) if each.key == gate]
    return list(told(world(key), found, TENANT))


def test_a_reader_at_a_door_sees_what_is_brought_in() -> None:
    (shipment,) = world(SEA).journey.shipments
    assert shipment.unloads is not None
    came = all_passed(SEA, "RF-miami-1")
    assert {(each.lot, each.number) for each in came} == {
        (lot.key, n) for lot in world(SEA).lots for n in range(1, lot.packages + 1)
    }
    opened = START + round(shipment.unloads * HOUR)
    assert min(each.at for each in came) == opened
    assert max(each.at for each in came) < opened + 10 * 60_000
    assert [each.at for each in came] == sorted(each.at for each in came)


def test_a_reader_at_a_gate_sees_the_train_leave_and_another_sees_it_come() -> None:
    (leg,) = world(RAIL).journey.shipments[0].legs
    for gate, hour in (("RF-yard-miami", leg.departs), ("RF-yard-greensboro", leg.arrives)):
        went = all_passed(RAIL, gate)
        assert len(went) == 30
        assert {each.lot for each in went} == {"WG-7031", "WS-8031"}
        first = START + round(hour * HOUR)
        assert all(first <= each.at < first + 10_000 for each in went)


def test_a_door_is_passed_both_ways() -> None:
    out = all_passed(RAIN, "RF-bay-2")
    stands = {lot.key: lot.stands[1].when.hours for lot in world(RAIN).lots}
    for each in out:
        left = START + round(stands[each.lot] * HOUR)
        assert left <= each.at < left + 5 * 60_000
    assert len(out) == 8


@pytest.mark.parametrize(
    ("key", "gate"), [(SEA, "RF-miami-1"), (RAIL, "RF-yard-miami"), (RAIN, "RF-bay-2")]
)
def test_what_a_reader_sees_is_understood_and_is_what_passed(key: str, gate: str) -> None:
    """By all three makers' formats: the labels that were not missed, as often as they answered."""
    (found,) = [each for each in gates_in(world(key)) if each.key == gate]
    routes = [route(Subscription(**found.voice.row(TENANT)), 400 * DAY_MS)]
    messages = published(key, gate)
    coming = [Heard(message.at, message.topic, message.payload) for message in messages]
    decoded = decode(coming, routes, Memory())
    assert decoded.rejected == []
    went = {each.epc: each for each in all_passed(key, gate)}
    assert len(went) == len(all_passed(key, gate))
    seen = [each.epc for each in decoded.sightings]
    assert len(seen) == sum(each.seen for each in went.values())
    assert {each.reader for each in decoded.sightings} == {gate}
    assert len(set(seen)) == len([each for each in went.values() if each.seen])
    assert all(each.startswith("urn:epc:id:sscc:0614141.") for each in seen)
    for each in decoded.sightings:
        assert any(package.at <= each.time < package.at + 2_000 for package in went.values())
    assert [m.at for m in messages] == sorted(m.at for m in messages)
    assert {message.readings for message in messages} == {0}


def test_some_labels_are_missed_as_often_as_the_file_says() -> None:
    misses = [
        each.seen == 0
        for seed in range(40)
        for gate in gates_in(world(RAIL, seed))
        for each in passed(world(RAIL, seed), gate)
    ]
    assert 0.03 < np.mean(misses) < 0.07  # 5 %


def test_another_date_is_the_same_passage() -> None:
    later = World(journey.named(RAIL, declared.check), 1, start_ms=START + 40 * DAY_MS)
    (gate, _) = gates_in(later)
    moved = [each._replace(at=each.at - 40 * DAY_MS) for each in passed(later, gate)]
    assert moved == all_passed(RAIL, "RF-yard-miami")


def test_every_package_has_a_label_of_its_own() -> None:
    found = {epc(lot, n) for lot in ("LB-24113", "WG-7031") for n in range(1, 10_001)}
    assert len(found) == 20_000
    assert {len(each) for each in found} == {24}


def test_a_logger_is_read_out_at_arrival_and_its_file_is_understood() -> None:
    (found,) = read_out(world(SEA))
    (shipment,) = world(SEA).journey.shipments
    assert shipment.unloads is not None
    assert found.at == START + round((shipment.unloads + 8) * HOUR)
    assert found.options[:2] == ("--lot", "LB-24113")
    assert found.name == "20918843.csv"
    read = understand(found.file, Options(dates=DateOrder.MDY), 0, 2 * START)
    assert read.problems == []
    assert read.serial == "20918843"
    made = found.made.readings
    rows = int(np.sum(found.made.at < found.at))
    assert rows == len(read.time) > 2000
    np.testing.assert_array_equal(read.time, made.t[:rows] // 1000 * 1000)
    for quantity in ("temperature", "humidity"):
        np.testing.assert_allclose(read.values[quantity], made.values[quantity][:rows], atol=0.051)


def test_it_is_the_same_file_each_time() -> None:
    again = World(journey.named(SEA, declared.check), 1, start_ms=START)
    assert [each.file for each in read_out(again)] == [each.file for each in read_out(world(SEA))]


LOGGER = {"id": "L-1", "lot": "L", "file": "testo", "read_out": {"at": 5}}
READER = {"id": "R-1", "place": "P", "voice": "impinj"}


@pytest.mark.parametrize(
    ("section", "entry", "said"),
    [
        ("loggers", LOGGER | {"file": "tseto"}, "file 'tseto' is not known: did you mean testo?"),
        ("loggers", LOGGER | {"read_out": None}, "a logger is read out: write read_out: {since"),
        ("loggers", LOGGER | {"read_out": {"on": 5}}, "read_out has no field 'on'"),
        ("loggers", LOGGER | {"voice": "native"}, "a logger has no field 'voice'"),
        ("loggers", LOGGER | {"faults": [{"kind": "misbound", "from": 1, "lot": "L"}]},
         "a logger cannot be misbound: use one of stuck"),
        ("readers", READER | {"site": "S"}, "at a place's door or at a site's gate: give one"),
        ("readers", READER | {"voice": "impinge"}, "did you mean impinj?"),
        ("readers", READER | {"misses": 2}, "misses is 2: write a number from 0 to 1"),
        ("readers", READER | {"id": "R#1"}, "a name cannot have '#' in it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_remedy(
    section: str, entry: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        declared.check(section, entry)


def test_a_reader_and_a_logger_name_what_there_is(tmp_path) -> None:
    text = journey.named(SEA).source
    file = tmp_path / "mine.yaml"
    for old, new, said in (
        (
            "place: miami-bay-1, voice",
            "place: miami-bay-9, voice",
            r"readers\.0: there is no place",
        ),
        ("since: SH-5005 unloads, at: 8", "since: SH-9 unloads", r"loggers\.0: there is no event"),
        ("RF-miami-1", "TA-101", r"TA-101 is there twice"),
    ):
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(JourneyError, match=rf"mine\.yaml:\d+: .*{said}"):
            journey.load(file, declared.check)
