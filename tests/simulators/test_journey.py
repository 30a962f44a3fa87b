"""Journeys' files: the library, what a seed draws, and errors that name file, line and remedy."""

import re

import numpy as np
import pytest

from lots.records import (
    BindingRecord,
    HoldRecord,
    LotRecord,
    MoveRecord,
    PartyRecord,
    PlaceRecord,
    ShipmentRecord,
    SiteRecord,
    TagRecord,
)
from simulators import registration
from simulators.climate import STATIONS, NotHere
from simulators.climate.measured import FOLDER_VARIABLE
from simulators.journey import JourneyError, drawn, library, load, named
from simulators.journeys.model import When
from simulators.sensors import declared
from simulators.voyage import hung_in
from simulators.world import World

KINDS = {
    "sites": SiteRecord, "places": PlaceRecord, "parties": PartyRecord, "tags": TagRecord,
    "lots": LotRecord, "bindings": BindingRecord, "moves": MoveRecord,
    "shipments": ShipmentRecord, "holds": HoldRecord,
}  # fmt: skip

SMALL = """\
title: A small one
kind: test
harm: none
starts: 03-01 12
days: 2
sites:
  here: {name: Here, latitude: 36, longitude: -80, region: temperate, timezone: UTC, climate: greensboro}
places:
  bay: {kind: bay, name: Bay, site: here, box: hall, leak: {between: [0.5, 2]}}
  van: {kind: vehicle, name: Van, box: van}
parties:
  buyer: {name: Buyer}
lots:
  L-1:
    form: ingot
    packaging: strapped
    packages: 2
    net_mass_kg: 2000
    customer: buyer
    stands: [{place: bay}]
shipments:
  S-1:
    customer: buyer
    vehicle: van
    lots: [L-1]
    legs: [{mode: truck, from: here, to: here, departs: 10, takes: {between: [2, 6]}}]
    unloads: {place: bay, after: 1}
tags:
  - {id: T-1, lot: L-1, placement: surface, sensor: sht40, report: {interval_s: 600}, faults: [{kind: stuck, from: 3}]}
  - {id: T-2, place: bay, from: 5, until: 9}
"""  # noqa: E501


