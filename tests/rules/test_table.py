"""What is said of lots, by row: the same comes out of the columns that went in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lots.climate import LotKey
from rules.pack import parse
from rules.state import Book, LotFacts, Said
from rules.table import LotTable
from tests.rules.desk import PACK
from tests.rules.timeline import at

OF_A_LOT = """\
pack: test
limits:
  damp: {value: 80, unit: "%", about: test}
overlays:
  - for: {tenant: acme, lot: a}
    limits: {damp: 95}
rules:
  test.damp:
    title: damp
    when: humidity > damp
    clear: humidity < damp
    severity: warning
    action: none
    based_on: test
"""
SPANS = ((), ((at(0), at(9)),), ((at(0), at(5)), (at(7), at(9))), ((at(0), at(6)), (at(2), at(9))))
FACTS = st.builds(
    LotFacts,
    st.just("acme"),
    st.just("another"),
    st.just("lead"),
    st.just("ingot"),
    time_constant_h=st.sampled_from([None, 5.0]),
    watched=st.sampled_from(SPANS),
)
TOLD = st.dictionaries(st.sampled_from("abcd"), FACTS, max_size=4)


def said(told: dict[str, LotFacts]) -> Said:
    facts = list(told.values())
    shared = list(dict.fromkeys(replace(each, watched=()) for each in facts))
    of = [shared.index(replace(each, watched=())) for each in facts]
    return Said(list(told), shared, of, [each.watched for each in facts])


@given(st.sampled_from([PACK, OF_A_LOT]), st.lists(TOLD, max_size=5))
def test_a_table_knows_what_it_was_told_last_and_what_of_that_was_news(
    pack: str, tellings: list[dict[str, LotFacts]]
) -> None:
    table, known = LotTable(Book(parse({"test.yaml": pack}))), dict[LotKey, LotFacts]()
    for told in tellings:
        now = {LotKey("acme", lot): replace(each, lot=lot) for lot, each in told.items()}
        rows, news = table.learn("acme", [said(told)])
        assert rows.tolist() == [table.rows[key] for key in now]
        expected = [table.rows[key] for key in now if known.get(key) != now[key]]
        assert sorted(news.tolist()) == sorted(expected)
        known |= now
        assert dict(table.known) == known
        spans = {table.rows[key]: each.watched for key, each in known.items() if each.watched}
        there = np.flatnonzero(table.register.watched_from <= table.register.watched_to)
        assert {
            row: (table.register.watched_from[row], table.register.watched_to[row])
            for row in there.tolist()
        } == {row: (its[0][0], at(9)) for row, its in spans.items()}


def test_a_lot_that_is_forgotten_is_watched_no_more() -> None:
    table, key = LotTable(Book(parse({"test.yaml": PACK}))), LotKey("acme", "a")
    facts = LotFacts("acme", "a", "lead", "ingot", watched=SPANS[2])
    table.know({key: facts})
    row = table.rows[key]
    table.forget(key)
    assert key not in table.known
    assert table.register.watched_from[row] > table.register.watched_to[row]
    table.know({LotKey("acme", "b"): replace(facts, lot="b", watched=SPANS[1])})
    assert dict(table.known) == {LotKey("acme", "b"): replace(facts, lot="b", watched=SPANS[1])}
