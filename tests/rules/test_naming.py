"""Rows of lots: what two dicts would say, whatever comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lots.climate import LotKey
from rules.naming import NO_ROW, NOBODY, Keys, Rows, by_tenant

KEYS = st.tuples(st.sampled_from(["acme", "rival"]), st.sampled_from("abcde")).map(
    lambda key: LotKey(*key)
)


@given(st.lists(st.tuples(st.booleans(), KEYS), max_size=60))
def test_lots_come_and_go(steps: list[tuple[bool, LotKey]]) -> None:
    rows, there = Rows(), dict[LotKey, int]()
    keys, free = Keys(rows), list(range(10))
    rows.resize(10)
    for comes, key in steps:
        if comes and key not in there:
            there[key] = free.pop()
            rows.put(key.tenant, [key.lot], [there[key]])
        elif not comes and key in there:
            rows.drop(there[key])
            free.append(there.pop(key))
        assert dict(rows) == there
        assert len(rows) == len(there)
        by_row = {row: key for key, row in there.items()}
        assert list(keys) == [by_row.get(row, NOBODY) for row in range(10)]
        for tenant in ("acme", "rival", "stranger"):
            expected = [there.get(LotKey(tenant, lot), NO_ROW) for lot in "abcdef"]
            assert rows.of(tenant, "abcdef").tolist() == expected


def test_keys_by_tenant() -> None:
    keys = [LotKey("b", "1"), LotKey("a", "2"), LotKey("b", "3")]
    assert list(by_tenant(keys)) == [("b", [0, 2], ["1", "3"]), ("a", [1], ["2"])]
    assert list(by_tenant([])) == []
