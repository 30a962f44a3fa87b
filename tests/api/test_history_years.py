"""Histories over years: read from rollups, with the same result as from raw readings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.history import Facts, Grid, History, Measured, Piece, Span, Wetness, history
from api.measured import Kept, Resolution, StoreReader, finest, resolution
from lots.climate import WINDOW_MS, Adjustment, Corrections, LotKey, of_lot
from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import ReadingBatch, TagKey, of_tag
from lots.readings.rollups import daily, rolled
from lots.readings.sqlite import SqliteStore
from lots.readings.store import Aggregate, Rollups
from lots.whereabouts import FOREVER, Source
from tests.api.service import LOT, NOW, SITE, Service

T0 = 1_763_769_600_000  # a midnight
MINUTE = 60_000
QUANTITIES = ("temperature", "humidity", "light")
YEAR = 365 * DAY_MS


class Spied(SqliteStore):
    """A real store that notes for how long a time it is asked for raw data."""

    asked: list[int]
    rolled: int
    """Hours and days that it gave."""

    def rollups(self, *asked: Any) -> Rollups:
        found = super().rollups(*asked)
        self.rolled += len(found)
        return found

    def window(
        self, tag: TagKey, begins: int, ends: int, quantities: Sequence[str] | None = None
    ) -> ReadingBatch:
        self.asked.append(ends - begins)
        return super().window(tag, begins, ends, quantities)

    def aggregate(self, tag: TagKey, begins: int, ends: int, *more: Any) -> Aggregate:
        self.asked.append(ends - begins)
        return super().aggregate(tag, begins, ends, *more)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Spied]:
    with closing(Spied(tmp_path / "readings.sqlite")) as store:
        store.asked, store.rolled = [], 0
        yield store
        assert max(store.asked, default=0) <= WINDOW_MS


def readings(seed: int, tag: str, span: Span, every: int = 40 * MINUTE) -> ReadingBatch:
    chance = np.random.default_rng([seed, sum(tag.encode())])
    times = np.sort(chance.integers(*span, (span.ends - span.begins) // every))
    n = len(times)
    values = {
        "temperature": chance.normal(6, 6, n),
        "humidity": np.where(chance.random(n) < 0.2, np.nan, chance.uniform(60, 100, n)),
        "light": np.where(chance.random(n) < 0.5, np.nan, chance.uniform(0, 900, n)),
    }
    flags = np.where(chance.random(n) < 0.05, 32, 0)
    return of_tag(TagKey("acme", tag), times, values, key=np.arange(n), flags=flags)


def keep(store: SqliteStore, batch: ReadingBatch, corrections: Corrections, ends: int) -> None:
    """``batch`` and the rollups of what is over at ``ends``, as they are made."""
    store.write(batch)
    edges = np.arange(batch.time[0] // DAY_MS * DAY_MS, ends // HOUR_MS * HOUR_MS + 1, HOUR_MS)
    hours = rolled(batch, corrections, edges)
    store.write_rollups(HOUR_MS, [(batch.tags[0], hours)])
    days = daily(hours)
    over = days.statistics.start + DAY_MS <= ends
    store.write_rollups(DAY_MS, [(batch.tags[0], days.take(over))])


def told(
    store: SqliteStore,
    facts: Facts,
    span: Span,
    step: int | None,
    kept: Kept,
    of: Resolution | None = None,
) -> History:
    of = of or resolution(span, step, kept)
    fine = finest(span, step or DAY_MS, HOUR_MS, of)
    reader = StoreReader(store, "acme", facts, span, QUANTITIES, fine, of, kept)
    return history(facts, span, Grid(fine, step), reader, now=kept.now)


def alike(one: History, other: History, *, wetness: bool = True) -> None:
    assert one.gaps == other.gaps
    assert one.silent == other.silent
    assert len(one.series) == len(other.series)
    for mine, theirs in zip(one.series, other.series, strict=True):
        assert mine.start.tolist() == theirs.start.tolist()
        assert mine.own.tolist() == theirs.own.tolist()
        for name in QUANTITIES:
            assert mine.count[name].tolist() == theirs.count[name].tolist()
            for which in ("low", "mean", "high"):
                np.testing.assert_allclose(
                    getattr(mine, which)[name], getattr(theirs, which)[name], rtol=1e-9, atol=1e-9
                )
        if wetness:
            np.testing.assert_array_equal(mine.coverage, theirs.coverage)
            np.testing.assert_array_equal(mine.hours_wet, theirs.hours_wet)


class Raw:
    """All statistics by the store, from raw readings alone."""

    zones = ()

    def __init__(self, store: SqliteStore, fine: int) -> None:
        self._store, self._fine = store, fine

    def measured(self, piece: Piece) -> list[Measured]:
        key = TagKey("acme", piece.source.tag)
        ask = SqliteStore.aggregate
        found = ask(self._store, key, piece.begins, piece.ends, self._fine, QUANTITIES)
        some = sum(found.count[name] for name in QUANTITIES) > 0
        return [Measured(found, found.start[some])]

    def joint(self, track: Sequence[Source], zone: tuple[int, int]) -> Wetness:
        raise NotImplementedError


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("step", [HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS, None])
def test_from_rollups_it_is_as_from_raw_readings(store: Spied, seed: int, step: int | None) -> None:
    """A lot that changes tags and places, with corrections that begin in the middle of an hour."""
    chance = np.random.default_rng(seed)
    days = 100 if step is None or step % DAY_MS == 0 else 6  # of more than 92 days are read
    span = Span(T0 + 17 * MINUTE, T0 + days * DAY_MS - 11 * MINUTE)
    now = span.ends + int(chance.integers(-2 * HOUR_MS, 2 * HOUR_MS))
    first, then = sorted(chance.integers(*span, 2).tolist())
    sources = [
        Source("a", "air", 0, first, None),
        Source("b", "air", first, then, "bay"),
        Source("c", "air", then + 5 * HOUR_MS, FOREVER, None),
        Source("d", "core", span.begins + 3 * HOUR_MS, FOREVER, None),
    ]
    corrections: dict[str, Corrections] = {
        "a": {"humidity": [Adjustment(0, 1.0, 0.5), Adjustment(T0 + 29 * HOUR_MS + 7, 1.1, -9.0)]},
        "c": {"temperature": [Adjustment(then + DAY_MS + 17 * MINUTE, -1.0, 12.0)]},
    }
    for tag in "abcd":
        batch = readings(seed, tag, Span(T0 - 2 * DAY_MS, now))
        keep(store, batch, corrections.get(tag, {}), now)
    facts = Facts(sources, corrections, dict.fromkeys("abcd", HOUR_MS))
    kept = Kept(now, now - 400 * DAY_MS)
    found = told(store, facts, span, step, kept)

    stale = {tag: [(0, FOREVER)] for tag in "abcd"}
    alike(found, told(store, facts, span, step, dataclasses.replace(kept, hours=stale)))
    stale["b"] = [(T0 + 9 * HOUR_MS, T0 + 31 * HOUR_MS)]
    kept = dataclasses.replace(kept, hours={"b": stale["b"]}, days={"a": [(T0, T0 + DAY_MS)]})
    alike(found, told(store, facts, span, step, kept))
    fine = finest(span, step or DAY_MS, HOUR_MS, resolution(span, step, kept))
    raw = history(facts, span, Grid(fine, step), Raw(store, fine), now=now)
    alike(found, raw, wetness=False)


def test_what_the_worker_has_not_made_yet_is_not_missing(store: Spied) -> None:
    """Late readings in hours that were made, and their marks; days are made from them too."""
    span = Span(T0, T0 + 120 * DAY_MS)
    facts = Facts([Source("a", "air", 0, FOREVER, None)], {}, {"a": HOUR_MS})
    early = readings(1, "a", span)
    late = readings(2, "a", Span(T0 + 50 * DAY_MS + 23 * HOUR_MS, T0 + 51 * DAY_MS), 4 * MINUTE)
    keep(store, early, {}, span.ends)
    store.write(late)
    stale = {"a": [(T0 + 50 * DAY_MS + 23 * HOUR_MS, T0 + 51 * DAY_MS)]}
    kept = Kept(span.ends, 0, hours=stale)
    (series,) = told(store, facts, span, DAY_MS, kept, Resolution.DAILY).series
    fifty = series.start.tolist().index(T0 + 50 * DAY_MS)
    day = store.window(TagKey("acme", "a"), T0 + 50 * DAY_MS, T0 + 51 * DAY_MS)
    assert series.count["temperature"][fifty] == len(day) - day.doubtful.sum()
    assert len(late) > 10
    alike(
        told(store, facts, span, DAY_MS, kept, Resolution.DAILY),
        told(store, facts, span, DAY_MS, Kept(span.ends, 0, {"a": [(0, FOREVER)]})),
    )


def test_what_is_no_longer_kept_raw_is_told_from_its_hours(store: Spied) -> None:
    """An hour of which the lot had a part counts for whoever has its middle."""
    span = Span(T0, T0 + 10 * DAY_MS)
    batch = of_tag(
        TagKey("acme", "a"),
        np.arange(span.begins, span.ends, 10 * MINUTE),
        {"temperature": np.arange(1440.0), "humidity": np.full(1440, 90.0)},
    )
    keep(store, batch, {}, span.ends)
    keep(store, dataclasses.replace(batch, tags=(TagKey("acme", "b"),)), {}, span.ends)
    store.expire(T0 + 8 * DAY_MS)
    now, since = span.ends, T0 + 8 * DAY_MS
    change = T0 + 2 * DAY_MS + 29 * MINUTE  # the middle of this hour is b's
    sources = [
        Source("a", "air", 0, change, None),
        Source("b", "air", change, FOREVER, None),
    ]
    facts = Facts(sources, {}, dict.fromkeys("ab", 600_000))
    found = told(store, facts, span, HOUR_MS, Kept(now, since))
    (series,) = found.series
    assert found.gaps == []
    assert series.count["temperature"].tolist() == [6] * 240
    assert (series.hours_wet == 1.0).sum() >= 238
    quarter = told(store, facts, span, 15 * MINUTE, Kept(now, since))
    (series,) = quarter.series
    assert series.start[:3].tolist() == [T0, T0 + HOUR_MS, T0 + 2 * HOUR_MS]
    assert series.start[-1] == span.ends - 15 * MINUTE
    assert series.count["temperature"].sum() == 1440
    (series,) = told(store, facts, span, 7 * MINUTE, Kept(span.ends + 99 * YEAR, span.ends)).series
    assert series.count["temperature"].sum() == 1440


def test_hours_wet_of_a_lot_are_the_rules_own(store: Spied) -> None:
    """While nothing dries: the fold takes a spell as over after twelve dry hours."""
    span = Span(T0, T0 + 2 * DAY_MS)
    change = T0 + 30 * HOUR_MS + 7 * MINUTE
    sources = [
        Source("a", "air", T0 + 100 * MINUTE, change, None),
        Source("b", "air", change, FOREVER, "bay"),
    ]
    corrections: dict[str, Corrections] = {"b": {"humidity": [Adjustment(0, 1.0, -2.0)]}}
    for tag in "ab":
        chance = np.random.default_rng(sum(tag.encode()))
        times = np.sort(chance.integers(T0 - HOUR_MS, span.ends, 80))
        values = {"temperature": np.full(80, 6.0), "humidity": chance.uniform(76, 100, 80)}
        keep(store, of_tag(TagKey("acme", tag), times, values), corrections.get(tag, {}), span.ends)
    facts = Facts(sources, corrections, dict.fromkeys("ab", HOUR_MS))
    (series,) = told(store, facts, span, None, Kept(span.ends, 0)).series
    by_tag = {TagKey("acme", tag): each for tag, each in corrections.items()}
    wet = 0.0
    for samples in of_lot(store, LotKey("acme", "l"), sources, by_tag, *span):
        hours = np.diff(samples.time, prepend=samples.time[0]) / HOUR_MS
        wet += hours[(hours <= 3.0) & (samples.humidity > 80.0)].sum()
    assert series.hours_wet is not None
    assert series.hours_wet.tolist() == [pytest.approx(wet)]


def test_resolutions_are_chosen_by_the_step_and_the_span() -> None:
    kept = Kept(T0, T0 - 400 * DAY_MS)
    week, year = Span(T0 - 7 * DAY_MS, T0), Span(T0 - YEAR, T0)
    assert resolution(week, 15 * MINUTE, kept) is Resolution.RAW
    assert resolution(week, HOUR_MS, kept) is Resolution.HOURLY
    assert resolution(week, DAY_MS, kept) is Resolution.HOURLY
    assert resolution(week, None, kept) is Resolution.HOURLY
    assert resolution(year, 6 * HOUR_MS, kept) is Resolution.HOURLY
    assert resolution(year, 7 * DAY_MS, kept) is Resolution.DAILY
    assert resolution(year, None, kept) is Resolution.DAILY
    assert resolution(year, 25 * HOUR_MS + 1, kept) is Resolution.HOURLY
    assert resolution(Span(0, HOUR_MS), MINUTE, kept) is Resolution.HOURLY


def test_over_http_and_with_raw_readings_by_windows(
    service: Service, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = service.caller(unique_name)
    who.put("sites", id="S1", **SITE)
    who.put("tags", id="T1", interval_s=3600)
    who.put("lots", id="L1", **LOT)
    who.put("bindings", tag="T1", lot="L1", begins="2023-11-22T00:00:00Z")
    hours = np.arange(100 * 24)
    values = {"temperature": 10 + hours / 1000, "humidity": np.full(len(hours), 85.0)}
    times = NOW - 100 * DAY_MS + hours * HOUR_MS
    service.keep(of_tag(TagKey(unique_name, "T1"), times, values))
    asked = []
    for name in ("window", "aggregate"):
        real = getattr(service.store, name)

        def spy(tag: TagKey, begins: int, ends: int, *more: Any, real: Any = real) -> Any:
            asked.append(ends - begins)
            return real(tag, begins, ends, *more)

        monkeypatch.setattr(service.store, name, spy)

    def ask(**query: str) -> dict[str, Any]:
        query = {"from": "2025-08-14T12:00:00Z", "quantities": "temperature"} | query
        found: dict[str, Any] = who.get("/v1/lots/L1/history", **query)
        return found

    steps = ("30m", "6h", "1d", "7d")
    before = {step: ask(step=step) for step in steps}
    service.roll()
    assert {step: ask(step=step) for step in steps} == before
    assert max(asked) == WINDOW_MS
    resolutions = [before[step]["resolution"] for step in steps]
    assert resolutions == ["raw", "hourly", "daily", "daily"]
    point = before["7d"]["series"][0]["points"][3]
    assert (point["coverage"], point["hours_wet"]) == (1.0, 168.0)
    assert "coverage" not in before["30m"]["series"][0]["points"][0]
    reply = who.reads.get("/v1/lots/L1/history", params={"format": "csv", "step": "1d"})
    assert reply.text.splitlines()[0].endswith(",coverage,hours_wet")


def test_three_years_are_a_thousand_days_to_look_at_and_raw_ones_at_both_ends(store: Spied) -> None:
    """As many as three days by ten minutes; `python -m tests.bench history` has the time it takes.

    Three years ago the span begins within an hour, and so it ends.
    """
    span = Span(T0 + 10 * MINUTE, T0 + 3 * YEAR + 10 * MINUTE)
    keep(store, readings(1, "a", span), {}, span.ends)
    facts = Facts([Source("a", "air", 0, FOREVER, None)], {}, {"a": HOUR_MS})
    (series,) = told(store, facts, span, 3 * DAY_MS, Kept(span.ends, 0)).series
    assert len(series.start) == 366
    assert store.rolled <= 3 * 365 + 48
    assert sum(store.asked) <= 2 * DAY_MS
