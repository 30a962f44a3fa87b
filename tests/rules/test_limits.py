"""Limits that rules ask for by name, and what they are for a region, a customer, a lot, a phase."""

from dataclasses import replace

import pytest

from lots.circumstances import ALWAYS, Circumstance
from lots.terms import Phase
from rules.pack import PackError, parse
from tests.rules.timeline import HEAT, LEAD, at, course, folded, hours, said, steady

PACK = f"""\
{HEAT}overlays:
  - for: {{tenant: acme, lot: L1}}
    limits: {{hottest: 10}}
  - for: {{region: coastal_humid}}
    limits: {{hottest: 30}}
  - for: {{tenant: acme, customer: foundry}}
    limits: {{hottest: 20}}
derived:
  hot_hours: {{hours: temperature > hottest, unit: h, about: hours above it}}
rules:
  test.hot:
    title: "{{lot}} is above {{hottest}} °C"
    when: temperature > hottest
    clear: temperature < hottest - 2
    severity: warning
    action: "Shade."
    based_on: b
"""


def circumstance(hour, phase="in_stock", journey=0, place="bay", region="temperate"):
    begins = ALWAYS if hour is None else at(hour)
    return Circumstance(begins, Phase(phase), journey, place, region)


def amid(*circumstances, **facts):
    return replace(LEAD, **{"lot": "other", **facts}, circumstances=circumstances)


def refusal(old, new):
    assert old in PACK
    with pytest.raises(PackError) as refused:
        parse({"my.yaml": PACK.replace(old, new)})
    return str(refused.value)


def limit(**facts):
    region = facts.pop("region", "temperate")
    lot = amid(circumstance(None, region=region), **facts)
    (found,) = course(said((0, 5, 50)), "hottest", lot, rules=parse({"my.yaml": PACK}))
    return found


def test_the_more_particular_overlay_counts_wherever_it_stands():
    assert limit() == 40
    assert limit(region="coastal_humid") == 30
    assert limit(customer="foundry") == 20
    assert limit(region="coastal_humid", customer="foundry") == 20
    assert limit(region="coastal_humid", customer="foundry", lot="L1") == 10


def test_a_customer_or_lot_of_another_tenant_is_another():
    assert limit(tenant="other", customer="foundry", lot="L1") == 40


def test_of_two_overlays_for_the_same_the_later_counts():
    text = PACK.replace("{tenant: acme, lot: L1}", "{region: coastal_humid}")
    lot = amid(circumstance(None, region="coastal_humid"))
    assert course(said((0, 5, 50)), "hottest", lot, rules=parse({"my.yaml": text})) == [30]


def test_a_limit_changes_with_the_region_that_a_lot_comes_to():
    lot = amid(circumstance(None), circumstance(3, region="coastal_humid"), circumstance(6))
    done = folded(said(*steady(0, 8, 35, 50)), lot, parse({"my.yaml": PACK}))
    assert [(t.rule, bool(t.step), hours(t.at)) for t in done.transitions] == [
        ("test.hot", True, 3),
        ("test.hot", False, 6),
    ]
    assert done.transitions[0].numbers["hottest"] == 30
    # It is the climate at the sample that counts: that of 3 h is of the hour before it.
    assert done.numbers["hot_hours"] == 3


def test_a_rule_is_valid_in_its_phases_alone_and_ends_with_them():
    text = PACK.replace("severity: warning", "severity: warning\n    phases: [in_transit]")
    lot = amid(
        circumstance(None),
        circumstance(3, "loading", 1),
        circumstance(5, "in_transit", 1),
        circumstance(8, "at_customer", 1),
    )
    done = folded(said(*steady(0, 10, 45, 50)), lot, parse({"my.yaml": text}))
    assert [(bool(t.step), hours(t.at)) for t in done.transitions] == [(True, 5), (False, 8)]


@pytest.mark.parametrize(
    ("per", "expected"),
    [("journey", [0, 1, 1, 2, 3, 1, 2]), ("phase", [0, 1, 1, 2, 1, 1, 2])],
)
def test_a_sum_begins_anew_with_each_journey_or_phase(per, expected):
    text = PACK.replace("hottest, unit: h", f"hottest, per: {per}, unit: h")
    lot = amid(
        circumstance(None),
        circumstance(2, "loading", 1),
        circumstance(2.5, "loading", 1, region=""),  # another place is no other phase
        circumstance(4, "in_transit", 1),
        circumstance(5, "loading", 2),
    )
    samples = said(*steady(0, 6, 45, 50))
    assert course(samples, "hot_hours", lot, rules=parse({"my.yaml": text})) == expected


def test_outdoors_and_boxed_are_known_where_the_place_is():
    text = PACK.replace(
        "derived:\n", "derived:\n  yard: {value: outdoors, unit: '1', about: none}\n"
    )
    text = text.replace("derived:\n", "derived:\n  box: {value: boxed, unit: '1', about: none}\n")
    places = [(None, ""), (1, "yard"), (2, "container"), (3, "bay"), (4, "vehicle")]
    lot = amid(*(circumstance(hour, place=place) for hour, place in places))
    samples, rules = said(*steady(0, 4, 20, 50)), parse({"my.yaml": text})
    assert course(samples, "yard", lot, rules=rules) == [None, 1, 0, 0, 0]
    assert course(samples, "box", lot, rules=rules) == [None, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("limits:\n  hottest", "limits: 3\nhot", "my.yaml"),
        ("{value: 40, unit", "{value: forty, unit", "line 4: hottest: value is 'forty'; it is a"),
        ("{value: 40, unit", "{value: .nan, unit", "line 4: hottest: value is nan; it is a number"),
        ("{value: 40, unit", "{value: true, unit", "line 4: hottest: value is True; it is a num"),
        ("value: 40, ", "", "line 4: hottest: key 'value' is missing: add it"),
        ("unit: °C, ", "unit: 3, ", "line 4: hottest: unit is 3; it is a text"),
        ("hottest: {value: 40", "margin: {value: 40", "there is a signal of that name"),
        ("hot_hours: {", "hottest: {", "there is a quantity of that name: take another"),
        (
            "  - for: {tenant: acme, lot: L1}\n",
            "  - lot: L1\n",
            "overlays, no. 1: has 'for', whom it concerns",
        ),
        ("for: {tenant: acme, lot: L1}", "for: {lot: L1}", "is of a 'tenant': name it too"),
        ("for: {tenant: acme, lot: L1}", "for: {tenant: acme}", "is a table with one or more of"),
        ("region: coastal_humid", "region: hot", "region is 'hot'; it is one of temperate"),
        ("region: coastal_humid", "site: x, region: cold_winter", "for: unknown key 'site'"),
        ("{hottest: 30}", "{coldest: 30}", "there is no limit 'coldest' in this pack; there are h"),
        (
            "{hottest: 30}",
            "{hottest: none}",
            "overlays, no. 2: limits: hottest is 'none'; it is a number",
        ),
        ("{hottest: 30}", "{}", "limits: is a table of limits of this pack and their values"),
        ("severity: w", "phases: in_stock\n    severity: w", "phases is 'in_stock'; it is a list"),
        ("severity: w", "phases: [sea]\n    severity: w", "it is a list of in_stock, loading, in_"),
        ("hottest, unit: h", "hottest, per: leg, unit: h", "per is 'leg'; it is one of journey, p"),
    ],
)
def test_what_cannot_be_used_is_refused_with_line_and_remedy(old, new, why):
    said = refusal(old, new)
    assert said.startswith("my.yaml")
    assert why in said
