"""The truth of some journeys as one table, whatever their things are called."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

import numpy as np

from simulators.truth import Truth
from simulators.truth_table import UNITS, Told, lines


def truth(place: str) -> Truth:
    columns = {field.name: np.full(2, np.nan) for field in fields(Truth)}
    return Truth(**columns | {"time": np.array([0, 300_000]), "place": np.array([place] * 2)})


def test_two_journeys_are_one_table() -> None:
    told = [
        Told("one, two", 1, {'L "1"': truth("Bay 1, heated")}),
        Told("three\nfour", 2, {"L-2": truth("bay")}),
    ]
    table = list(lines(told))
    heads = [line for line in table if line.startswith("#")]
    assert [head.partition(", version")[0] for head in heads] == [
        "# truth of journey one, two, seed 1", "# truth of journey three four, seed 2",
    ]  # fmt: skip
    text = "\n".join(table[len(heads) :])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["journey"], row["lot"], row["place"]) for row in rows] == [
        ("one, two", 'L "1"', "Bay 1, heated"), ("one, two", 'L "1"', "Bay 1, heated"),
        ("three\nfour", "L-2", "bay"), ("three\nfour", "L-2", "bay"),
    ]  # fmt: skip
    assert {len(row) for row in rows} == {4 + len(UNITS)}
    assert all(None not in row and None not in row.values() for row in rows)
