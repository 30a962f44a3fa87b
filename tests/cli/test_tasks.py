"""`dunnage tasks`, as it is typed."""

from __future__ import annotations

import json

import pytest

from lots import registry
from lots.clock import DAY_MS, Clock
from lots.model import ServiceTask
from tests.cli.shell import Shell

SITES = b"id,name,latitude,longitude,timezone\nMIAMI,Miami,25.8,-80.3,America/New_York\n"
SITES += b"OSLO,Oslo,59.9,10.8,Europe/Oslo\n"


@pytest.fixture
def due(shell: Shell) -> Shell:
    """One whose season is to come, one whose season is over."""
    shell.says("import", "sites", "-", given=SITES)
    now = Clock().now_ms()
    engine = registry.connect(f"sqlite:///{shell.folder / 'data' / 'registry.sqlite'}")
    with registry.writing(engine) as session:
        for hazard, days in (("damp", 20), ("moth", -200)):
            begins = now + days * DAY_MS
            session.add(
                ServiceTask(
                    id=hazard,
                    tenant="default",
                    site="MIAMI",
                    commodity="wool",
                    hazard=hazard,
                    begins=begins,
                    ends=begins + 90 * DAY_MS,
                    due=begins - 14 * DAY_MS,
                    title=f"Miami: {hazard}",
                    action="send",
                    guide=f"wool {hazard}",
                    made=now,
                )
            )
    engine.dispose()
    return shell


def test_what_is_due_is_told(due: Shell) -> None:
    assert "Miami: damp" in due.says("tasks")
    assert "moth" not in due.says("tasks")
    assert "Miami: moth" in due.says("tasks", "--over")
    (found,) = map(json.loads, due.says("tasks", "--json").splitlines())
    assert (found["site"], found["guide"]) == ("MIAMI", "wool damp")
    assert due.says("tasks", "--site", "OSLO").startswith("no task is due")
    due.says("tenants", "add", "other")
    assert due.says("tasks", "--tenant", "other").startswith("no task is due")


def test_a_name_that_nobody_has_is_not_good_news(due: Shell) -> None:
    assert "there is no site 'nope' of tenant default" in due.refusal("tasks", "--site", "nope")
    assert "there is no tenant 'nobody'" in due.refusal("tasks", "--tenant", "nobody")
