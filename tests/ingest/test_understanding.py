"""What the journal says is worked out once, for however many who follow it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest import understanding
from ingest.formats import Decoded, Kind, Memory, Rejected, Route, Row
from ingest.journal import Journal
from ingest.message import Message, Portion
from ingest.repeats import Repeats
from ingest.understanding import Understanding
from lots.readings.batch import concatenate
from lots.terms import Identity

ENTRIES, EACH = 6, understanding.BATCH
"""So many that no two entries go together."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path)
    yield opened
    opened.close()


class Reading:
    """One who follows from the start on, and what it was given."""

    def __init__(self, understood: Understanding) -> None:
        self._understood, self._offset = understood, understood.journal.start
        self.given: list[Any] = []
        self.on(1)  # there is nothing yet, but it is known that somebody reads

    def on(self, count: int = ENTRIES) -> None:
        for _ in range(count):
            if (found := self._understood.after(self._offset, self)) is None:
                return
            self.given.append(found)
            self._offset = found.entry.end


def arrive(journal: Journal) -> None:
    for entry in range(ENTRIES):
        journal.append([Message(n, f"t/{entry}", json.dumps(n).encode()) for n in range(EACH)])


@pytest.fixture
def decoded() -> list[str]:
    """The topic of each batch that was decoded."""
    return []


@pytest.fixture
def understood(journal: Journal, decoded: list[str]) -> Understanding:
    def decode(portion: Portion, _row: Row, _memory: Memory) -> Decoded:
        decoded.extend(portion.messages.topics)
        refused = [Rejected(position, None, Kind.UNUSABLE, "no") for position, _ in portion]
        return Decoded(concatenate([]), refused, [])

    route = Route("#", decode, Row("acme", Identity.VALUES, 1))
    return Understanding(journal, [route], Memory(), Repeats())


def test_it_is_worked_out_once_however_far_apart_they_are(
    journal: Journal, understood: Understanding, decoded: list[str]
) -> None:
    quick, slow, slowest = (Reading(understood) for _ in range(3))
    arrive(journal)
    quick.on()
    slow.on(3)
    slowest.on()
    slow.on()
    assert decoded == [f"t/{entry}" for entry in range(ENTRIES)]
    assert len(quick.given) == ENTRIES
    assert quick.given == slow.given == slowest.given


def test_what_all_have_read_is_not_held(journal: Journal, understood: Understanding) -> None:
    quick, slow = (Reading(understood) for _ in range(2))
    arrive(journal)
    quick.on()
    assert understood.held_bytes > 0
    slow.on()
    for each in (quick, slow):
        each.on()  # to the end, where there is nothing more
    assert understood.held_bytes == 0


def test_one_that_is_too_far_behind_works_it_out_again(
    journal: Journal,
    understood: Understanding,
    decoded: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick, near, far = (Reading(understood) for _ in range(3))
    arrive(journal)
    quick.on(1)
    room = 2 * understood.held_bytes
    monkeypatch.setattr(understanding, "RECENT_BYTES", room)
    for _ in range(ENTRIES):
        near.on(1)
        quick.on(1)
        assert understood.held_bytes <= room
    assert decoded == [f"t/{entry}" for entry in range(ENTRIES)], "who is near is not left behind"
    far.on()
    assert len(decoded) > ENTRIES
    assert [one.entry.end for one in far.given] == [one.entry.end for one in quick.given]
    assert [one.decoded.rejected for one in far.given] == [
        one.decoded.rejected for one in quick.given
    ]
