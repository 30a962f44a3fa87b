"""What the registry says of lots, for the rules."""

from __future__ import annotations

from lots import registry
from lots.climate import LotKey
from lots.fields import written
from lots.whereabouts import FOREVER
from rules import census
from rules.state import Limits, LotFacts
from tests.rules.desk import TENANT
from tests.rules.timeline import at

CORED = {"regain_pct": 12.0, "cored": written(at(-5)), "weighed": written(at(-5))}
BALES = {"commodity": "wool", "form": "greasy", "packaging": "bale_nylon"} | CORED


def ingots(lot: str, interval_s: int = 3600, **more) -> LotFacts:
    return LotFacts(
        TENANT, lot, "lead", "ingot", packaging="strapped", interval_ms=1000 * interval_s,
        watched=((at(-100), FOREVER),), **more,
    )  # fmt: skip


def bales(lot: str, dry_mass: float) -> LotFacts:
    weighed = {"cored": at(-5), "cored_regain": 12.0, "dry_mass": dry_mass}
    return LotFacts(TENANT, lot, "wool", "greasy", packaging="bale_nylon", **weighed)


def test_what_is_said_of_lots_that_are_alike_is_said_once(desk) -> None:
    desk.put("parties", id="buyer", name="Buyer", temperature_max=25.0)
    for lot, interval, terms in (
        ("A", 3600, {}), ("B", 3600, {}), ("C", 600, {}), ("D", 3600, {"customer": "buyer"}),
    ):  # fmt: skip
        desk.put("tags", id=f"of {lot}", interval_s=interval)
        desk.lot(lot, **terms)
        desk.put("bindings", tag=f"of {lot}", lot=lot, begins=written(at(-100)))
    for lot, mass in (("W1", 112.0), ("W2", 224.0)):
        desk.lot(lot, **BALES, net_mass_kg=mass)
    desk.lot("X", net_mass_kg=1)
    desk.lot("Y", net_mass_kg=2)
    with registry.reading(desk.database) as session:
        (said,) = census.lots_said(session, TENANT)
        found = dict(census.lot_facts(session, TENANT))
    del found[LotKey(TENANT, "L1")]  # of the desk
    limits = Limits(temperature_max=25.0)
    expected = [
        ingots("A"), ingots("B"), ingots("C", 600), ingots("D", customer="buyer", limits=limits),
        bales("W1", 100.0), bales("W2", 200.0),
        *(LotFacts(TENANT, lot, "lead", "ingot", packaging="strapped") for lot in "XY"),
    ]  # fmt: skip
    assert list(found.values()) == expected
    shared = dict(zip(said.lots, said.of, strict=True))
    assert len({shared[lot] for lot in "ABXY"}) == 1, "but for when a tag is to be heard"
    assert len(said.facts) == len(said.lots) - 3
