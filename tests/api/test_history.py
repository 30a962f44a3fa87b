"""The pure part of history, against readings counted one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from api.history import (
    Facts,
    Grid,
    History,
    Measured,
    Piece,
    Span,
    Wetness,
    corrected,
    gaps,
    history,
    pieces,
    tracks,
)
from lots.climate import Adjustment, Corrections
from lots.readings.batch import Ints, TagKey, of_tag
from lots.readings.sqlite import SqliteStore
from lots.readings.store import Aggregate, ReadingStore
from lots.whereabouts import FOREVER, Source

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_763_769_600_000  # 2025-11-22T00:00:00Z

QUANTITIES = ("temperature", "humidity", "light")


def own(tag: str, begins: int = 0, ends: int = FOREVER, placement: str = "air") -> Source:
    return Source(tag, placement, begins, ends, None)


class Asking:
    """Asks the store for everything by fine steps, and knows nothing of what was wet."""

    zones = ()

    def __init__(self, store: ReadingStore, step: int) -> None:
        self._store, self._step = store, step

    def measured(self, piece: Piece) -> list[Measured]:
        key = TagKey("acme", piece.source.tag)
        found = self._store.aggregate(key, piece.begins, piece.ends, self._step, QUANTITIES)
        return [Measured(found, found.start)]

    def joint(self, track: Sequence[Source], zone: tuple[int, int]) -> Wetness:
        raise NotImplementedError


def told(
    store: ReadingStore,
    sources: Sequence[Source],
    span: Span,
    step: int | None,
    fine: int,
    corrections: dict[str, Corrections] | None = None,
) -> History:
    facts = Facts(sources, corrections or {}, {source.tag: HOUR for source in sources})
    return history(facts, span, Grid(fine, step), Asking(store, fine), now=span.ends)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "readings.sqlite")


@pytest.mark.parametrize("seed", range(5))
def test_history_is_what_counting_one_by_one_gives(store: SqliteStore, seed: int) -> None:
    chance = np.random.default_rng(seed)
    span = Span(T0 + 7 * MINUTE, T0 + 3 * DAY - 11 * MINUTE)
    cut = T0 + int(chance.integers(DAY))
    sources = [
        own("a", 0, cut),
        own("b", T0 + DAY // 2, FOREVER),
        Source("c", "air", cut, T0 + 2 * DAY, "bay"),
        own("d", placement="core"),
    ]
    corrections: dict[str, Corrections] = {
        "a": {"temperature": [Adjustment(0, 1.0, 0.5), Adjustment(T0 + 5 * HOUR, 1.02, -0.3)]},
        "c": {"humidity": [Adjustment(T0 + DAY + 17 * MINUTE, 0.97, 1.0)]},
    }
    raw: dict[str, tuple[Ints, dict[str, np.ndarray]]] = {}
    for tag in "abcd":
        times = np.sort(chance.integers(T0 - DAY, T0 + 4 * DAY, 300))
        values = {
            "temperature": chance.normal(15, 8, 300),
            "humidity": chance.uniform(20, 100, 300),
            "light": np.where(chance.random(300) < 0.5, np.nan, chance.uniform(0, 900, 300)),
        }
        flags = np.where(chance.random(300) < 0.1, 32, 0)  # doubtful: kept, not believed
        key = np.arange(300)
        store.write(of_tag(TagKey("acme", tag), times, values, key=key, flags=flags))
        raw[tag] = (times, {name: np.where(flags, np.nan, v) for name, v in values.items()})

    found = told(store, sources, span, 3 * HOUR, HOUR, corrections)

    assert [series.placement for series in found.series] == ["air", "core"]
    for series in found.series:
        bins: dict[tuple[int, str], list[float]] = {}
        who: dict[int, set[bool]] = {}
        for source in sources:
            if source.placement != series.placement:
                continue
            times, values = raw[source.tag]
            for n, t in enumerate(times.tolist()):
                if not max(source.begins, span.begins) <= t < min(source.ends, span.ends):
                    continue
                for name in QUANTITIES:
                    value = float(values[name][n])
                    if math.isnan(value):
                        continue
                    for adjustment in corrections.get(source.tag, {}).get(name, ()):
                        if adjustment.begins <= t:
                            factor, shift = adjustment.gain, adjustment.offset
                            value = factor * float(values[name][n]) + shift
                    start = t - t % (3 * HOUR)
                    bins.setdefault((start, name), []).append(value)
                    who.setdefault(start, set()).add(source.place is None)
        assert series.start.tolist() == sorted({start for start, _ in bins})
        for n, start in enumerate(series.start.tolist()):
            assert series.own[n] == (True in who[start])
            assert series.placed[n] == (False in who[start])
            for name in QUANTITIES:
                expected = bins.get((start, name), [])
                assert series.count[name][n] == len(expected)
                if expected:
                    assert series.low[name][n] == pytest.approx(min(expected))
                    assert series.high[name][n] == pytest.approx(max(expected))
                    assert series.mean[name][n] == pytest.approx(sum(expected) / len(expected))
                else:
                    assert math.isnan(series.mean[name][n])


def test_a_tag_that_dies_and_is_replaced_reads_like_one_that_never_did(store: SqliteStore) -> None:
    times = np.arange(T0, T0 + 2 * DAY, HOUR)
    values = np.sin(times / DAY) * 10
    half = len(times) // 2
    write = {"one": slice(None), "old": slice(None, half), "new": slice(half, None)}
    for tag, part in write.items():
        store.write(of_tag(TagKey("acme", tag), times[part], {"temperature": values[part]}))
    span = Span(T0, T0 + 2 * DAY)
    change = T0 + DAY

    one = told(store, [own("one")], span, 4 * HOUR, HOUR)
    two = told(store, [own("old", 0, change), own("new", change)], span, 4 * HOUR, HOUR)

    assert two.gaps == one.gaps == []
    for name in ("low", "mean", "high", "count"):
        np.testing.assert_allclose(
            getattr(two.series[0], name)["temperature"],
            getattr(one.series[0], name)["temperature"],
            rtol=1e-12,
        )


def test_one_point_for_all(store: SqliteStore) -> None:
    times = T0 + np.arange(48) * HOUR
    store.write(of_tag(TagKey("acme", "a"), times, {"temperature": np.arange(48.0)}))
    span = Span(T0 + HOUR, T0 + 47 * HOUR)
    (series,) = told(store, [own("a")], span, None, HOUR).series
    assert series.start.tolist() == [span.begins]
    assert series.count["temperature"].tolist() == [46]
    assert series.mean["temperature"].tolist() == pytest.approx([23.5])
    assert (series.low["temperature"][0], series.high["temperature"][0]) == (1.0, 46.0)


def test_a_day_shown_as_one_point_still_shows_that_its_night_is_missing(
    store: SqliteStore,
) -> None:
    times = T0 + np.asarray([0, 1, 2, 3, 4, 5, 18, 19, 20, 21, 22, 23]) * HOUR
    store.write(of_tag(TagKey("acme", "a"), times, {"temperature": np.ones(12)}))
    found = told(store, [own("a")], Span(T0, T0 + DAY), DAY, HOUR)
    assert len(found.series[0].start) == 1
    assert found.gaps == [Span(T0 + 6 * HOUR, T0 + 18 * HOUR)]


def test_a_correction_cuts_its_source_and_starts_when_it_begins() -> None:
    corrections = {"a": {"temperature": [Adjustment(50, 2.0, 1.0), Adjustment(150, 3.0, 0.0)]}}
    found = pieces([own("a", 0, 200)], corrections, Span(100, 300))
    assert [(piece.begins, piece.ends) for piece in found] == [(100, 150), (150, 200)]
    assert [piece.corrections for piece in found] == [
        {"temperature": (2.0, 1.0)},
        {"temperature": (3.0, 0.0)},
    ]


def test_before_its_first_correction_a_tag_is_taken_as_it_is() -> None:
    (before, _) = pieces(
        [own("a", 0, 200)], {"a": {"humidity": [Adjustment(50, 2, 1)]}}, Span(0, 100)
    )
    assert before.corrections == {}


def test_a_falling_gain_swaps_the_lowest_and_the_highest() -> None:
    one = np.asarray([1.0])
    raw = Aggregate(
        np.asarray([0]),
        {"probe": np.asarray([3])},
        {"probe": one},
        {"probe": one * 2},
        {"probe": one * 4},
    )
    found = corrected(raw, {"probe": (-1.0, 10.0)})
    assert (found.low["probe"][0], found.mean["probe"][0], found.high["probe"][0]) == (
        6.0,
        8.0,
        9.0,
    )


class TestGaps:
    """Hours 0 to 24 by hourly steps, unless a test says otherwise."""

    span = Span(0, DAY)

    def found(
        self,
        hours: Sequence[int],
        listening: Sequence[tuple[Span, int]] = ((Span(0, FOREVER), HOUR),),
        span: Span | None = None,
    ) -> list[tuple[float, float]]:
        starts = np.asarray(hours, np.int64) * HOUR
        return [
            (g.begins / HOUR, g.ends / HOUR)
            for g in gaps(starts, listening, HOUR, span or self.span)
        ]

    def test_nothing_is_missing_from_a_full_day(self) -> None:
        assert self.found(range(24)) == []

    def test_two_readings_that_did_not_come_are_no_gap(self) -> None:
        assert self.found([h for h in range(24) if h not in (5, 6)]) == []

    def test_three_are(self) -> None:
        assert self.found([h for h in range(24) if h not in (5, 6, 7)]) == [(5, 8)]

    def test_silence_at_either_end_is_one(self) -> None:
        assert self.found(range(6, 18)) == [(0, 6), (18, 24)]

    def test_no_reading_at_all_is_one_from_end_to_end(self) -> None:
        assert self.found([]) == [(0, 24)]

    def test_nobody_listening_is_one_to_the_millisecond(self) -> None:
        listening = [(Span(0, 6 * HOUR + 1), HOUR), (Span(7 * HOUR - 1, FOREVER), HOUR)]
        starts = np.arange(24) * HOUR
        assert gaps(starts, listening, HOUR, self.span) == [Span(6 * HOUR + 1, 7 * HOUR - 1)]

    def test_a_slow_tag_may_be_silent_for_longer(self) -> None:
        slow = [(Span(0, FOREVER), 6 * HOUR)]
        assert self.found([0, 6, 12, 18], slow) == []
        assert self.found([0, 23], slow) == [(1, 23)]

    def test_a_tag_that_was_put_on_shortly_before_it_spoke_left_none_itself(self) -> None:
        listening = [(Span(0, 2 * HOUR), HOUR), (Span(10 * HOUR, FOREVER), HOUR)]
        assert self.found([0, 1, *range(11, 24)], listening) == [(2, 10)]

    def test_an_empty_span_has_none(self) -> None:
        assert self.found([], span=Span(5, 5)) == []


def test_sources_that_follow_each_other_are_one_track() -> None:
    a, b, c, d = own("a", 0, 10), own("b", 10, 20), own("c", 5, 15), own("d", 15)
    assert tracks([d, c, b, a]) == [[a, b], [c, d]]
    assert tracks([]) == []
