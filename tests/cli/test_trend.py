"""`dunnage trend` and `dunnage forecasts --trends`, as they are typed, over stored readings."""

from __future__ import annotations

import json
import math
from contextlib import closing

import numpy as np
import pytest

from lots import registry
from lots.clock import HOUR_MS, Clock
from lots.model import LotNow
from lots.readings.batch import TagKey, of_tag
from lots.readings.open import open_store
from tests.cli.shell import Shell

LOTS = b"""id,commodity,form,net_mass_kg,packages,packaging
PB,lead,ingot,1000,1,strapped
WO,wool,greasy,1000,5,bale_nylon
"""
TAGS = b"id,interval_s\nT1,3600\nT2,3600\n"
NOW = Clock().now_ms()


@pytest.fixture
def stored(shell: Shell) -> Shell:
    """A month of lead and wool in air that swings by the day, dry and damp."""
    bindings = (
        "tag,lot,placement,begins\nT1,PB,air,2020-01-01T00:00Z\nT2,WO,air,2020-01-01T00:00Z\n"
    )
    for kind, given in (("lots", LOTS), ("tags", TAGS), ("bindings", bindings.encode())):
        shell.says("import", kind, "-", given=given)
    back = np.arange(-30 * 24, 1)
    swing = np.sin(2 * math.pi * back / 24)
    url = f"sqlite:///{shell.folder / 'data' / 'readings.sqlite'}"
    with closing(open_store(url, 400)) as store:
        for tag, humidity in (("T1", 60.0), ("T2", 95.0)):
            values = {"temperature": 10 + 5 * swing, "humidity": np.full(len(back), humidity)}
            store.write(of_tag(TagKey("default", tag), NOW + HOUR_MS * back, values))
    return shell


def test_people_get_a_line_for_each_hour_ahead(stored: Shell) -> None:
    head, first, *rest = stored.says("trend", "PB").splitlines()
    assert head.split("\t")[2:] == ["air °C", "dew point °C", "metal °C", "sweat until then"]
    assert first.split("\t")[0] == "3 h"
    assert first.split("\t")[2] == "13.5 ± 0.0"
    assert first.split("\t")[-1] == "0%"
    assert len(rest) == 3
    wool = stored.says("trend", "WO").splitlines()
    assert wool[1].split("\t")[4:] == ["-", "100%"]
    assert wool[-1] == "mould: not known"
    know(stored, mould_index=0.4, mould_in_hours=168.0)
    days = "mould: the first growth in 7 days at this climate"
    within = "8% within 3 days, 50% within 7, 88% within 14"
    assert stored.says("trend", "WO").splitlines()[-1] == f"{days}; {within}"
    know(stored, mould_index=1.4, mould_in_hours=0.0)
    assert stored.says("trend", "WO").splitlines()[-1] == "mould: it grows, index 1.4 of 6"
    know(stored, mould_index=0.4)
    assert stored.says("trend", "WO").splitlines()[-1] == "mould: none at this climate"


def know(shell: Shell, **numbers: float) -> None:
    """That the worker said so of the wool just now."""
    engine = registry.connect(f"sqlite:///{shell.folder / 'data' / 'registry.sqlite'}")
    with registry.writing(engine) as session:
        now = Clock().now_ms()
        session.merge(
            LotNow(tenant="default", lot="WO", at=now, status="ok", why=None, numbers=numbers)
        )
    engine.dispose()


def test_programs_get_the_score_too(stored: Shell) -> None:
    found = json.loads(stored.says("trend", "PB", "--json"))
    assert found["missing"] is None
    assert {one["rule"] for one in found["score"]} == {
        "trend.sweat",
        "trend.dew_point",
        "trend.surface",
    }


def test_trends_are_scored_of_all_lots_or_of_one(stored: Shell) -> None:
    every = [
        json.loads(line) for line in stored.says("forecasts", "--trends", "--json").splitlines()
    ]
    rules = {(one["rule"], one["hours"]): one for one in every}
    assert rules["trend.damp", 6]["came"] == rules["trend.damp", 6]["scored"]
    assert rules["trend.sweat", 6]["came"] == 0
    # At 95 %RH and 10 °C greasy wool has its first growth in a month: two weeks before it is told.
    mould = rules["trend.mould", 336]
    assert mould["came"] > 0
    assert mould["brier"] < mould["usual"]
    one = stored.says("forecasts", "--trends", "--lot", "WO")
    assert "trend.damp" in one
    assert "trend.mould" in one
    assert "trend.sweat" not in one
    assert one.splitlines()[0].split("\t")[-1] == "likely: came"


def test_what_is_not_there_is_said(stored: Shell) -> None:
    assert "there is no lot 'PX'" in stored.refusal("trend", "PX")
    asked = stored("forecasts", "--trends", "--each")
    assert (asked.returncode, b"is not for" in asked.stderr) == (2, True)
