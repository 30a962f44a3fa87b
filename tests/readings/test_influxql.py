"""No name gets out of its quotes."""

from __future__ import annotations

from lots.readings.influxql import identifier, literal


def test_quotes_in_a_statement_are_escaped() -> None:
    assert identifier('a"b\\') == r'"a\"b\\"'
    assert literal("it's \\") == r"'it\'s \\'"
