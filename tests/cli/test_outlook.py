"""`dunnage outlook` and `dunnage guide`, as they are typed."""

from __future__ import annotations

import json
from contextlib import closing
from html import unescape

import numpy as np
import pytest

from lots import registry
from lots.clock import HOUR_MS, Clock
from lots.readings.batch import TagKey, of_tag
from lots.readings.open import open_store
from lots.records import KINDS
from rules import guides
from simulators.climate import normals
from tests.cli.shell import Shell


@pytest.fixture
def site(shell: Shell) -> Shell:
    """Miami with its climate, one with a letter that ASCII lacks, one of which nothing is known."""
    shell.says("tenants", "add", "default")
    engine = registry.connect(f"sqlite:///{shell.folder / 'data' / 'registry.sqlite'}")
    with registry.writing(engine) as session:
        for name, climate in (
            ("MIAMI", normals("miami")),
            ("Süd", normals("miami")),
            ("OSLO", None),
        ):
            fields = {"name": name, "latitude": 0, "longitude": 0, "timezone": "UTC"}
            record = KINDS["sites"].model_validate({"id": name, "climate": climate, **fields})
            registry.put(session, "default", "sites", record)
    engine.dispose()
    return shell


def test_the_year_is_told_by_what_is_due(site: Shell) -> None:
    told = site.says("outlook", "MIAMI")
    assert "dunnage guide wool moth" in told
    assert "typical year of Miami" in told
    tasks = [json.loads(line) for line in site.says("outlook", "MIAMI", "--json").splitlines()]
    assert {task["commodity"] for task in tasks} == {"lead", "wool"}
    lead = site.says("outlook", "MIAMI", "--commodity", "lead", "--json").splitlines()
    assert [json.loads(line) for line in lead] == [t for t in tasks if t["commodity"] == "lead"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_json_is_the_same_whatever_standard_output_can_say(site: Shell, encoding: str) -> None:
    done = site.process("outlook", "Süd", "--json", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == site.says("outlook", "Süd", "--json")
    assert json.loads(done.stdout.splitlines()[0])["site"] == "Süd"


def test_weeks_are_told_one_by_one(site: Shell) -> None:
    assert len(site.says("outlook", "MIAMI", "--weeks").splitlines()) == 53


def test_a_guide_is_a_page_to_print(site: Shell) -> None:
    page = site.says("guide", "wool", "moth", "--language", "zh", "--site", "MIAMI")
    assert page.startswith("<!doctype html>")
    assert "全年 (MIAMI)" in page
    told = site.says("guide", "lead", "sweat", "--to", "guide.html")
    assert told == "wrote guide.html: print it from a browser\n"
    assert "season of sweat" in (site.folder / "guide.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_guide_is_the_same_page_whatever_standard_output_can_say(
    shell: Shell, encoding: str
) -> None:
    words = ("guide", "lead", "damp", "--language", "zh")
    done = shell.process(*words, PYTHONIOENCODING=encoding)
    assert unescape(done.stdout.decode("utf-8")) == unescape(guides.page("lead", "damp", "zh"))


def test_a_site_that_measured_a_year_of_its_own_has_an_outlook(site: Shell) -> None:
    """Dry, and damp in June: by a tag in its yard, not by one on metal there."""
    for kind, given in (
        ("places", b"id,site,kind,name\nYARD,OSLO,yard,Yard\n"),
        ("tags", b"id,interval_s\nT1,3600\nT2,3600\n"),
        ("bindings", b"tag,place,placement,begins\nT1,YARD,air,2020-01-01T00:00Z\n"),
        ("bindings", b"tag,place,placement,begins\nT2,YARD,surface,2020-01-01T00:00Z\n"),
    ):
        site.says("import", kind, "-", given=given)
    hours = Clock().now_ms() - HOUR_MS * np.arange(380 * 24)[::-1]
    june = (hours.astype("M8[ms]").astype("M8[M]").astype(int) % 12) == 5
    air, metal = {"humidity": np.where(june, 95.0, 50.0)}, {"humidity": np.full(len(hours), 99.0)}
    with closing(open_store(f"sqlite:///{site.folder / 'data' / 'readings.sqlite'}", 400)) as store:
        for tag, humidity in (("T1", air), ("T2", metal)):
            values = humidity | {"temperature": np.full(len(hours), 15.0)}
            store.write(of_tag(TagKey("default", tag), hours, values))
    told = site.says("import", "climate", "--place", "YARD", "--site", "OSLO")
    assert told.startswith("climate of OSLO: January 15.0 °C, dew point 4.7 °C")
    assert "measured in YARD" in told
    tasks = [json.loads(line) for line in site.says("outlook", "OSLO", "--json").splitlines()]
    damp = {t["commodity"]: (t["from"], t["to"]) for t in tasks if t["hazard"] == "damp"}
    assert damp == dict.fromkeys(("lead", "wool"), ("11 June", "25 June"))


def test_what_is_not_known_is_refused_with_the_remedy(site: Shell) -> None:
    assert "dunnage import climate FILE --site OSLO" in site.refusal("outlook", "OSLO")
    assert "no site 'ROME'" in site.refusal("outlook", "ROME")
    assert "there are lead damp" in site.refusal("guide", "lead", "moth")
    assert "cannot be written" in site.refusal("guide", "lead", "damp", "--to", "no/such.html")
