"""`dunnage rules explain`, as it is typed, over readings that are stored."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from lots.clock import HOUR_MS, Clock
from lots.readings.batch import TagKey, of_tag
from lots.readings.open import open_store
from tests.cli.shell import Shell

SITES = b"id,name,latitude,longitude,timezone,region\nM,M,25.8,-80.3,UTC,coastal_humid\n"
PLACES = b"id,site,kind,name\nBAY,M,bay,Bay 1\n"
LOTS = b"""id,commodity,form,net_mass_kg,packages,packaging
PB,lead,ingot,1000,1,strapped
WO,wool,greasy,1000,5,bale_nylon
"""
TAGS = b"id,interval_s\nT1,600\nT2,600\n"

PACK = """\
pack: mine
applies_to: {commodity: lead}
limits:
  damp: {value: 70, unit: "%RH", about: "of the air"}
overlays:
  - for: {region: coastal_humid}
    limits: {damp: 60}
derived:
  spread: {value: damp - humidity, unit: "%RH", about: "room"}
rules:
  my.damp:
    title: "{lot} is damp"
    when: spread < 0 and temperature > 10
    clear: humidity < 50
    for: 2 h
    severity: warning
    steps:
      - {severity: critical, when: humidity > 95, clear: humidity < 90}
    action: "Close the doors."
    based_on: b
  my.core:
    title: "the core of {lot} is warm"
    when: core > 30
    clear: core < 25
    severity: warning
    action: "Look."
    based_on: b
  my.way:
    title: "{lot} is cold on its way"
    when: temperature < 30
    clear: temperature > 31
    severity: info
    phases: [in_transit]
    action: "Look."
    based_on: b
  my.stuck:
    title: "{stuck_tag} of {lot} is stuck"
    when: stuck_tag > 0
    clear: stuck_tag <= 0
    severity: info
    action: "Look."
    based_on: b
  my.quiet:
    title: "{lot} is silent"
    silent_intervals: 4
    severity: warning
    action: "Look."
    based_on: b
"""


@pytest.fixture
def store(shell: Shell) -> Shell:
    """Lots in a bay, with a tag in the air of each, and rules of one's own."""
    begins = (Clock().now_ms() - 100 * HOUR_MS) // 1000 * 1000
    since = np.datetime64(begins, "ms")
    moves = f"lot,at,place\nPB,{since}Z,BAY\nWO,{since}Z,BAY\n"
    bindings = f"tag,lot,placement,begins\nT1,PB,air,{since}Z\nT2,WO,air,{since}Z\n"
    for kind, data in (
        ("sites", SITES),
        ("places", PLACES),
        ("lots", LOTS),
        ("tags", TAGS),
        ("moves", moves.encode()),
        ("bindings", bindings.encode()),
    ):
        shell.says("import", kind, "-", given=data)
    (shell.folder / "packs").mkdir()
    (shell.folder / "packs" / "mine.yaml").write_text(PACK)
    shell.environment["DUNNAGE_PACKS"] = str(shell.folder / "packs")
    return shell


def measured(shell: Shell, *humidity: float, ago_h: float = 0.1) -> None:
    """By the hour, the last of them so long ago."""
    last = Clock().now_ms() - round(ago_h * HOUR_MS)
    at = last - HOUR_MS * np.arange(len(humidity) - 1, -1, -1)
    values = {"temperature": np.full(len(at), 20.0), "humidity": np.array(humidity)}
    url = f"sqlite:///{shell.folder / 'data' / 'readings.sqlite'}"
    with closing(open_store(url, 400)) as readings:
        readings.write(of_tag(TagKey("default", "T1"), at, values))


def told(shell: Shell, *words: str) -> dict[str, Any]:
    lines = shell.says("rules", "explain", "PB", "--json", *words).splitlines()
    return {one["rule"]: one for one in map(json.loads, lines)}


def test_a_rule_that_does_not_hold_says_by_which_numbers(store: Shell) -> None:
    measured(store, 55, 55, 55)
    found = told(store)
    assert {rule: one["state"] for rule, one in found.items()} == {
        "my.damp": "holds not",
        "my.core": "unknown",
        "my.way": "not valid",
        "my.stuck": "holds not",
        "my.quiet": "holds not",
    }
    damp = found["my.damp"]
    assert damp["steps"][0]["when"] == [
        {"text": "spread < 0", "holds": False, "numbers": {"spread": 5.0}},
        {"text": "temperature > 10", "holds": True, "numbers": {"temperature": 20.0}},
    ]
    assert damp["limits"] == [
        {"name": "damp", "value": 60.0, "unit": "%RH", "by": "region coastal_humid"}
    ]
    assert found["my.core"]["why"] == "core not known"
    assert found["my.way"]["why"] == "the lot is in_stock: the rule is valid in_transit"
    assert found["my.quiet"]["why"] == "heard 0.1 h ago; it is silent after 0.666667 h"


def test_one_that_waits_says_until_when(store: Shell) -> None:
    measured(store, 55, 65)
    damp = told(store)["my.damp"]
    assert damp["state"] == "waits"
    assert damp["steps"][0]["since"] is None
    assert damp["steps"][0]["waits_until"] is not None


def test_one_that_fires_says_since_when_and_what_ends_it(store: Shell) -> None:
    measured(store, 65, 65, 65)
    (damp,) = told(store, "--rule", "my.damp").values()
    assert damp["state"] == "fires"
    assert damp["why"] == "as warning; it ends when humidity < 50: humidity 65 %RH"
    assert damp["steps"][0]["since"] is not None
    assert damp["steps"][1]["since"] is None


def test_people_are_told_in_words(store: Shell) -> None:
    measured(store, 97, 97, 97)
    said = store.says("rules", "explain", "PB", "--rule", "my.damp")
    assert said.startswith("my.damp: fires: as critical; it ends when humidity < 90")
    assert "    when spread < 0 and temperature > 10: holds\n" in said
    assert "      spread < 0: holds (spread -37 %RH)\n" in said
    assert "  damp is 60 %RH, by the overlay for region coastal_humid\n" in said


def test_a_tag_at_fault_is_told_by_its_name(store: Shell) -> None:
    measured(store, 65.4, *[65] * 90)
    said = store.says("rules", "explain", "PB", "--rule", "my.stuck")
    assert said.startswith("my.stuck: fires: as info; it ends when stuck_tag <= 0: stuck_tag T1\n")
    assert "      stuck_tag > 0: holds (stuck_tag T1)\n" in said


def test_of_a_lot_that_was_never_heard_nothing_is_known(store: Shell) -> None:
    found = told(store)
    assert found["my.damp"]["state"] == "unknown"
    assert found["my.damp"]["why"] == "spread, temperature not known"
    assert found["my.quiet"]["state"] == "fires"
    assert found["my.quiet"]["why"].startswith("never heard")


def test_what_there_is_not_is_refused_with_what_there_is(store: Shell) -> None:
    for words, why in (
        (["NONE"], "there is no lot 'NONE' of tenant default"),
        (["PB", "--tenant", "other"], "there is no lot 'PB' of tenant other"),
        (["PB", "--rule", "my.dump"], "there is no rule 'my.dump' for such goods; there are my."),
    ):
        assert why in store.refusal("rules", "explain", *words)
    assert store.says("rules", "explain", "WO", "--json") == ""
