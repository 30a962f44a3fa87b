"""A lot's climate from a real store: corrected by date, believed, in order, all of it once."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lots.climate import (
    CODES,
    TAG_BITS,
    WINDOW_MS,
    Adjustment,
    LotKey,
    believed,
    corrected,
    join,
    no_samples,
    of_lot,
    samples,
    tag_number,
    tag_numbers,
)
from lots.clock import HOUR_MS
from lots.readings.batch import Flag, ReadingBatch, TagKey, concatenate, of_tag
from lots.readings.open import open_store
from lots.readings.store import ReadingStore
from lots.whereabouts import FOREVER, Source

KEY = LotKey("acme", "L1")
T1, T2 = TagKey("acme", "T1"), TagKey("acme", "T2")
START = 1_763_812_800_000
LATER_H = 2_000.0  # than all that is written


def at(hours: float) -> int:
    return START + round(hours * HOUR_MS)


def watched(tag: str, begins: float, ends: float | None = None, placement: str = "air") -> Source:
    return Source(tag, placement, at(begins), FOREVER if ends is None else at(ends), None)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadingStore]:
    path: Path = tmp_path_factory.mktemp("climate") / "readings.sqlite"
    found = open_store(f"sqlite:///{path}", 400)
    yield found
    found.close()


# Corrections.


def test_a_correction_counts_from_its_date_to_the_next_ones() -> None:
    """At 0 h found 2 too low, at 10 h a tenth too high."""
    batch = of_tag(T1, [at(h) for h in (-1, 0, 9, 10, 20)], {"humidity": [50.0] * 5})
    found = corrected(
        batch, {T1: {"humidity": [Adjustment(at(0), 1.0, 2.0), Adjustment(at(10), 0.9, 0.0)]}}
    )
    assert found.values["humidity"].tolist() == [50.0, 52.0, 52.0, 45.0, 45.0]


def test_a_correction_is_true_equals_gain_times_raw_plus_offset() -> None:
    batch = of_tag(T1, [at(1)], {"temperature": [20.0]})
    found = corrected(batch, {T1: {"temperature": [Adjustment(at(0), 1.1, -0.5)]}})
    assert found.values["temperature"].tolist() == [1.1 * 20.0 - 0.5]


def test_the_raw_readings_stay_as_they_are() -> None:
    batch = of_tag(T1, [at(1)], {"humidity": [50.0], "temperature": [20.0]})
    corrected(batch, {T1: {"humidity": [Adjustment(at(0), 1.0, 2.0)]}})
    assert batch.values["humidity"].tolist() == [50.0]


def test_a_correction_is_of_its_tag_and_quantity_alone() -> None:
    values = {"humidity": [50.0], "temperature": [20.0]}
    batch = concatenate([of_tag(T1, [at(1)], values), of_tag(T2, [at(1)], values)])
    found = corrected(batch, {T2: {"humidity": [Adjustment(at(0), 1.0, 2.0)], "probe": []}})
    assert found.values["humidity"].tolist() == [50.0, 52.0]
    assert found.values["temperature"].tolist() == [20.0, 20.0]
    assert "probe" not in found.values


def test_what_was_not_measured_stays_unknown() -> None:
    batch = of_tag(T1, [at(1), at(2)], {"humidity": [math.nan, 50.0]})
    found = corrected(batch, {T1: {"humidity": [Adjustment(at(0), 1.0, 2.0)]}})
    assert np.isnan(found.values["humidity"][0])
    assert found.values["humidity"][1] == 52.0


def test_by_an_empty_list_nothing_is_corrected() -> None:
    batch = of_tag(T1, [at(1)], {"humidity": [50.0]})
    assert corrected(batch, {T1: {"humidity": []}}).values["humidity"].tolist() == [50.0]


# What is believed.


def test_doubtful_readings_and_keep_alives_are_not_believed() -> None:
    batch = of_tag(
        T1,
        [at(h) for h in range(5)],
        {
            "temperature": [20.0, 20.0, math.nan, math.nan, math.nan],
            "humidity": [50.0, 140.0, 50.0, math.nan, math.nan],
            "probe": [math.nan] * 4 + [5.0],
            "battery": [3.0] * 5,
        },
        flags=[int(Flag.SECONDS), int(Flag.HUMIDITY_RANGE), 0, 0, 0],
    )
    assert believed(batch).tolist() == [True, False, True, False, True]


def test_of_no_readings_none_is_believed() -> None:
    assert believed(of_tag(T1, [], {})).tolist() == []


# Samples.


def test_two_tags_with_one_time_and_key_are_two() -> None:
    parts = [
        samples(of_tag(tag, [at(0)], {"humidity": [50.0]}, key=[7]), "air", np.array([0]), {})
        for tag in (T1, T2)
    ]
    assert len(set(join(parts).identity.tolist())) == 2


def test_a_tag_that_was_calibrated_is_another_of_the_same_name() -> None:
    """Its thermometer at 1 h, both at 2 h."""
    batch = of_tag(T1, [at(h) for h in (0, 1, 2, 3)], {"humidity": [50.0] * 4}, key=range(4))
    found = Adjustment(at(2), 1.0, 2.0)
    corrections = {"humidity": [found], "temperature": [found._replace(begins=at(1)), found]}
    numbers = tag_numbers(samples(batch, "air", np.arange(4), {T1: corrections}))
    assert (numbers >> TAG_BITS).tolist() == [0, 1, 3, 3]
    assert set((numbers % (1 << TAG_BITS)).tolist()) == {tag_number(T1)}


def test_the_order_does_not_depend_on_how_they_came() -> None:
    batch = of_tag(
        T1, [at(1), at(0), at(0), at(1)], {"humidity": [1.0, 2.0, 3.0, 4.0]}, key=range(4)
    )
    whole = samples(batch, "air", np.arange(4), {})
    rows = [whole.take(np.array(order)).ordered() for order in ([0, 1, 2, 3], [3, 2, 1, 0])]
    assert rows[0].humidity.tolist() == rows[1].humidity.tolist()
    assert (np.diff(rows[0].time) >= 0).all()


def test_nothing_joined_is_nothing() -> None:
    assert len(join([])) == 0
    assert len(join([no_samples(), no_samples()])) == 0


# From the store.


def heard(
    store: ReadingStore,
    sources: list[Source],
    begins: float = -1000,
    ends: float | None = None,
    corrections: dict[TagKey, dict[str, list[Adjustment]]] | None = None,
) -> list[tuple[float, float]]:
    """(hours, humidity) of a lot's samples."""
    until = at(LATER_H) if ends is None else at(ends)
    parts = list(of_lot(store, KEY, sources, corrections or {}, at(begins), until))
    assert all(len(part) for part in parts)
    whole = join(parts)
    assert (np.diff(whole.time) >= 0).all()
    return list(
        zip(((whole.time - START) / HOUR_MS).tolist(), whole.humidity.tolist(), strict=True)
    )