@pytest.fixture
def write(tmp_path):
    def written(text, name="small"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_the_library_has_journeys_of_many_kinds_each_commented():
    keys = library()
    assert len(keys) >= 16
    journeys = [named(key) for key in keys]
    assert len({journey.kind for journey in journeys}) >= 14
    assert len({journey.title for journey in journeys}) == len(journeys)
    for journey in journeys:
        assert journey.source.startswith("# "), journey.key
        assert re.search(r"between", journey.source), journey.key
        assert {site.climate for site in journey.sites} <= set(STATIONS), journey.key
        assert journey.tags, journey.key
        for lot in journey.lots:
            assert lot.references["purchase_order"], lot.key


@pytest.mark.parametrize("key", library())
def test_the_registry_takes_a_journeys_records(key):
    world = World(named(key), 3)
    tags = hung_in(world)
    found = {
        kind: [KINDS[kind].model_validate(record) for record in records]
        for kind, records in registration.records(world, tags, "t").items()
    }
    assert set(found) == set(KINDS)
    known = {tag.id for tag in found["tags"]}
    assert {binding.tag for binding in found["bindings"]} == known
    assert known == {each.called("t") for each in tags}
    for kind, records in found.items():
        ids = [record.id for record in records]
        assert len(set(ids)) == len(ids), kind
    moved = {move.lot for move in found["moves"]}
    assert moved == {lot.key for lot in world.lots}


def test_a_seed_draws_what_the_file_leaves_open_and_nothing_else(write):
    journey = load(write(SMALL))
    bay, leg = journey.places[0], journey.shipments[0].legs[0]
    assert (bay.leak, leg.arrives) == (1.25, 14.0)  # as loaded: the middles
    one, again, other = drawn(journey, 1), drawn(journey, 1), drawn(journey, 2)
    assert one == again
    assert one.places[0].leak != other.places[0].leak
    assert 0.5 < one.places[0].leak < 2
    assert 12 < one.shipments[0].legs[0].arrives < 16
    assert one.shipments[0].unloads == one.shipments[0].legs[0].arrives + 1
    assert one.lots == other.lots
    spread = [drawn(journey, seed).places[0].leak for seed in range(40)]
    assert 0.3 < np.std(spread) < 0.55  # uniform: 0.43


def test_what_belongs_to_the_tags_is_passed_on_and_judged_by_who_knows(write):
    heard = []

    def check(kind, entry):
        heard.append((kind, dict(entry)))
        if entry.get("sensor") == "none":
            raise ValueError("there is no sensor 'none': use one of sht40, sht45")
        return ()

    journey = load(write(SMALL), check)
    assert journey.tags[0]["faults"] == [{"kind": "stuck", "from": 3}]
    assert [kind for kind, _ in heard] == ["tags", "tags"]
    with pytest.raises(JourneyError, match=r"small\.yaml:29: tags\.0: there is no sensor 'none'"):
        load(write(SMALL.replace("sensor: sht40", "sensor: none")), check)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("box: hall", "box: hal", r":9: places\.bay: box 'hal' is not known: did you mean hall\?"),
        ("days: 2", "days: two", r":5: days is not a number: write 3.5 or {between: \[3, 4\]}"),
        ("days: 2", "days: 0", r":5: days is 0, but is between 0.5 and 400"),
        ("days: 2", "day: 2", r":1: days is missing: add it"),
        ("harm: none", "harm: none\nharms: x", r":4: there is no field 'harms' here: did you mean"),
        ("starts: 03-01 12", "starts: 3rd", r":4: '3rd' is no start: write month-day"),
        ("[0.5, 2]", "[2, 0.5]", r":9: .*leak is between 0 and 100, the lower end first"),
        ("[0.5, 2]", "[0.5]", r":9: .*leak is not a number: write 3.5 or"),
        ("customer: buyer\n    stands", "customer: nobody\n    stands",
         r":15: lots\.L-1: there is no party 'nobody': use one of buyer"),
        ("stands: [{place: bay}]", "stands: [{place: cave}]", r"there is no place 'cave'"),
        ("stands: [{place: bay}]", "stands: [{place: bay, at: 5}]", r"stands nowhere at the start"),
        ("stands: [{place: bay}]", "stands: [{place: bay, since: S-1 comes}]",
         r":20: .*'S-1 comes': write a shipment and loads, departs"),
        ("lots: [L-1]", "lots: [L-2]", r"shipments\.S-1: there is no lot 'L-2': use one of L-1"),
        ("net_mass_kg: 2000", "net_mass_kg: 20", r":18: .*a package has at least 100 kg"),
        ("sites:", "sites: [", r": this is no YAML: "),
        ("form: ingot", "form: scoured", r"lots\.L-1: regain_pct is missing: add it"),
        # What would be found out later, if at all, in the middle of the physics or the registry.
        ("stands: [{place: bay}]", "stands: [{place: bay, since: S-9 loads}]",
         r":15: lots\.L-1: there is no event 'S-9 loads': use one of S-1 arrives, S-1 departs"),
        ("from: 3}", "from: 3, since: S-9 loads}", r":29: tags\.0: there is no event 'S-9 loads'"),
        ("from: 3}", "from: 3, since: S-1 sinks}", r":29: tags\.0: there is no event 'S-1 sinks'"),
        ("lot: L-1,", "lot: L-9,", r":29: tags\.0: there is no lot 'L-9': use one of L-1"),
        ("id: T-2", "id: T-1", r":30: tags\.1: T-1 is there twice: give one of them another id"),
        ("id: T-2", "id: T/2", r":30: tags\.1: id is 'T/2': a name cannot have '/' in it"),
        ("L-1:", "L+1:", r":14: lots: 'L\+1': a name cannot have '\+' in it"),
        ("until: 9", "until: 4", r":30: tags\.1: until is 4, which is not after from"),
        ("until: 9", "out_of_reach: [[1, .inf]]", r":30: .*out_of_reach is spans of hours"),
        ("from: 3}", "from: 3, quantity: light}", r":29: .*quantity 'light' is not measured here"),
        ("from: 3}", "from: 3, quantity: probe}", r":29: .*use one of temperature, humidity"),
        ("kind: stuck", "kind: salted, hours: 0", r":29: .*the fault salted takes time: hours is"),
        ("days: 2", f"days: 1{'0' * 400}", r":5: days is inf, but is between 0.5 and 400"),
        ("sensor: sht40", "sensor: [sht40]", r":29: .*sensor \['sht40'\] is not known"),
        ("days: 2", "days: !foo 2", r":5: .*could not determine a constructor.*: write a text"),
        ("sensor: sht40", "sensor: !foo sht40", r":29: .*could not determine a constructor"),
        ("days: 2", "days: 2026-13-45", r":5: .*: put it in quotes if it is a text"),
        ("A small one", "A \x07 one", r":1: the character U\+0007 cannot stand in YAML: take it"),
        ("A small one", '"A \\x07 one"', r":1: title is 'A \\x07 one': write a text, without"),
        ("days: 2", "days: 2\ndays: 3", r":6: days is there twice, in line 5 too: take one out"),
        ("until: 9", "until: 9, until: 8", r":30: until is there twice, in line 30 too"),
        ("box: hall", "box: hall, climate_control: {air_w_m2k: 0}",
         r":9: .*air_w_m2k is 0, but is between 0.1 and 100"),
        ("box: hall", "box: hall, climate_control: {heater_kw: -5}", r"heater_kw is -5, but is"),
        ("box: hall", "box: hall, temperature_c: 400", r"temperature_c is 400, but is between -60"),
        ("timezone: UTC", "timezone: Mars", r":7: .*'Mars' is no time zone: write one such as"),
        ("box: van", "box: van, site: here", r":10: .*it travels, and has no site of its own"),
        ("vehicle: van", "vehicle: bay", r":9: .*it is a vehicle or a container"),
        ("{name: Buyer}", "{name: Buyer, humidity_min: 60, humidity_max: 40}",
         r":12: .*humidity_max is not above humidity_min"),
    ],
)  # fmt: skip
def test_an_error_names_the_line_and_the_remedy(write, old, new, told):
    assert old in SMALL
    with pytest.raises(JourneyError, match=told):
        load(write(SMALL.replace(old, new, 1)), declared.check)


