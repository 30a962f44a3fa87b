"""What a seed makes of a journey: the same everywhere, plausible, and with the harm it is about."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from simulators.journey import JourneyError, library, named
from simulators.truth import DRY_CAVITY_G, DRY_G_M2, EVENTS, Truth, checksum, events_of
from simulators.truth_table import UNITS, Told, lines
from simulators.world import World
from tests.simulators.survey import HARMS

FROZEN = Path(__file__).parent / "truth_checksums.json"
SEEDS = (1, 2)
LONG = "coast-store-year"
SHORT = ("greensboro-miami-winter 1", "unwrapped-too-soon 2", "self-heating 1", "wet-dunnage 2")
HOUR = 3_600_000


@cache
def world(key, seed):
    return World(named(key), seed)


def truths(key, seed):
    found = world(key, seed)
    return [found.truth(lot.key) for lot in found.lots]


def names(key):
    return [f"{key} {seed}" for seed in (SEEDS[:1] if key == LONG else SEEDS)]


def checksums(several):
    return {name: checksum(truths(key, int(seed))) for name in several
            for key, seed in [name.split()]}  # fmt: skip


@pytest.mark.parametrize("key", library())
def test_the_truth_is_frozen(key):
    """`python -m tests.simulators.test_world` writes them anew, with a new `truth.VERSION`."""
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    assert checksums(names(key)) == {name: frozen[name] for name in names(key)}


def test_the_truth_is_the_same_on_a_processor_with_less():
    program = (
        "import json; from tests.simulators.test_world import SHORT, checksums;"
        "print(json.dumps(checksums(SHORT)))"
    )
    plain = {
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3",
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | plain, capture_output=True, text=True, check=True,
    )  # fmt: skip
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    assert json.loads(done.stdout) == {name: frozen[name] for name in SHORT}


@pytest.mark.parametrize("key", library())
def test_all_that_is_true_is_possible(key):
    found = world(key, 1)
    for lot, truth in zip(found.lots, truths(key, 1), strict=True):
        assert len(truth.time) == len(found.times) == round(found.journey.days * 288)
        for name in ("air_temperature", "surface_temperature", "core_temperature"):
            column = getattr(truth, name)
            assert -45 < column.min() <= column.max() < 80, name
        for name in ("air_humidity", "surface_humidity"):
            column = getattr(truth, name)
            assert 1 < column.min() <= column.max() <= 100.001, name
        assert (truth.film >= 0).all()
        assert truth.film.max() <= 400
        assert (np.diff(truth.wet_hours) >= 0).all()
        assert np.isnan(truth.mould_index).all() == (lot.form == "ingot")
        assert truth.scale_mass[0] == pytest.approx(lot.net_mass, rel=0.002)
        if lot.form == "ingot":
            assert (truth.scale_mass - truth.held) == pytest.approx(lot.net_mass, rel=1e-12)
            assert (truth.held >= 0).all()
        assert np.abs(np.diff(truth.scale_mass)).max() < 0.01 * lot.net_mass


def test_nothing_happens_on_the_calm_journey_whatever_the_seed():
    for seed in range(20):
        found = world("calm", seed)
        for lot in found.lots:
            assert found.events(lot.key) == [], (seed, lot.key)


QUICK = [
    "door-left-open", "greensboro-miami-winter", "rain-at-loading", "self-heating", "wet-dunnage",
]  # fmt: skip
"""The others: ``python -m tests.simulators.survey``."""


@pytest.mark.parametrize("key", QUICK)
def test_the_named_harm_comes_with_most_seeds_and_not_with_all(key):
    harm = HARMS[named(key).harm]
    hit = [
        any(harm(e) for lot in world(key, seed).lots for e in world(key, seed).events(lot.key))
        for seed in range(8)
    ]
    assert 0.4 * len(hit) <= sum(hit) < len(hit)


def test_waiting_before_unwrapping_keeps_lead_dry():
    at_once, later = Counter(), Counter()
    for seed in range(8):
        found = world("unwrapped-too-soon", seed)
        at_once["sweats"] += bool(found.events("LB-24161"))
        later["sweats"] += bool(found.events("LB-24162"))
    assert at_once["sweats"] >= 3
    assert later["sweats"] == 0


def test_the_same_seed_is_the_same_world_whenever_it_starts():
    one = World(named("unwrapped-too-soon"), 5)
    other = World(named("unwrapped-too-soon"), 5, start_ms=one.start_ms + 777 * HOUR)
    mine, theirs = one.truth("LB-24161"), other.truth("LB-24161")
    assert (theirs.time - mine.time == 777 * HOUR).all()
    assert (mine.surface_temperature == theirs.surface_temperature).all()
    assert (mine.film == theirs.film).all()


def test_half_the_step_tells_the_same_events():
    key = "greensboro-miami-winter"
    fine = World(named(key), 1, step_s=10.0)
    for lot in fine.lots:
        mine, theirs = world(key, 1).truth(lot.key), fine.truth(lot.key)
        assert np.abs(mine.surface_temperature - theirs.surface_temperature).max() < 0.1
        assert np.abs(mine.film - theirs.film).max() < 5.0
        events = [[e.kind for e in events_of(truth) if e.peak > 8] for truth in (mine, theirs)]
        assert events[0] == events[1]


def test_a_tag_is_in_the_climate_of_where_it_sits():
    found = world("greensboro-miami-winter", 1)
    tags = {tag.key: tag for tag in found.tags}
    times = found.start_ms + np.arange(0, 7 * 24) * HOUR
    air, surface = (found.climate(tags[key], times) for key in ("TA-001", "TS-002"))
    truth = found.truth("LB-24101")
    assert air.temperature == pytest.approx(np.interp(times, truth.time, truth.air_temperature))
    metal = np.interp(times, truth.time, truth.surface_temperature)
    assert surface.temperature == pytest.approx(metal)
    assert surface.humidity.max() == pytest.approx(100.0, abs=0.1)  # it sweats
    assert air.pressure.min() > 950
    assert air.probe is None


def test_a_tag_under_the_roof_is_warmer_by_day_and_colder_by_night():
    found = world("wet-dunnage", 1)
    roof = next(tag for tag in found.tags if tag.position == "roof")
    times = found.times[::12]
    up = found.climate(roof, times)
    place = found.place(roof.place)
    apart = up.temperature - np.interp(times, found.times, place["temperature"])
    assert apart.max() > 2
    assert apart.min() < -0.3


def plain_truth(**columns):
    n = len(next(iter(columns.values())))
    dry = np.full(n, 20.0)
    given = dict.fromkeys(Truth.__dataclass_fields__, dry)
    given |= {name: np.zeros(n) for name in (
        "film", "frost", "cavity", "held", "wet_hours", "self_heating", "rained", "dripped",
        "mould_index", "surface_regain",
    )}  # fmt: skip
    given |= {"time": np.arange(n) * 300_000, "place": np.array(["bay"] * n), "hottest": dry}
    given |= columns
    given["wet"] = given["film"] >= 5
    return Truth(**given)


def test_a_film_counts_from_five_grams_for_half_an_hour():
    film = np.zeros(100)
    film[10:15] = 50.0  # 25 minutes
    film[20:26] = 4.9
    film[30:36] = 5.0  # 30 minutes
    film[90:] = 80.0  # to the end
    events = [e for e in events_of(plain_truth(film=film)) if e.kind == "film"]
    assert [(e.begins, e.ends) for e in events] == [
        (30 * 300_000, 36 * 300_000),
        (27_000_000, None),
    ]
    assert [e.peak for e in events] == [5.0, 80.0]
    assert {e.cause for e in events} == {"sweat"}


def test_a_film_of_rain_or_drips_is_told_apart():
    film, rained, dripped = np.zeros(100), np.zeros(100), np.zeros(100)
    film[10:30], film[50:70] = 60.0, 20.0
    rained[10:] = 100.0
    dripped[50:] = 15.0
    events = [
        e for e in events_of(plain_truth(film=film, rained=rained, dripped=dripped))
        if e.kind == "film"
    ]  # fmt: skip
    assert [e.cause for e in events] == ["rain", "drip"]


def test_a_films_cause_is_what_fell_since_the_lot_was_last_dry():
    none = np.zeros(60)
    # Drop by drop: 1 g/m² between two instants, when it has come to 5.
    slow = np.minimum(np.arange(60) * 1.0, 5.2)
    # Rain that froze on it, and melts.
    frost, thawed, rained = np.zeros(60), np.zeros(60), np.zeros(60)
    frost[5:30], thawed[30:40], rained[5:] = 20.0, 20.0, 20.0
    # Rain of long ago that dried, then sweat.
    sweat, past = np.zeros(60), np.full(60, 90.0)
    sweat[1:3], sweat[30:] = 40.0, 40.0
    # What lay on it at the start had fallen before.
    lying, before = np.full(60, 40.0), np.full(60, 90.0)
    for film, ice, rain, drips, causes in (
        (slow, none, none, slow, ["drip"]),
        (thawed, frost, rained, none, ["rain"]),
        (sweat, none, past, none, ["sweat"]),
        (lying, none, before, none, ["rain"]),
    ):
        found = events_of(plain_truth(film=film, frost=ice, rained=rain, dripped=drips))
        assert [e.cause for e in found if e.kind == "film"] == causes


def test_other_events_have_their_limits():
    n = 600
    mould = np.linspace(0, 2, n)
    hot = np.full(n, 41.0)
    humid = np.full(n, 61.0)
    wool = plain_truth(mould_index=mould, surface_regain=np.full(n, 23.0))
    assert [e.kind for e in events_of(wool)] == ["damp", "mould"]
    assert events_of(wool)[1].begins == wool.time[np.argmax(mould >= 1)]
    metal = plain_truth(
        mould_index=np.full(n, np.nan), surface_temperature=hot, surface_humidity=humid
    )
    assert [e.kind for e in events_of(metal)] == ["hot_damp"]
    held = plain_truth(
        mould_index=np.full(n, np.nan), cavity=np.full(n, 2.0), held=np.linspace(0.008, 0.005, n)
    )
    assert [(e.kind, e.peak) for e in events_of(held)] == [("unfit", 0.008)]
    assert {e.kind for e in events_of(held)} < set(EVENTS)
    dry = plain_truth(
        mould_index=np.full(n, np.nan), cavity=np.full(n, DRY_CAVITY_G), film=np.full(n, DRY_G_M2)
    )
    assert events_of(dry) == []


def test_the_table_names_what_it_is_and_its_units():
    found = world("unwrapped-too-soon", 1)
    told = {lot.key: found.truth(lot.key) for lot in found.lots}
    table = list(lines([Told("unwrapped-too-soon", 1, told)]))
    assert table[0].startswith("# truth of journey unwrapped-too-soon, seed 1, version 2, sha256 ")
    assert table[0].endswith(checksum(told.values()))
    heads = table[1].split(",")
    assert heads[:5] == ["journey", "lot", "time", "place", "air_temperature [°C]"]
    assert len(heads) == 4 + len(UNITS)
    assert len(table) == 2 + 2 * len(found.times)
    row = dict(zip(heads, table[2].split(","), strict=True))
    assert row["time"] == "2026-01-20T00:05:00Z"
    assert row["mould_index [0-6]"] == ""
    assert float(row["scale_mass [kg]"]) == pytest.approx(4040, abs=1)


@pytest.mark.parametrize("leak", [1e308, float("nan")])
def test_what_has_no_finite_state_is_told_with_journey_place_and_time(leak):
    found = World(named("rain-at-loading"), 1, start_ms=1_790_000_000_000)
    truck = next(i for i, place in enumerate(found.journey.places) if place.key == "truck-NC150")
    places = list(found.journey.places)
    places[truck] = replace(places[truck], leak=leak)
    found.journey = replace(found.journey, places=tuple(places))
    told = (
        r"rain-at-loading\.yaml:39: journey rain-at-loading, seed 1: from 2026-09-19 14:13 UTC on "
        r"\(-48.0 h after the start\) what is in truck-NC150 has no finite state: bring"
    )
    with pytest.raises(JourneyError, match=told):
        found.events("LB-24151")


def test_a_lot_and_a_grid_that_there_is_not():
    found = world("unwrapped-too-soon", 1)
    with pytest.raises(KeyError, match=r"there is no lot 'X': use one of LB-24161, LB-24162"):
        found.truth("X")
    with pytest.raises(ValueError, match="a grid of 70 s is no multiple of steps of 20 s"):
        World(named("calm"), 1, grid_s=70)


def main():
    found = checksums([name for key in library() for name in names(key)])
    FROZEN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
