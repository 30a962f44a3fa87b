"""Journeys as their tags tell them: the same everywhere, all of it, and as it was registered."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from simulators import journey
from simulators.journey import JourneyError
from simulators.registration import apart, corrections, records, renamed
from simulators.sensors import declared
from simulators.voices import VOICES
from simulators.voyage import hear, hung_in, speakers, spoken, wrongs
from simulators.world import World

SHORT = "unwrapped-too-soon"
START = 1_790_000_000_000
HOUR = 3_600_000
ROOT = Path(__file__).parents[2]

CHECKSUM = "66fc0221d7d6a662b100759d6a8d749f4aed2b9a1f563dd8a15b1a65a611150b"
"""SHA-256 of all that the tags of ``tags-gone-wrong``, seed 1, publish from START on. It changes
with the physics, the sensors, the radio, the native voice or the journey: then freeze it anew."""


@cache
def world(key="tags-gone-wrong", seed=1, start=START):
    return World(journey.named(key, declared.check), seed, start_ms=start)


@cache
def heard(key="tags-gone-wrong", seed=1, start=START):
    here = world(key, seed, start)
    return tuple(hear(here, tag) for tag in hung_in(here))


def of(tag):
    return next(each for each in heard() if each.made.device.tag == tag)


def checksum(of_all):
    digest = hashlib.sha256()
    for message in spoken(of_all, speakers((each.hung for each in of_all), "t")):
        digest.update(f"{message.at} {message.topic} ".encode() + message.payload + b"\n")
    return digest.hexdigest()


def test_all_that_is_published_is_the_same_on_every_machine():
    assert checksum(heard()) == CHECKSUM


def test_and_on_an_older_processor():
    # What this machine does not have anyway numpy warns of.
    without = "X86_V4 X86_V3"
    script = "from tests.simulators.test_voyage import checksum, heard; print(checksum(heard()))"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NPY_DISABLE_CPU_FEATURES": without}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stdout.strip() == CHECKSUM, done.stderr


def test_another_seed_is_another_journey():
    assert checksum(heard(SHORT, seed=2)) != checksum(heard(SHORT))


def test_another_start_is_the_same_journey_at_another_time():
    later = 7 * 24 * HOUR
    for one, other in zip(heard(SHORT), heard(SHORT, start=START + later), strict=True):
        np.testing.assert_array_equal(other.made.at, one.made.at + later)
        for quantity, column in one.made.readings.values.items():
            np.testing.assert_array_equal(other.made.readings.values[quantity], column)


def test_what_arrives_is_what_was_made_less_what_the_truth_says_is_missing():
    missing = {
        (w.tag, w.fault): w.detail for w in wrongs(world(), heard())
        if w.fault in ("overflowed", "unheard")
    }  # fmt: skip
    assert ("TP-2513", "overflowed") in missing
    for each in heard():
        arrived = {(b, s) for a in each.sent.arrivals
                   for b, s in zip(a.readings.boot.tolist(), a.readings.seq.tolist(), strict=True)
                   }  # fmt: skip
        lost = len(each.sent.lost) + len(each.sent.kept)
        assert len(arrived) == len(each.made.at) - lost
        told = [detail for (tag, _), detail in missing.items() if tag == each.made.device.tag]
        assert sum(int(detail.split()[0]) for detail in told) == lost


def test_the_truth_names_every_fault_that_is_declared():
    found = Counter(wrong.fault for wrong in wrongs(world(), heard()))
    asked = {f["kind"] for entry in world().journey.tags for f in entry.get("faults", ())}
    assert asked <= set(found)
    assert found["one_for_all"] == 1
    shared = next(w for w in wrongs(world(), heard()) if w.tag == "TP-2514")
    assert "LB-25005, LB-25006" in shared.detail


def test_a_batch_is_bound_wrongly_and_put_right_later():
    first = {row["tag"]: row for row in records(world(), hung_in(world()), "t")["bindings"]}
    assert (first["TA-2507"]["lot"], first["TA-2508"]["lot"]) == ("WS-8502", "WS-8501")
    (correction,) = corrections(world(), hung_in(world()), "t")
    assert correction.at == START + 36 * HOUR
    assert {(row["id"], row["lot"]) for row in correction.records} == {
        ("TA-2507-1", "WS-8501"), ("TA-2508-1", "WS-8502"),
    }  # fmt: skip


def test_a_tag_is_replaced_by_another_that_hangs_where_it_did():
    old, new = of("TA-2506"), of("TA-2516")
    assert old.made.at[-1] < START + 200 * HOUR
    assert new.made.at[0] >= START + 205 * HOUR
    assert (old.hung.tag.lot, new.hung.tag.lot) == ("LB-25003", "LB-25003")
    rows = {row["tag"]: row for row in records(world(), hung_in(world()), "t")["bindings"]}
    assert rows["TA-2506"]["ends"] < rows["TA-2516"]["begins"]


def test_a_tag_at_sea_is_heard_when_it_is_back_newest_first():
    here = world("sand-point-miami-sea")
    leg = next(leg for s in here.journey.shipments for leg in s.legs if leg.offline)
    away, back = (here.start_ms + round(h * HOUR) for h in (leg.departs, leg.arrives))
    each = next(e for e in heard("sand-point-miami-sea") if e.made.device.tag == "TS-102")
    assert not [a for a in each.sent.arrivals if away + 10_000 < a.at < back]
    backlog = [a for a in each.sent.arrivals if back <= a.at < back + HOUR]
    newest = [int(a.readings.t[-1]) for a in backlog]
    assert len(newest) > 10
    assert np.mean(np.diff(newest) < 0) > 0.6


@pytest.mark.parametrize("voice", VOICES)
def test_every_voice_can_tell_a_journey(voice):
    here = world(SHORT)
    tags = hung_in(here, VOICES[voice])
    told = [hear(here, tag) for tag in tags[:1]]
    messages = list(spoken(told, speakers(tags, "t")))
    arrived = sum(len(a.readings) for each in told for a in each.sent.arrivals)
    assert 0 < sum(message.readings for message in messages) <= arrived
    assert [m.at for m in messages] == sorted(m.at for m in messages)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[gw-hourly]", "[gw-hurly]", "there is no gateway 'gw-hurly': use one of gw-gate, gw-"),
        ("to: 36, lot: WS-8502", "to: 36, lot: WS-9", "there is no lot 'WS-9'"),
        ("by: TA-2516", "by: TA-2501", "TA-2501 is there twice: give one of them another id"),
        ("place: greensboro-bay-3, sensor", "place: bay-3, sensor", "there is no place 'bay-3'"),
    ],
)
def test_what_a_tag_names_has_to_be_there(tmp_path, old, new, said):
    text = (Path(journey.__file__).parent / "journeys" / "tags-gone-wrong.yaml").read_text()
    assert old in text
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    lines = text[: text.index(old)].splitlines()
    first = max(n for n, line in enumerate(lines, 1) if line.startswith("  - {id"))
    with pytest.raises(JourneyError, match=rf"mine\.yaml:{first}: tags\.\d+: {said}"):
        journey.load(file, declared.check)


def test_half_of_the_library_is_told_by_more_than_one_kind_of_device():
    """Other voices, gateways, readers, loggers, or faults: each where the story has it."""
    found = [world(key).journey for key in journey.library()]
    others = [j for j in found if any(tag.get("voice", "native") != "native" for tag in j.tags)]
    ways = [j for j in found if any(tag.get("gateways") for tag in j.tags)]
    wrong = [j for j in found if any(tag.get("faults") for tag in j.tags)]
    for several in (others, ways, wrong):
        assert len(several) >= len(found) / 3
    varied = {j.key for several in (others, ways, wrong) for j in several}
    assert len(varied) >= len(found) / 2
    assert len([j for j in found if j.readers]) >= 2
    assert [j for j in found if j.loggers]
    spoken_there = {tag.get("voice", "native") for j in found for tag in j.tags}
    assert spoken_there >= {"ruuvi", "sparkplug", "mapped", "senml-json", "chirpstack-milesight"}
    assert "calm" not in varied  # whoever raises an alarm there raises it wrongly


@pytest.mark.parametrize("key", ["calm", "door-left-open", "reefer-set-wrong"])
def test_two_journeys_in_one_registry_share_no_place(key):
    """Each has a bay 1 in Greensboro, heated, cooled or open as its own file says."""
    keys = (key, "frost-and-thaw", "tags-gone-wrong")
    known = {k: records(world(k), hung_in(world(k)), "t") for k in keys}
    names = apart(known)
    told = {k: {kind: renamed(kind, rows, names[k]) for kind, rows in of.items()}
            for k, of in known.items()}  # fmt: skip
    places = [row["id"] for of in told.values() for row in of["places"]]
    assert len(set(places)) == len(places)
    assert f"{key}.greensboro-bay-1" in places
    assert "greensboro-shed" in places  # nobody else has it
    sites = {row["id"]: row for of in told.values() for row in of["sites"]}
    assert set(sites) <= {"greensboro", "miami"}  # all say the same of them
    for of in told.values():
        mine = {row["id"] for row in of["places"]}
        assert {row["place"] for row in of["moves"]} <= mine
        assert {row["place"] for row in of["bindings"] if "place" in row} <= mine
        assert {leg["place"] for row in of["shipments"] for leg in row["legs"]} <= mine
        parties = {row["id"] for row in of["parties"]}
        assert {row["customer"] for row in of["lots"]} <= parties
    limits = [row for of in told.values() for row in of["parties"] if "temperature_min" in row]
    assert [row["id"] for row in limits] == (
        ["reefer-set-wrong.harbor-mills"] if key == "reefer-set-wrong" else []
    )
