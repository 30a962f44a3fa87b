"""What a journey's file may say of its tags and gateways, and what is said where it is wrong."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from simulators import journey
from simulators.journey import JourneyError
from simulators.sensors import MODELS, declared
from simulators.sensors.faults import KINDS, ClockUnset, Replaced, Salted
from simulators.sensors.reporting import Reporting

HERE = Path(journey.__file__).parent / "journeys"


def hours(number, since):
    return round(number * 3_600_000) + (7 if since else 0)


@pytest.mark.parametrize("key", journey.library())
def test_every_journey_of_the_library_declares_its_tags_well(key):
    found = journey.named(key, declared.check)
    assert found.tags
    for entry in found.tags:
        assert declared.sensor(entry).key == entry.get("sensor", "sht45")


def test_the_library_has_every_fault():
    library = [journey.named(key) for key in journey.library()]
    entries = [entry for each in library for entry in each.tags]
    assert {fault["kind"] for e in entries for fault in e.get("faults", ())} == set(KINDS)


def test_what_an_entry_names_is_told():
    entry = {
        "id": "T", "lot": "L", "gateways": ["g"],
        "faults": [
            {"kind": "misbound", "from": 0, "place": "P"},
            {"kind": "replaced", "since": "S arrives", "by": "T-2"},
        ],
    }  # fmt: skip
    assert declared.check("tags", entry) == [
        ("name", "T"), ("lot", "L"), ("gateway", "g"), ("place", "P"), ("name", "T-2"),
        ("event", "S arrives"),
    ]  # fmt: skip
    assert declared.check("gateways", {"id": "g"}) == [("name", "g")]


def test_a_tag_has_what_its_entry_says():
    entry = {
        "id": "T", "lot": "L", "sensor": "dht22",
        "report": {"interval_s": 3600, "change": {"humidity": 2}, "sent": True},
        "faults": [
            {"kind": "salted", "from": 24, "hours": 6},
            {"kind": "replaced", "since": "SH-1 arrives", "by": "T-2"},
            {"kind": "clock_unset", "from": 1, "to": None},
        ],
    }  # fmt: skip
    declared.check("tags", entry)
    assert declared.sensor(entry).key == "dht22"
    assert declared.reporting(entry) == Reporting(3600, 60, {"humidity": 2.0}, True)
    assert declared.faults(entry, hours) == (
        Salted(24 * 3_600_000, hours=6.0),
        Replaced(7, by="T-2"),
        ClockUnset(3_600_000),
    )


TAG = {"id": "T", "lot": "L"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"id": "T"}, "give one of lot, place"),
        (TAG | {"place": "P"}, "give one of lot, place"),
        (TAG | {"id": ""}, "id is '': write a name"),
        (TAG | {"sensr": "sht40"}, "no field 'sensr': did you mean sensor?"),
        (TAG | {"sensor": "sht4"}, "sensor 'sht4' is not known: did you mean sht4"),
        (TAG | {"placement": "skin"}, "use one of air, surface, core"),
        (TAG | {"probe": "core"}, "has no probe: use ds18b20"),
        (TAG | {"voice": "morse"}, "voice 'morse' is not known"),
        (TAG | {"report": 600}, "write report: {interval_s: 600}"),
        (TAG | {"report": {"interval_s": 0}}, "interval_s is 0: write a number from 1 to 86400"),
        (TAG | {"report": {"sample_s": 700}}, "sample_s is 700: write a number from 1 to 600"),
        (TAG | {"report": {"change": {"light": 1}}}, "change has no field 'light'"),
        (TAG | {"report": {"sent": "yes"}}, "write true or false"),
        (TAG | {"charge": 2}, "charge is 2: write a number from 0 to 1"),
        (TAG | {"gateways": "gw"}, "write gateways: [a, b]"),
        (TAG | {"out_of_reach": [[5, 3]]}, "write out_of_reach: [[24, 96]]"),
        (TAG | {"faults": {"kind": "stuck"}}, "faults is a list"),
        (TAG | {"faults": [{"kind": "stuk", "from": 1}]}, "did you mean stuck?"),
        (TAG | {"faults": [{"kind": "stuck"}]}, "the fault stuck needs from"),
        (TAG | {"faults": [{"kind": "stuck", "from": 2, "to": 1}]}, "ends before it begins"),
        (TAG | {"faults": [{"kind": "stuck", "from": "noon"}]}, "from is 'noon': write a number"),
        (TAG | {"faults": [{"kind": "dying", "from": 1}]}, "the fault dying needs to"),
        (TAG | {"faults": [{"kind": "misbound", "from": 1}]}, "give one of lot, place"),
        (TAG | {"faults": [{"kind": "salted", "from": 1, "hour": 3}]}, "did you mean hours?"),
        (TAG | {"faults": [{"kind": "salted", "from": 1, "hours": 0}]}, "hours is over 0"),
        (TAG | {"faults": [{"kind": "spiking", "from": 1, "quantity": "light"}]},
         "quantity 'light' is not measured here: use one of temperature, humidity"),
        (TAG | {"faults": [{"kind": "stuck", "from": 1, "quantity": "pressure"}]}, "not measured"),
        (TAG | {"faults": [{"kind": "replaced", "from": 1, "by": "T/2"}]}, "by is 'T/2': a name"),
        (TAG | {"id": "T+"}, "id is 'T+': a name cannot have '+' in it"),
        (TAG | {"from": 5, "until": 5}, "until is 5, which is not after from: write a later one"),
        (TAG | {"out_of_reach": [[1, float("inf")]]}, "write out_of_reach: [[24, 96]]"),
        (TAG | {"out_of_reach": [[float("nan"), 3]]}, "write out_of_reach: [[24, 96]]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_tag_is_said_with_the_remedy(entry, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        declared.check("tags", entry)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "id is None: write a name"),
        ({"id": "g", "batch": 3600}, "did you mean batch_s?"),
        ({"id": "g", "heard_twice": 2}, "write a number from 0 to 1"),
        ({"id": "g", "per_message": 0}, "a message has a reading at least"),
        ({"id": "g", "dropouts": {"fail": 0.1}}, "did you mean fails?"),
    ],
)
def test_what_is_wrong_with_a_gateway_is_said_with_the_remedy(entry, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        declared.check("gateways", entry)


def test_the_page_has_every_sensor_fault_and_field():
    page = (Path(__file__).parents[2] / "docs" / "simulators" / "sensors.md").read_text()
    words = {*MODELS, *KINDS}
    words |= {
        {"begins": "from", "ends": "to"}.get(field.name, field.name)
        for kind in KINDS.values()
        for field in fields(kind)
    }
    words |= {*declared.TAG, *declared.REPORT, *declared.GATEWAY, *declared.DROPOUTS}
    words |= {*declared.LOGGER, *declared.READ_OUT, *declared.READER}
    assert {word for word in words if f"`{word}`" not in page and f"`{word}:" not in page} == set()


def test_an_error_has_the_line_of_its_tag(tmp_path):
    text = (HERE / "tags-gone-wrong.yaml").read_text(encoding="utf-8")
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace("kind: salted", "kind: sated"), encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "TA-2504" in row)
    with pytest.raises(JourneyError, match=rf"mine.yaml:{line}: .*did you mean salted\?"):
        journey.load(file, declared.check)
