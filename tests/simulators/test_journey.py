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
from simulators.climate import STATIONS, NotHere
from simulators.climate.measured import FOLDER_VARIABLE
from simulators.journey import JourneyError, drawn, library, load, named
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
  - {id: T-1, lot: L-1, placement: surface, sensor: sht40, report: {interval_s: 600}, faults: [{kind: stuck, at: 3}]}
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
    found = {
        kind: [KINDS[kind].model_validate(record) for record in records]
        for kind, records in world.records().items()
    }
    assert list(found) == list(KINDS)
    assert {binding.tag for binding in found["bindings"]} == {tag.key for tag in world.tags}
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

    journey = load(write(SMALL), check)
    assert journey.tags[0]["faults"] == [{"kind": "stuck", "at": 3}]
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
    ],
)  # fmt: skip
def test_an_error_names_the_line_and_the_remedy(write, old, new, told):
    assert old in SMALL
    with pytest.raises(JourneyError, match=told):
        load(write(SMALL.replace(old, new, 1)))


def test_a_file_that_is_not_there_or_no_mapping(tmp_path, write):
    with pytest.raises(JourneyError, match=r"gone\.yaml:1: it cannot be read"):
        load(tmp_path / "gone.yaml")
    with pytest.raises(JourneyError, match=r"small\.yaml:1: a journey is a list of fields"):
        load(write("- a\n- b\n"))
    with pytest.raises(ValueError, match=r"there is no journey 'nowhere': use one of calm, "):
        named("nowhere")


def test_bindings_end_where_the_file_says(write):
    told = World(load(write(SMALL)), 1).records()["bindings"]
    assert told[0]["lot"] == "L-1"
    assert told[1] == {
        "id": "T-2-1", "tag": "T-2", "placement": "air", "place": "bay",
        "begins": "2026-03-01T17:00:00Z", "ends": "2026-03-01T21:00:00Z",
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
