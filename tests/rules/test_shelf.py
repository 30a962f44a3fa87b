"""States on a shelf, packed: the same come off it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.kernels import NEVER
from rules.pack import load
from rules.shelf import Shelf
from rules.state import Book, States

BOOK = Book(load())
ROWS = 12


def some(chance: np.random.Generator, lots: int) -> States:
    """States of so many lots in which some words are not as they were at first, or the newest."""
    states = BOOK.fresh(lots)
    states.lots["newest"] = chance.integers(1, 100, lots)
    for column in states.columns():
        words = column.view(np.int64).reshape(lots, -1)
        differs = chance.random(words.shape) < chance.random()
        words[differs] = np.where(
            chance.random(words.shape) < 0.2, states.lots["newest"][:, None], -words
        )[differs]
    return states


def contents(states: States) -> str:
    return repr([column.tolist() for column in states.columns()])


@given(st.integers(0, 2**32))
def test_what_is_copied_from_another_shelf_is_as_it_was_there(seed: int) -> None:
    chance = np.random.default_rng(seed)
    one, other = Shelf(BOOK.fresh(1)), Shelf(BOOK.fresh(1))
    for shelf in (one, other):
        shelf.resize(ROWS)
    for _ in range(4):
        for shelf in (one, other):
            rows = chance.permutation(ROWS)[: chance.integers(1, ROWS)]
            shelf.put(rows, some(chance, len(rows)))
        theirs = chance.permutation(ROWS)[: chance.integers(1, ROWS)]
        rows = chance.permutation(ROWS)[: len(theirs)]
        kept = np.setdiff1d(np.arange(ROWS), rows)
        before = contents(one.take(kept))
        one.match(rows, other, theirs)
        assert contents(one.take(rows)) == contents(other.take(theirs))
        assert one.newest[rows].tolist() == other.newest[theirs].tolist()
        assert contents(one.take(kept)) == before
        written = Shelf(BOOK.fresh(1), one.only(rows).columns())
        every = np.arange(len(rows))
        assert contents(written.take(every)) == contents(one.take(rows))
        one.match(rows, written, every)
        assert contents(one.take(rows)) == contents(written.take(every))


def test_states_of_more_steps_than_a_byte_counts_come_off_as_they_were():
    lots, steps = 300, 700
    waits, stands = np.full((2, lots, steps), NEVER)
    for lot in range(lots):
        waits[lot, lot + 254 : lot + 258] = lot + 1
        stands[lot, steps - 1 - lot :: 300] = lot + 2
    states = replace(BOOK.fresh(lots), pending=waits, opened=stands)
    states.lots["newest"] = np.arange(lots) + 1
    states.lots["temperature"] = states.watches["level"][:, 0] = np.arange(lots) / 7
    states.lots["humidity"][::2] = np.frombuffer(b"\x01" + b"\xff" * 7)  # another NaN is none too
    none = np.full((2, 1, steps), NEVER)
    fresh = replace(BOOK.fresh(1), pending=none[0], opened=none[1])
    shelf, rows = Shelf(fresh), np.arange(lots)
    shelf.resize(lots)
    shelf.put(rows, states)
    assert contents(shelf.take(rows)) == contents(states)
    written = Shelf(fresh, shelf.columns())
    assert contents(written.take(rows[::-1])) == contents(states.at(slice(None, None, -1)))


def test_states_that_grow_together_leave_no_room_that_nobody_needs() -> None:
    """Each time all need larger extents than any before left."""
    lots = 2_000
    shelf, rows = Shelf(BOOK.fresh(1)), np.arange(lots)
    shelf.resize(lots)
    states = BOOK.fresh(lots)
    states.lots["newest"] = rows + 1
    words = states.lots.view(np.int64).reshape(lots, -1)
    for number in range(1, words.shape[1]):
        words[:, number] = -1 - rows * number
        shelf.put(rows[::2], BOOK.fresh(lots // 2))  # what is let go of is used again
        for some_rows in np.array_split(rows, 10):
            shelf.put(some_rows, States(*(column[some_rows] for column in states.columns())))
        assert contents(shelf.take(rows[::7])) == contents(
            States(*(column[::7] for column in states.columns()))
        )
    assert len(shelf.columns()[2]) < 1.5 * len(shelf.only(rows).columns()[2])