def write(store: ReadingStore, name: str, *rows: tuple[float, float]) -> None:
    times = np.array([at(hour) for hour, _ in rows])
    values = {"humidity": [humidity for _, humidity in rows]}
    store.write(of_tag(TagKey("acme", name), times, values, key=np.arange(len(rows))))


def test_each_source_speaks_in_its_span_alone(store: ReadingStore, unique_name: str) -> None:
    """A tag at 0 to 10 h, replaced by another at 10 h; both measured all the time."""
    one, two = f"{unique_name}-1", f"{unique_name}-2"
    write(store, one, (-1, 11), (0, 12), (9, 13), (10, 14))
    write(store, two, (9, 21), (10, 22), (20, 23))
    found = heard(store, [watched(one, 0, 10), watched(two, 10)])
    assert found == [(0, 12), (9, 13), (10, 22), (20, 23)]


def test_two_sources_at_once_are_laid_in_order(store: ReadingStore, unique_name: str) -> None:
    one, two = f"{unique_name}-1", f"{unique_name}-2"
    write(store, one, (0, 1), (2, 3), (80, 5))
    write(store, two, (1, 2), (3, 4), (79, 6))
    found = heard(store, [watched(one, 0), watched(two, 0, placement="surface")])
    assert found == [(0, 1), (1, 2), (2, 3), (3, 4), (79, 6), (80, 5)]


