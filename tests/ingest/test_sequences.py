"""What has come of a tag: beside a set that just remembers everything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sequences import RANGES, Closed, Gap, Kept, Sequences
from lots.readings.batch import TagKey

A, B = TagKey("acme", "tag-1"), TagKey("acme", "tag-2")
Number = tuple[TagKey, int, int]
"""tag, boot, seq"""


def took(sequences: Sequences, came: Iterable[Number], at: int = 0) -> Sequences:
    """One batch, of the tags in the order of their names."""
    rows = list(came)
    tags = sorted({tag for tag, _, _ in rows})
    columns = [(tags.index(tag), boot, seq, at) for tag, boot, seq in rows]
    numbers = np.array(columns, np.int64).reshape(-1, 4).T
    sequences.take(tags, *numbers)
    return sequences


def of_one(*seqs: int, boot: int = 17, tag: TagKey = A) -> list[Number]:
    return [(tag, boot, seq) for seq in seqs]


def ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers in order as ranges."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def open_ranges(sequences: Sequences, tag: TagKey) -> dict[int, list[tuple[int, int]]]:
    return {boot: [gap[:2] for gap in gaps] for boot, gaps in sequences.gaps(tag).items()}


def test_the_example_of_the_contract() -> None:
    sequences = took(Sequences(), of_one(*range(3990, 4010), *range(4013, 4022)))
    assert sequences.safe(A, 17, 4021, 3990) == (4021, [(4010, 4012)])
    assert sequences.safe(A, 17, 4021, 4012) == (4021, [(4012, 4012)])
    assert sequences.safe(A, 17, 4021, 4013) == (4021, [])
    assert sequences.safe(A, 17, 4009, 3990) == (4009, [])
    assert sequences.safe(A, 17, 4021, 5000) == (4021, [])
    assert sequences.missing == 3


def test_without_first_nothing_that_did_not_come_is_safe() -> None:
    sequences = took(Sequences(), of_one(5, 6))
    assert sequences.safe(A, 17, 6, None) == (6, [(0, 4)])
    assert sequences.safe(A, 17, 6, 3) == (6, [(3, 4)])
    assert open_ranges(sequences, A) == {}, "nobody knows that there was something before"


def test_of_what_nothing_is_known_nothing_is_said() -> None:
    sequences = took(Sequences(), of_one(1))
    assert sequences.safe(A, 18, 1, None) is None
    assert sequences.safe(B, 17, 1, None) is None


def test_more_ranges_than_an_answer_has_end_it_before_the_next() -> None:
    sequences = took(Sequences(), of_one(*range(0, 200, 2)))
    safe = sequences.safe(A, 17, 198, 0)
    assert safe is not None
    assert len(safe.missing) == RANGES
    assert safe.missing[-1] == (63, 63)
    assert safe.seq == 64, "65 is the first that could not be told"


def test_a_gap_is_noticed_and_closed_at_its_times() -> None:
    sequences = took(Sequences(), of_one(1), at=100)
    took(sequences, of_one(9), at=200)
    took(sequences, of_one(10), at=300)
    assert sequences.gaps(A) == {17: [Gap(2, 8, 200)]}
    took(sequences, of_one(5), at=400)
    took(sequences, of_one(4), at=500)
    assert sequences.gaps(A) == {17: [Gap(2, 3, 200), Gap(6, 8, 200)]}
    assert sequences.closed(A) == [Closed(17, 4, 5, 200, 500)], "number by number, one closing"
    took(sequences, of_one(*range(1, 11)), at=600)
    assert sequences.gaps(A) == {}
    assert sequences.missing == 0
    assert sum(c.last - c.first + 1 for c in sequences.closed(A)) == 7


def test_a_new_boot_begins_anew_and_the_former_stays() -> None:
    sequences = took(Sequences(), of_one(1, 3))
    took(sequences, of_one(7, boot=18))
    assert open_ranges(sequences, A) == {17: [(2, 2)]}
    took(sequences, of_one(2) + of_one(8, 10, boot=18))
    assert open_ranges(sequences, A) == {18: [(9, 9)]}


def test_a_tag_that_starts_without_end_is_forgotten_in_order() -> None:
    sequences = Sequences(former=2)
    for boot in range(100):
        took(sequences, of_one(1, 3, boot=boot))
    assert sorted(sequences.gaps(A)) == [97, 98, 99]
    assert sequences.missing == 3
    assert sequences.safe(A, 5, 3, None) is None


def test_a_garbled_number_opens_no_gap_and_the_tag_counts_on() -> None:
    sequences = took(Sequences(), of_one(0, 1, 2))
    took(sequences, of_one(2**52))
    took(sequences, of_one(3, 5))
    assert open_ranges(sequences, A) == {17: [(4, 4)]}
    assert sequences.safe(A, 17, 5, None) == (5, [(4, 4)])
    assert sequences.safe(A, 17, 2**52, None) == (2**52, [(0, 2**52 - 1)]), "never too much"


def test_numbers_that_start_anew_in_a_boot_open_no_gap() -> None:
    sequences = took(Sequences(), of_one(*range(5_000_000, 5_000_003)))
    took(sequences, of_one(0, 1, 2))
    assert sequences.missing == 0
    assert sequences.safe(A, 17, 2, None) == (2, [])


def test_what_has_no_numbers_is_passed_over() -> None:
    sequences = took(Sequences(), [(A, -1, -1), (A, 1, -1), (A, -1, 1)])
    assert len(sequences) == 0


def test_too_many_gaps_are_forgotten_as_missing() -> None:
    sequences = took(Sequences(gaps=4), of_one(*range(0, 40, 2)))
    assert len(sequences.gaps(A)[17]) == 4
    assert sequences.missing == 4
    safe = sequences.safe(A, 17, 38, None)
    assert safe is not None
    assert safe.missing[0] == (0, 29), "what is forgotten is missing"
    for seq in range(39, -1, -1):  # what a device then sends again, however it does
        took(sequences, of_one(seq))
    assert sequences.safe(A, 17, 39, None) == (39, [])


numbers = st.tuples(st.sampled_from([A, B]), st.integers(0, 3), st.integers(0, 60))
batches = st.lists(st.lists(numbers, min_size=1, max_size=30), max_size=12)


@settings(deadline=None)
@given(batches)
def test_it_is_what_a_set_would_be(came: list[list[Number]]) -> None:
    sequences, seen = Sequences(), set[Number]()
    for at, batch in enumerate(came):
        took(sequences, batch, at)
        seen.update(batch)
        expected = {
            tag: {
                boot: found
                for boot in range(4)
                if (found := missing_of({s for t, b, s in seen if (t, b) == (tag, boot)}))
            }
            for tag in (A, B)
        }
        assert {tag: open_ranges(sequences, tag) for tag in (A, B)} == expected
        total = sum(b - a + 1 for o in expected.values() for r in o.values() for a, b in r)
        assert sequences.missing == total
        for tag, boot, seq in batch:
            safe = sequences.safe(tag, boot, seq, None)
            assert safe is not None
            absent = [s for s in range(seq + 1) if (tag, boot, s) not in seen]
            assert safe == (seq, ranges(absent))


def missing_of(seqs: set[int]) -> list[tuple[int, int]]:
    return ranges([s for s in range(min(seqs), max(seqs)) if s not in seqs]) if seqs else []


@settings(deadline=None)
@given(batches, st.integers(1, 3), st.integers(0, 2), st.integers(0, 20))
def test_with_little_memory_it_never_says_safe_what_did_not_come(
    came: list[list[Number]], gaps: int, former: int, near: int
) -> None:
    sequences, seen = Sequences(gaps=gaps, former=former, near=near), set[Number]()
    for batch in came:
        took(sequences, batch)
        seen.update(batch)
        for tag, boot, seq in batch:
            safe = sequences.safe(tag, boot, seq, None)
            if safe is None:
                continue
            missing = {n for first, last in safe.missing for n in range(first, last + 1)}
            told = set(range(safe.seq + 1)) - missing
            assert all((tag, boot, s) in seen for s in told)
    assert sequences.missing >= 0
    assert len(sequences.gaps(A)) <= former + 1


@settings(deadline=None)
@given(batches, batches)
def test_it_goes_on_from_what_was_written(before: list[list[Number]], after: list[list[Number]]):
    whole, rows = Sequences(), dict[TagKey, Kept]()
    for at, batch in enumerate(before):
        took(whole, batch, at)
        changes = whole.changes()
        if at % 3 == 1:  # the registry is away: the same again, with what comes until then
            whole.unwritten(changes)
            continue
        for kept in changes.reshaped:
            rows[kept.tag] = kept._replace(more=json.loads(json.dumps(kept.more)))
        for kept in changes.advanced:
            rows[kept.tag] = rows[kept.tag]._replace(high=kept.high, heard=kept.heard)
    last = whole.changes()
    rows |= {kept.tag: kept for kept in last.reshaped}
    for kept in last.advanced:
        rows[kept.tag] = rows[kept.tag]._replace(high=kept.high, heard=kept.heard)
    again = Sequences()
    again.restore(rows.values())
    assert whole.changes() == ([], [])
    for at, batch in enumerate(after, len(before)):
        took(whole, batch, at)
        took(again, batch, at)
    for tag in (A, B):
        assert again.gaps(tag) == whole.gaps(tag)
        assert again.closed(tag) == whole.closed(tag)
    assert again.missing == whole.missing


def test_a_thousand_tags_that_count_on_cost_next_to_nothing() -> None:
    tags = [TagKey("acme", f"tag-{n}") for n in range(1000)]
    tag = np.tile(np.arange(1000), 2)
    boot, at = np.ones(2000, np.int64), np.zeros(2000, np.int64)
    sequences = Sequences()
    took_s = []
    for n in range(30):
        seq = np.repeat([2 * n, 2 * n + 1], 1000)
        begun = time.perf_counter()
        sequences.take(tags, tag, boot, seq, at)
        took_s.append(time.perf_counter() - begun)
    assert sequences.missing == 0
    # Measured: 0.2 us a reading; the first batch, of new tags, 3 us.
    assert min(took_s[1:]) / 2000 < 1e-6
