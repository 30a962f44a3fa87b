"""Names without objects: what a dict would say, whatever the names and however they come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.names import NOBODY, Names, Texts

LETTERS = st.characters(exclude_categories=())
NAMES = st.lists(st.text(LETTERS, max_size=8), max_size=60)


@given(st.lists(NAMES, max_size=5), NAMES)
def test_names_are_numbered_as_in_a_dict(parts: list[list[str]], asked: list[str]) -> None:
    names, numbers = Names(), dict[str, int]()
    for part in parts:
        expected = [numbers.setdefault(name, len(numbers)) for name in part]
        assert names.add(part).tolist() == expected
    assert list(names) == list(numbers)
    asked = [*asked, *numbers]
    expected = [numbers.get(name, NOBODY) for name in asked]
    assert names.find(asked).tolist() == expected
    assert [names.number(name) for name in asked] == expected


@given(st.lists(NAMES, max_size=5))
def test_texts_stand_in_the_order_in_which_they_came(parts: list[list[str]]) -> None:
    texts = Texts()
    for part in parts:
        texts.extend(part)
    whole = [text for part in parts for text in part]
    assert (list(texts), len(texts), texts[1:]) == (whole, len(whole), whole[1:])


def test_names_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lots.names._hashes", lambda names: np.full(len(names), 7))
    names = Names()
    assert names.add(["a", "b", "ab", "a"]).tolist() == [0, 1, 2, 0]
    assert names.find(["b", "ba", "ab"]).tolist() == [1, NOBODY, 2]


def test_very_many_names_take_little_more_than_their_letters() -> None:
    names = Names([f"lot-{number}" for number in range(100_000)])
    taken = (
        len(names._letters) + 8 * len(names._ends) + names._numbers.nbytes + names._hashes.nbytes
    )
    assert taken < 45 * len(names)
    assert names.number("lot-99999") == 99_999
