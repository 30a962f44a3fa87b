"""`dunnage whatif`: what comes of outside air reaching a lot at one hour or another."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

from cli.administration import database
from cli.terminal import plain, print_json, table
from lots import registry
from lots.clock import HOUR_MS
from lots.fields import instant_of
from lots.settings import load
from rules import openings, whatif
from rules.forecast import Opening
from rules.foreseen import hour
from rules.openings import Answer, Asked
from rules.whatif import Comparison

Shown = Callable[[float], str]
"""Hours from now -> the clock at the site."""


def run(asked: Asked, tenant: str, as_json: bool) -> None:
    """Raises `UserError`."""
    now = load().clock.now_ms()
    with database() as engine, registry.reading(engine) as session:
        answer = openings.answer(session, tenant, asked, now)
    if as_json:
        print_json(openings.data(answer))
    else:
        _print(answer)


def _print(answer: Answer) -> None:
    def clock(hours: float) -> str:
        at = instant_of(answer.now + round(hours * HOUR_MS)).astimezone(answer.zone)
        return f"{at:%a} {hour(at)}"

    if answer.first:
        print(plain(answer.first), file=sys.stderr)
    rows = [
        (
            clock(each.hours),
            f"{each.metal_c:.1f}",
            f"{each.dew_point_c:.1f}",
            f"{each.margin_k:+.1f}",
            f"{each.film_g_m2:.0f}",
            f"{each.worst_g_m2:.0f}",
            f"{each.wet_h:.1f}",
            "-" if math.isnan(each.dry_in_h) else _until(each, clock),
        )
        for each in answer.found.hours
    ]
    head = ("outside air at", "metal °C", "dew point °C", "margin K", "film g/m²", "at worst g/m²")
    table((*head, "wet h", "dry again"), rows)
    # Under a hold this is no leave to go there.
    alone = "By water alone, and once that is lifted or known: " if answer.first else ""
    print(f"{alone}{_worth(answer.found, clock)}")


def _until(each: Opening, clock: Shown) -> str:
    return "not in 4 days" if each.dry_in_h == math.inf else clock(each.dry_in_h)


def _worth(found: Comparison, clock: Shown) -> str:
    """What waiting is worth."""
    soonest = min(found.hours, key=lambda each: each.hours)
    if soonest.worst_g_m2 < whatif.MATTERS_G_M2:
        return f"At {clock(soonest.hours)} nothing that matters settles: waiting is worth nothing."
    if found.dry is None:
        best = min(found.hours, key=lambda each: each.film_g_m2)
        return (
            f"Within two days no hour is safe; of these the least settles at {clock(best.hours)}."
        )
    return (
        f"Wait until {clock(found.dry.hours)}: that keeps off {soonest.film_g_m2:.0f} g/m² and"
        f" {soonest.wet_h:.1f} wet hours (at worst {soonest.worst_g_m2:.0f} g/m²)."
    )
