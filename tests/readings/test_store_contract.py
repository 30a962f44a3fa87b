"""What every store must do, whatever it is made of."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import count, pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lots.readings.batch import (
    DOUBT,
    Flag,
    ReadingBatch,
    TagKey,
    concatenate,
    empty,
    of_tag,
)
from lots.readings.open import open_store
from lots.readings.store import Aggregate, ReadingStore
from lots.whereabouts import FOREVER

HOUR = 3_600_000
T0 = 1_763_766_000_000  # on the hour
NAN = float("nan")


def same(found: ReadingBatch, wanted: ReadingBatch) -> None:
    """Readings of one tag, equal in all that is stored but its name."""
    assert found.time.tolist() == wanted.time.tolist()
    assert found.key.tolist() == wanted.key.tolist()
    assert found.flags.tolist() == wanted.flags.tolist()
    assert found.doubtful.tolist() == wanted.doubtful.tolist()
    assert set(found.values) == {
        name for name, column in wanted.values.items() if not np.isnan(column).all()
    }
    for name, column in found.values.items():
        np.testing.assert_array_equal(column, wanted.values[name])


def everything(store: ReadingStore, tag: TagKey) -> ReadingBatch:
    return store.window(tag, 0, FOREVER)


def test_a_reading_comes_back_as_it_was_written(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    written = of_tag(
        tag,
        [T0, T0 + 1, T0 + 2],
        {
            "temperature": [21.4, -40.000000000000014, NAN],
            "humidity": [0.1 + 0.2, NAN, NAN],
            "pressure": [1008.2, 1e-300, 5e-324],
            "shock": [NAN, 3.25, 1e22],
        },
        key=[999_999, 0, 123_456],
        flags=[0, int(Flag.SECONDS | Flag.HUMIDITY_RANGE), 1],
    )
    assert store.write(written) == []
    found = everything(store, tag)
    same(found, written)
    assert found.tags == (tag,)


def test_a_reading_written_again_changes_nothing(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    once = of_tag(tag, [T0, T0 + 5], {"temperature": [1.5, 2.5], "door": [0.0, 1.0]}, key=[7, 8])
    assert store.write(once) == []
    assert store.write(concatenate([once, once])) == []
    same(everything(store, tag), once)
    assert store.count(tenant) == 2


def test_two_readings_of_one_millisecond_both_stay(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    both = of_tag(tag, [T0, T0], {"temperature": [1.0, 2.0]}, key=[0, 999_999])
    store.write(both)
    same(everything(store, tag), both)
    same(store.window(tag, T0, T0 + 1), both)


def test_readings_out_of_order_are_in_order(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    times = np.array([T0 + 7, T0 + 3, T0 + 9, T0, T0 + 3])
    keys = np.array([0, 5, 0, 0, 2])
    shuffled = of_tag(tag, times, {"temperature": times - T0}, key=keys)
    store.write(shuffled.take(np.array([0, 1, 2])))
    store.write(shuffled.take(np.array([3, 4])))
    same(everything(store, tag), shuffled.take(np.array([3, 4, 1, 0, 2])))


def test_a_window_has_its_first_instant_and_not_its_last(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    store.write(of_tag(tag, [T0, T0 + 1, T0 + 2], {"temperature": [0, 1, 2]}, key=[0, 9, 999_999]))
    assert store.window(tag, T0, T0 + 2).time.tolist() == [T0, T0 + 1]
    assert store.window(tag, T0 + 1, T0 + 3).time.tolist() == [T0 + 1, T0 + 2]
    assert store.window(tag, -FOREVER, FOREVER).time.tolist() == [T0, T0 + 1, T0 + 2]
    for nothing in ((T0 + 1, T0 + 1), (T0 + 2, T0), (T0 + 3, FOREVER), (FOREVER, FOREVER)):
        assert len(store.window(tag, *nothing)) == 0


def test_a_quantity_that_a_window_lacks_is_not_named(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    store.write(of_tag(tag, [T0, T0 + 9], {"temperature": [1, NAN], "tilt": [NAN, 2]}))
    assert set(store.window(tag, T0, T0 + 1).values) == {"temperature"}
    assert set(store.window(tag, T0 + 1, T0 + 99).values) == {"tilt"}


def test_tenants_are_walls(store: ReadingStore, tenant: str) -> None:
    mine, theirs = TagKey(tenant, "a1"), TagKey(f"{tenant}-2", "a1")
    store.write(of_tag(mine, [T0], {"temperature": [1.0]}))
    store.write(of_tag(theirs, [T0, T0 + 1], {"temperature": [2.0, 3.0]}))
    assert everything(store, mine).values["temperature"].tolist() == [1.0]
    assert everything(store, theirs).values["temperature"].tolist() == [2.0, 3.0]
    assert (store.count(tenant), store.count(f"{tenant}-2")) == (1, 2)


def test_what_nobody_wrote_is_empty(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "never")
    assert len(everything(store, tag)) == 0
    assert store.count(tenant) == 0
    found = store.aggregate(tag, 0, FOREVER, HOUR, ["temperature"])
    assert (
        len(found.start) == len(found.count["temperature"]) == len(found.mean["temperature"]) == 0
    )
    assert len(everything(store, TagKey(tenant, "\ud800"))) == 0
    store.check()


def test_an_empty_batch_is_written(store: ReadingStore) -> None:
    assert store.write(empty()) == []


def test_a_reading_without_values_is_a_reading(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    bare = of_tag(tag, [T0, T0 + 1], {"temperature": [NAN, NAN]}, flags=[1, 0])
    assert store.write(bare) == []
    same(everything(store, tag), bare)
    assert store.count(tenant) == 2
    found = store.aggregate(tag, T0, T0 + HOUR, HOUR, ["temperature"])
    assert (found.start.tolist(), found.count["temperature"].tolist()) == ([T0], [0])


def test_values_that_are_no_numbers_are_absent(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    store.write(
        of_tag(
            tag,
            [T0, T0 + 1, T0 + 2, T0 + 3],
            {"temperature": [np.inf, -np.inf, NAN, 4.0], "x": [np.inf, 1e308, -1e308, 1e289]},
        )
    )
    same(
        everything(store, tag),
        of_tag(
            tag,
            [T0, T0 + 1, T0 + 2, T0 + 3],
            {"temperature": [NAN, NAN, NAN, 4.0], "x": [NAN, NAN, NAN, 1e289]},
        ),
    )
    assert store.aggregate(tag, T0, T0 + 9, HOUR, ["x"]).mean["x"].tolist() == [1e289]


ODD = [
    "Lager Süd · 倉庫 7",
    "羊毛",
    "a b",
    "a,b",
    "a=b",
    "a\\",
    "a\\,b",
    "a\\\\ b",
    'say "a"',
    "it's",
    "a%5C",
    "a%",
    "a\nb",
    "a\tb\r",
    "a\x00b",
    "a\u2028b\x85",
    "#a",
    " a ",
    "é",
    "e\u0301",
    "😀",
    "select",
    "*",
]


@pytest.mark.parametrize("where", ["tenant", "tag", "quantity"])
def test_any_name_comes_back(store: ReadingStore, tenant: str, where: str) -> None:
    wanted = {}
    for number, name in enumerate(ODD):
        tag = TagKey(
            f"{tenant}{name}" if where == "tenant" else tenant, name if where == "tag" else "a1"
        )
        at = T0 + number * (where == "quantity")
        quantity = name if where == "quantity" else "temperature"
        wanted[name] = (tag, of_tag(tag, [at], {quantity: [float(number)]}))
    assert store.write(concatenate(written for _, written in wanted.values())) == []
    for name, (tag, written) in wanted.items():
        quantity, *_ = written.values
        found = store.window(tag, int(written.time[0]), int(written.time[0]) + 1)
        same(found, written)
        assert found.tags == (tag,), name
        statistics = store.aggregate(tag, 0, FOREVER, 1, [quantity])
        assert statistics.count[quantity].sum() == 1, name


def test_a_window_may_be_of_some_quantities_alone(store: ReadingStore, tenant: str) -> None:
    """Readings without any of them are there all the same."""
    tag = TagKey(tenant, "a1")
    values = {"temperature": [1.0, NAN], "tag": [5.0, NAN], "tilt": [NAN, 7.0]}
    assert store.write(of_tag(tag, [T0, T0 + 1], values, flags=[2, 16])) == []
    found = store.window(tag, T0, T0 + 9, ["temperature", "tag", "probe"])
    assert found.time.tolist() == [T0, T0 + 1]
    assert found.flags.tolist() == [2, 16]
    assert set(found.values) <= {"temperature", "tag", "probe"}
    for name, first in (("temperature", 1.0), ("tag", 5.0), ("probe", NAN)):
        np.testing.assert_array_equal(found.value(name), [first, NAN])


def test_quantities_may_be_called_as_a_store_calls_its_own(
    store: ReadingStore, tenant: str
) -> None:
    names = [
        "time",
        "tag",
        "tenant",
        "flags",
        "doubt",
        "_field",
        "value.time",
        "value",
        "at",
        "TAG",
    ]
    tag = TagKey(tenant, "a1")
    written = of_tag(tag, [T0], {name: [float(at)] for at, name in enumerate(names)}, flags=[3])
    assert store.write(written) == []
    same(everything(store, tag), written)
    found = store.aggregate(tag, T0, T0 + 1, HOUR, names)
    assert [found.mean[name].tolist() for name in names] == [[at] for at in range(len(names))]


def test_a_bad_reading_takes_no_good_one_with_it(store: ReadingStore, tenant: str) -> None:
    good, bad = TagKey(tenant, "good"), TagKey(tenant, "")
    batch = concatenate(
        [
            of_tag(good, [T0, T0 + 1], {"temperature": [1, 2], "": [NAN, 5]}),
            of_tag(bad, [T0], {"temperature": [3]}),
            of_tag(TagKey(tenant, "\udc80"), [T0], {"temperature": [3]}),
            of_tag(good, [T0 + 2, 2**61], {"temperature": [4, 5]}),
            of_tag(good, [T0 + 3], {"temperature": [6], "x\ud800": [6]}),
            of_tag(good, [T0 + 4], {"temperature": [7]}),
        ]
    )
    refused = store.write(batch)
    assert [one.position for one in refused] == [1, 2, 3, 5, 6]
    reasons = [one.reason for one in refused]
    assert "quantity has an empty name" in reasons[0]
    assert "tag has an empty name" in reasons[1]
    assert "not valid Unicode" in reasons[2]
    assert "not between 1677 and 2262" in reasons[3]
    assert "not valid Unicode" in reasons[4]
    assert everything(store, good).values["temperature"].tolist() == [1, 4, 7]


def test_aggregates_by_step(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    store.write(
        of_tag(
            tag,
            [T0 - 1, T0, T0 + HOUR - 1, T0 + HOUR, T0 + 5 * HOUR, T0 + 6 * HOUR],
            {
                "temperature": [50, 10, 20, 30, NAN, 60],
                "humidity": [NAN, 60, NAN, 61, NAN, NAN],
                "light": [NAN, NAN, 5, 7, 8, NAN],
            },
        )
    )
    found = store.aggregate(
        tag, T0, T0 + 6 * HOUR, HOUR, ["temperature", "humidity", "light", "tilt"]
    )
    assert found.start.tolist() == [T0, T0 + HOUR, T0 + 5 * HOUR]
    assert found.count["temperature"].tolist() == [2, 1, 0]
    assert found.low["temperature"].tolist()[:2] == [10, 30]
    assert found.mean["temperature"].tolist()[:2] == [15, 30]
    assert found.high["temperature"].tolist()[:2] == [20, 30]
    assert found.count["humidity"].tolist() == [1, 1, 0]
    assert found.count["light"].tolist() == [1, 1, 1]
    assert found.mean["light"].tolist() == [5, 7, 8]
    assert found.count["tilt"].tolist() == [0, 0, 0]
    for column in (found.low, found.mean, found.high):
        assert np.isnan(column["temperature"][2])
        assert np.isnan(column["humidity"][2])
        assert np.isnan(column["tilt"]).all()
    assert found.start.dtype == found.count["tilt"].dtype == np.int64


def test_steps_are_multiples_since_1970_also_where_the_span_is_not(
    store: ReadingStore, tenant: str
) -> None:
    tag = TagKey(tenant, "a1")
    week = 7 * 24 * HOUR
    store.write(of_tag(tag, [T0, T0 + 2 * HOUR], {"temperature": [1, 3]}, key=[999_999, 0]))
    found = store.aggregate(tag, T0, T0 + 2 * HOUR + 1, week, ["temperature"])
    assert found.start.tolist() == [T0 // week * week]
    assert found.mean["temperature"].tolist() == [2.0]
    assert store.aggregate(tag, T0, T0 + 1, week, ["temperature"]).mean["temperature"] == [1.0]
    assert store.aggregate(tag, T0, T0 + 1, week, []).start.tolist() == [T0 // week * week]


def test_times_before_1970_are_times(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    early = of_tag(
        tag, [-HOUR - 1, -1, 0], {"temperature": [1, 2, 3], "light": [4, 5, 6]}, key=[3, 9, 0]
    )
    store.write(early)
    same(store.window(tag, -FOREVER, FOREVER), early)
    found = store.aggregate(tag, -FOREVER, FOREVER, HOUR, ["temperature", "light"])
    assert found.start.tolist() == [-2 * HOUR, -HOUR, 0]
    assert found.mean["light"].tolist() == [4, 5, 6]


def test_doubtful_readings_are_kept_and_not_counted(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    readings = of_tag(
        tag,
        [T0, T0 + 1, T0 + HOUR],
        {"temperature": [20, 900, 901], "light": [1, 2, 3]},
        flags=[int(Flag.SERVER_TIME), int(Flag.TEMPERATURE_RANGE), int(DOUBT)],
    )
    store.write(readings)
    same(everything(store, tag), readings)
    found = store.aggregate(tag, T0, T0 + 2 * HOUR, HOUR, ["temperature", "light"])
    assert found.start.tolist() == [T0]
    assert found.high["temperature"].tolist() == [20]
    assert found.count["light"].tolist() == [1]


def test_a_hundred_thousand_readings(store: ReadingStore, tenant: str) -> None:
    tag, other = TagKey(tenant, "a1"), TagKey(tenant, "b2")
    n = 100_000
    step = np.arange(n)
    number = step.astype(np.float64)
    written = of_tag(
        tag,
        T0 + step * 1000,
        {"temperature": np.sin(step), "humidity": step / 7, "co2": number % 1000},
        key=step % 1_000_000,
    )
    store.write(of_tag(other, T0 + step[::100] * 1000, {"temperature": number[::100]}))
    for start in range(0, n, 25_000):
        assert store.write(written.take(step[start : start + 25_000])) == []
    assert store.count(tenant) == n + n // 100
    same(everything(store, tag), written)
    found = store.aggregate(tag, 0, FOREVER, HOUR, ["temperature", "co2"])
    agrees(found, expected(written, HOUR, ["temperature", "co2"]))
    assert len(store.window(tag, T0 + 50_000_000, T0 + 50_001_000)) == 1


def test_what_was_written_is_there_after_a_restart(store_url: str, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    readings = of_tag(tag, [T0, T0 + 1], {"temperature": [1.0, 2.0], "tilt": [NAN, 4.0]})
    first = open_store(store_url, 400)
    first.write(readings)
    first.close()
    second = open_store(store_url, 400)
    same(everything(second, tag), readings)
    later = of_tag(tag, [T0 + 2], {"tilt": [5.0]})
    second.write(later)
    second.close()
    third = open_store(store_url, 400)
    same(everything(third, tag), concatenate([readings, later]))
    third.close()


def test_threads_read_while_one_writes(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a1")
    written, errors = threading.Event(), []

    def read() -> None:
        seen = 0
        try:
            while not written.is_set():
                found = everything(store, tag)
                assert len(found) >= seen
                assert found.time.tolist() == list(range(T0, T0 + len(found)))
                seen = len(found)
        except BaseException as error:
            errors.append(error)
            raise

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for at in range(0, 1000, 50):
        time = np.arange(T0 + at, T0 + at + 50)
        value = time.astype(np.float64)
        store.write(of_tag(tag, time, {"temperature": value, "tilt": value}))
    written.set()
    for reader in readers:
        reader.join()
    assert errors == []
    assert store.count(tenant) == 1000


def expected(readings: ReadingBatch, step: int, quantities: Sequence[str]) -> Aggregate:
    """The same by numpy, from readings of one tag that are not doubtful."""
    start, place = np.unique(readings.time // step * step, return_inverse=True)
    columns: Mapping[str, list[np.ndarray]] = {
        name: [readings.value(name)[place == at] for at in range(len(start))] for name in quantities
    }
    there = {
        name: [column[~np.isnan(column)] for column in found] for name, found in columns.items()
    }

    def each(take: object) -> dict[str, np.ndarray]:
        return {
            name: np.array([take(one) if len(one) else NAN for one in found])  # type: ignore[operator]
            for name, found in there.items()
        }

    return Aggregate(
        start=start,
        count={name: np.array([len(one) for one in found]) for name, found in there.items()},
        low=each(np.min),
        mean=each(np.mean),
        high=each(np.max),
    )


def agrees(found: Aggregate, wanted: Aggregate) -> None:
    assert found.start.tolist() == wanted.start.tolist()
    for name in wanted.count:
        assert found.count[name].tolist() == wanted.count[name].tolist()
        np.testing.assert_array_equal(found.low[name], wanted.low[name])
        np.testing.assert_array_equal(found.high[name], wanted.high[name])
        scale = np.nanmax(np.abs(wanted.high[name]), initial=1.0)
        np.testing.assert_allclose(
            found.mean[name], wanted.mean[name], rtol=1e-9, atol=1e-9 * scale
        )


READING = st.tuples(
    st.integers(T0, T0 + 3 * HOUR),
    st.integers(0, 999_999),
    st.sampled_from([0, 1, 5, int(Flag.PROBE_RANGE), int(Flag.HUMIDITY_RANGE | Flag.SECONDS)]),
    st.tuples(
        *[
            st.one_of(st.just(NAN), st.floats(-1e6, 1e6), st.sampled_from([0.1, 1e-9, -273.15]))
            for _ in range(3)
        ]
    ),
)
SERIAL = count()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    readings=st.lists(READING, max_size=30, unique_by=lambda one: one[:2]),
    cuts=st.lists(st.integers(0, 30), max_size=3),
    step=st.sampled_from([1, 1000, 60_000, 900_000, HOUR, 86_400_000]),
    data=st.data(),
)
def test_any_readings_in_any_batches_come_back(
    store: ReadingStore,
    tenant: str,
    readings: list[tuple[int, int, int, tuple[float, ...]]],
    cuts: list[int],
    step: int,
    data: st.DataObject,
) -> None:
    tag = TagKey(f"{tenant}-{next(SERIAL)}", "a1")
    names = ("temperature", "humidity", "strain")
    written = of_tag(
        tag,
        [one[0] for one in readings],
        {name: [one[3][at] for one in readings] for at, name in enumerate(names)},
        key=[one[1] for one in readings],
        flags=[one[2] for one in readings],
    )
    edges = [0, *sorted(cuts), len(readings)]
    parts = [written.take(np.arange(a, min(b, len(readings)))) for a, b in pairwise(edges)]
    for part in data.draw(st.permutations([*parts, written])):
        assert store.write(part) == []
    ordered = written.take(np.argsort(written.stored_ns))
    same(everything(store, tag), ordered)
    agrees(
        store.aggregate(tag, T0, T0 + 3 * HOUR + 1, step, names),
        expected(ordered.take(~ordered.doubtful), step, names),
    )
