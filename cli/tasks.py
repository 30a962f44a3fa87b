"""`dunnage tasks`: preventive service that is due before a season."""

from __future__ import annotations

from cli.administration import database, require
from cli.terminal import print_json, table
from lots import registry
from lots.settings import load
from rules import service, tasks


def show(tenant: str, site: str | None, over: bool, as_json: bool) -> None:
    """``over``: those whose season is over too. Raises `UserError`."""
    now = load().clock.now_ms()
    with database() as engine, registry.reading(engine) as session:
        every = tasks.of_tenant(session, tenant, site)
        if not every:
            require(session, tenant, "sites", site)
    found = [task for task in every if over or task.ends > now]
    if as_json:
        for task in found:
            print_json(tasks.shown(task))
        return
    if not found:
        print("no task is due: they are made a month before a season (dunnage outlook SITE)")
        return
    rows = [(service.day(task.due), task.site, task.title, task.action) for task in found]
    table(("due", "site", "what comes", "what to do"), rows)