def test_they_are_corrected_and_doubtful_ones_left_out(
    store: ReadingStore, unique_name: str
) -> None:
    tag = TagKey("acme", unique_name)
    flags = [0, int(Flag.HUMIDITY_RANGE), 0]
    rows = {"humidity": [50.0, 140.0, 60.0]}
    store.write(of_tag(tag, [at(0), at(1), at(2)], rows, flags=flags))
    corrections = {tag: {"humidity": [Adjustment(at(2), 1.0, -5.0)]}}
    found = heard(store, [watched(unique_name, -1)], corrections=corrections)
    assert found == [(0, 50), (2, 55)]
    assert store.window(tag, at(0), at(3)).values["humidity"].tolist() == [50, 140, 60]


def test_the_placement_is_told(store: ReadingStore, unique_name: str) -> None:
    write(store, unique_name, (0, 50))
    (part,) = of_lot(
        store, KEY, [watched(unique_name, 0, placement="core")], {}, at(0), at(LATER_H)
    )
    assert part.placement.tolist() == [CODES["core"]]


def test_without_sources_or_readings_there_is_nothing(
    store: ReadingStore, unique_name: str
) -> None:
    assert heard(store, []) == []
    assert heard(store, [watched(unique_name, 0)]) == []


def test_no_window_is_longer_than_72_hours_and_none_is_asked_for_where_nobody_spoke(
    store: ReadingStore, unique_name: str
) -> None:
    """Bound for a week, then for an hour a year later."""
    year = 365 * 24.0
    write(store, unique_name, (0, 50), (100, 51), (year, 52))

    class Counting:
        asked: ClassVar[list[tuple[int, int]]] = []

        def window(self, tag: TagKey, begins: int, ends: int, *more: Any) -> ReadingBatch:
            self.asked.append((begins, ends))
            return store.window(tag, begins, ends, *more)

    counting: Any = Counting()
    sources = [watched(unique_name, 0, 7 * 24.0), watched(unique_name, year, year + 1)]
    found = join(list(of_lot(counting, KEY, sources, {}, at(-5000), FOREVER)))
    assert found.humidity.tolist() == [50, 51, 52]
    assert len(counting.asked) == 4
    assert all(0 < ends - begins <= WINDOW_MS for begins, ends in counting.asked)


def test_the_last_and_the_first_moment_of_each_window_are_heard_once(
    store: ReadingStore, unique_name: str
) -> None:
    """The windows follow each other from the source's beginning, or from where we ask."""
    ms = 1 / HOUR_MS
    hours = [n * WINDOW_H + step for n in (1, 2, 3) for step in (-ms, 0, ms)]
    write(store, unique_name, *((hour, number) for number, hour in enumerate(hours)))
    for sources, begins in (([watched(unique_name, 0)], -50.0), ([watched(unique_name, -50)], 0.0)):
        assert [humidity for _, humidity in heard(store, sources, begins)] == [*range(9)]


WINDOW_H = WINDOW_MS / HOUR_MS
# Near the seams most of all: of the windows from the first source on, and of the hours.
moments = st.one_of(
    st.integers(0, 4).map(lambda n: n * WINDOW_H),
    st.integers(-1, 1).map(lambda ms: WINDOW_H + ms / HOUR_MS),
    st.floats(-20, 300).map(lambda h: round(h, 3)),
)
spans = st.tuples(moments, st.one_of(st.none(), st.floats(0.001, 200).map(lambda h: round(h, 3))))


@settings(max_examples=50, deadline=None, derandomize=False, print_blob=True)
@given(
    st.lists(st.lists(moments, max_size=12), min_size=2, max_size=2),
    st.lists(spans, min_size=2, max_size=2),
    moments,
    st.one_of(st.none(), moments),
)
def test_at_the_seams_of_windows_nothing_is_lost_and_nothing_doubled(
    store: ReadingStore, readings, spans, begins, ends
) -> None:
    sources, expected, number, name = [], [], 0, uuid.uuid4().hex
    for which, (hours, (first, length)) in enumerate(zip(readings, spans, strict=True)):
        tag = f"{name}-{which}"
        source = watched(tag, first, None if length is None else first + length)
        sources.append(source)
        rows = []
        for hour in hours:
            number += 1
            rows.append((hour, float(number)))
            time, last = at(hour), FOREVER if ends is None else at(ends)
            if source.begins <= time < source.ends and at(begins) <= time < last:
                expected.append(float(number))
        if rows:
            write(store, tag, *rows)
    found = heard(store, sources, begins, ends)
    assert sorted(humidity for _, humidity in found) == expected
