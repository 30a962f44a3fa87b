"""`dunnage forecasts`, as it is typed."""

from __future__ import annotations

import json

import pytest

from lots import registry
from lots.model import Alert, Forecast
from tests.cli.shell import Shell

LOTS = b"id,commodity,form,net_mass_kg,packaging\nPB,lead,ingot,1000,strapped\n"
LOTS += b"WO,wool,greasy,1000,bale_nylon\n"
SAID = 1_763_812_800_000


@pytest.fixture
def told(shell: Shell) -> Shell:
    """One that came, two hours after it was expected."""
    shell.says("import", "lots", "-", given=LOTS)
    engine = registry.connect(f"sqlite:///{shell.folder / 'data' / 'registry.sqlite'}")
    with registry.writing(engine) as session:
        session.add(
            Alert(
                id="a",
                tenant="default",
                lot="PB",
                rule="lead.sweat",
                severity="critical",
                opened=SAID,
                stages=[],
                numbers={},
                title="t",
                action="a",
            )
        )
        session.flush()
        session.add(
            Forecast(
                alert="a",
                tenant="default",
                lot="PB",
                rule="lead.sweat",
                site="MIAMI",
                timezone="America/New_York",
                said=SAID,
                begins=SAID + 14_400_000,
                ends=SAID + 36_000_000,
                probability=0.9,
                legs=[],
                curve=[[1.0, 12.5]],
                revised=0,
                judged=SAID,
                outcome="came",
                came=SAID + 21_600_000,
            )
        )
    engine.dispose()
    return shell


def test_the_score_is_told(told: Shell) -> None:
    head, row = told.says("forecasts").splitlines()
    assert head.split("\t")[:4] == ["rule", "site", "scored", "came"]
    assert row.split("\t") == [
        "lead.sweat",
        "MIAMI",
        "1",
        "1",
        "0.9",
        "0.01",
        "2.0",
        "0",
        "0",
        "0",
    ]
    assert json.loads(told.says("forecasts", "--json"))["brier"] == 0.01


def test_one_by_one_they_are_too(told: Shell) -> None:
    assert "2025-11-22T16:00:00Z" in told.says("forecasts", "--each")
    found = json.loads(told.says("forecasts", "--each", "--json", "--lot", "PB"))
    assert (found["alert"], found["outcome"], found["curve"]) == ("a", "came", [[1.0, 12.5]])
    assert told.says("forecasts", "--each", "--lot", "WO") == "nothing was foreseen yet\n"
    told.says("tenants", "add", "other")
    assert told.says("forecasts", "--tenant", "other") == "nothing was foreseen yet\n"


def test_a_name_that_nobody_has_is_not_good_news(told: Shell) -> None:
    assert "there is no lot 'nope' of tenant default" in told.refusal("forecasts", "--lot", "nope")
    assert "there is no tenant 'nobody'" in told.refusal("forecasts", "--tenant", "nobody")
    assert "no lot 'nope'" in told.refusal("forecasts", "--lot", "nope", "--each")
    assert "no tenant 'nobody'" in told.refusal("forecasts", "--trends", "--tenant", "nobody")
