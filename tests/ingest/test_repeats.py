from __future__ import annotations

from dataclasses import replace

import numpy as np

from ingest.repeats import Repeats
from lots.readings.batch import Flag, ReadingBatch, TagKey, of_tag


def batch(seqs: list[int], flag: int = Flag.SERVER_TIME, tag: str = "tag-1") -> ReadingBatch:
    n = len(seqs)
    made = of_tag(TagKey("acme", tag), range(n), {"temperature": [1.0] * n}, flags=[int(flag)] * n)
    return replace(made, boot=np.ones(n, np.int64), seq=np.array(seqs, np.int64))


def test_a_second_delivery_without_a_time_of_its_own_is_dropped() -> None:
    repeats = Repeats()
    assert repeats.drop(batch([1, 2, 2])).seq.tolist() == [1, 2]
    assert repeats.drop(batch([2, 3, 1])).seq.tolist() == [3]
    assert repeats.drop(batch([3], Flag.CLOCK_CORRECTED)).seq.tolist() == []
    assert repeats.drop(batch([3], tag="tag-2")).seq.tolist() == [3]


def test_readings_that_time_or_nothing_tells_apart_pass() -> None:
    repeats = Repeats()
    assert len(repeats.drop(batch([1, 1], Flag.SECONDS))) == 2
    assert len(repeats.drop(batch([-1, -1]))) == 2


def test_the_memory_is_bounded() -> None:
    repeats = Repeats(memory=3)
    repeats.drop(batch([1, 2, 3, 4]))
    assert repeats.drop(batch([4, 1])).seq.tolist() == [1], "the oldest was forgotten"