@pytest.mark.parametrize("part", ["sites", "lots", "places"])
def test_a_journey_without_the_things_it_is_about_is_none(write, part):
    text = re.sub(rf"(?m)^{part}:\n(  .*\n)+", "", SMALL)
    text = re.sub(r"(?m)^(shipments|tags):\n(  .*\n)+", "", text)
    text = re.sub(r"(?m)^lots:\n(  .*\n)+", "", text) if part == "places" else text
    with pytest.raises(JourneyError, match=rf"small\.yaml:1: there are no {part}: a journey has"):
        load(write(text))


def test_an_event_that_there_is_not_is_no_riddle_to_a_program(write):
    journey = load(write(SMALL))
    with pytest.raises(ValueError, match="there is no S-9 loads: write a shipment and one of"):
        journey.hours(When(1.0, ("S-9", "loads")))
    with pytest.raises(ValueError, match="there is no S-1 sinks: write a shipment and one of"):
        journey.hours(When(1.0, ("S-1", "sinks")))


def test_a_file_that_is_not_there_or_no_mapping(tmp_path, write):
    with pytest.raises(JourneyError, match=r"gone\.yaml:1: it cannot be read"):
        load(tmp_path / "gone.yaml")
    with pytest.raises(JourneyError, match=r"small\.yaml:1: a journey is a list of fields"):
        load(write("- a\n- b\n"))
    with pytest.raises(ValueError, match=r"there is no journey 'nowhere': use one of calm, "):
        named("nowhere")


def test_bindings_end_where_the_file_says(write):
    world = World(load(write(SMALL), declared.check), 1)
    told = registration.records(world, hung_in(world), "t")["bindings"]
    assert told[0]["lot"] == "L-1"
    assert told[1] == {
        "id": "T-2-1", "tag": "T-2", "placement": "air", "place": "bay",
        "begins": "2026-03-01T17:00:00.000Z", "ends": "2026-03-01T21:00:00.000Z",
    }  # fmt: skip


def test_a_journey_runs_in_a_climate_that_was_measured_where_it_is(write, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    journey = load(write(SMALL.replace("climate: greensboro", "climate: barn")))
    with pytest.raises(NotHere, match=r"'barn' is not carried and .*barn\.csv does not exist: set"):
        World(journey, 1).truth("L-1")
    hours = np.arange(np.datetime64("2024-02-20", "h"), np.datetime64("2024-03-04", "h"))
    rows = [f"{hour}:00:00Z,{5 + i % 24 / 4},80" for i, hour in enumerate(hours)]
    (tmp_path / "barn.csv").write_text("\n".join(["time,temperature_c,humidity_pct", *rows]))
    truth = World(journey, 1).truth("L-1")
    assert 4 < truth.air_temperature.min() < truth.air_temperature.max() < 12
    (tmp_path / "barn.csv").write_text("\n".join(["time,temperature_c,humidity_pct", *rows[:250]]))
    with pytest.raises(ValueError, match=r"'barn' is of 2024-02-20 to .* has no 2 days from 03-01"):
        World(journey, 1).truth("L-1")
