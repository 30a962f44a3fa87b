"""`dunnage trend`: what a lot's own last days say of its next hours."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from cli.administration import database, require
from cli.terminal import plain, print_json, table
from lots import registry
from lots.errors import UserError
from lots.readings.history import open_history
from lots.readings.store import StoreMisconfigured, StoreUnavailable
from lots.settings import load
from rules import lot_trends
from rules.lot_trends import Trends


def show(lot: str, tenant: str, as_json: bool) -> None:
    """Raises `UserError`."""
    found = lot_trends.data(read(tenant, [lot])[0], load().clock.now_ms())
    if as_json:
        print_json(found)
        return
    if found["missing"]:
        print(plain(found["missing"]), file=sys.stderr)
    names = ("temperature", "dew_point", "surface")
    rows = [
        (f"{one['hours']} h", one["at"], *(_said(one[name]) for name in names), _likely(one, found))
        for one in found["hours"]
    ]
    head = ("in", "at", "air °C", "dew point °C", "metal °C", f"{found['harm']} until then")
    table(head, rows)
    if found["mould"] is not None:
        print(_mould(found["mould"]))


def read(tenant: str, lots: Sequence[str] | None) -> list[Trends]:
    """Of these ``lots``, or of all. Raises `UserError`."""
    settings = load()
    now = settings.clock.now_ms()
    with database() as engine, registry.reading(engine) as session:
        known = lot_trends.known(session, tenant, lots)
        if not known:
            require(session, tenant, "lots", None)
        session.expunge_all()
    try:
        with closing(open_history(settings.readings, settings.raw_retention_days)) as store:
            return [lot_trends.read(store, lot, now) for lot in known]
    except (StoreUnavailable, StoreMisconfigured) as error:
        raise UserError(f"the lots' readings cannot be had: {error}") from error


def _said(one: dict[str, Any] | None) -> str:
    if one is None:
        return "-"
    spread = "" if one["spread"] is None else f" ± {one['spread']:.1f}"
    return f"{one['mean']:.1f}{spread}"


def _likely(one: dict[str, Any], found: dict[str, Any]) -> str:
    likely = one[found["harm"]]
    return "-" if likely is None else f"{likely:.0%}"


def _mould(its: dict[str, Any]) -> str:
    if its["grows"] is None:
        return "mould: not known"
    if its["in_days"] is None:
        return "mould: none at this climate"
    if its["in_days"] == 0:
        return f"mould: it grows, index {its['index']:g} of 6"
    first, *later = (f"{one['likely']:.0%} within {one['hours'] / 24:g}" for one in its["within"])
    days = f"mould: the first growth in {its['in_days']:g} days at this climate"
    return f"{days}; {', '.join([f'{first} days', *later])}"
