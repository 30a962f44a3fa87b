"""What every store must do with rollups, whatever it is made of."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import TagKey, of_tag
from lots.readings.open import open_store
from lots.readings.rollups import nothing
from lots.readings.sqlite import SqliteStore
from lots.readings.store import Aggregate, ReadingStore, Rollups, StoreMisconfigured
from lots.whereabouts import FOREVER
from tests.readings.alike import assert_alike
from tests.servers import InfluxDB

NAN = float("nan")
T0 = 1_763_769_600_000  # a midnight


def rollups(n: int, begins: int = T0, step: int = HOUR_MS) -> Rollups:
    """``n`` steps; humidity is missing in the first, co2 in all but the last."""
    number = np.arange(n, dtype=np.float64)
    count = np.arange(1, n + 1)
    missing = np.where(number < 1, NAN, number)
    co2 = np.where(number < n - 1, NAN, 415.123456789012)
    statistics = Aggregate(
        begins + np.arange(n) * step,
        {"temperature": count, "humidity": count * (number > 0), "co2": 1 * ~np.isnan(co2)},
        {"temperature": number / 7 - 40, "humidity": missing, "co2": co2},
        {"temperature": number / 7, "humidity": missing + 0.1, "co2": co2},
        {"temperature": number / 7 + 1e-9, "humidity": missing + 0.2, "co2": co2},
    )
    heard = np.full(n, (1 << 59) + 1)
    return Rollups(statistics, 100 + count, count, count * 2, heard)


def test_rollups_come_back_as_they_were_written(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "Lager Süd, 羊毛=1")
    written = rollups(5)
    store.write_rollups(HOUR_MS, [(tag, written)])
    assert_alike(store.rollups(tag, 0, FOREVER, HOUR_MS), written)


def test_hours_and_days_are_kept_apart_and_so_are_tags(store: ReadingStore, tenant: str) -> None:
    a, b = TagKey(tenant, "a"), TagKey(tenant, "b")
    hours, days = rollups(3), rollups(2, step=DAY_MS)
    store.write_rollups(HOUR_MS, [(a, hours), (b, rollups(1))])
    store.write_rollups(DAY_MS, [(a, days)])
    assert_alike(store.rollups(a, 0, FOREVER, HOUR_MS), hours)
    assert_alike(store.rollups(a, 0, FOREVER, DAY_MS), days)
    assert len(store.rollups(b, 0, FOREVER, HOUR_MS)) == 1
    assert len(store.rollups(b, 0, FOREVER, DAY_MS)) == 0
    assert len(store.rollups(TagKey(f"{tenant}-2", "a"), 0, FOREVER, HOUR_MS)) == 0


def test_a_rollup_made_again_takes_the_place_of_the_first(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a")
    store.write_rollups(HOUR_MS, [(tag, rollups(4))])
    again = rollups(4).take(np.array([1, 2, 3]))
    shifted = Rollups(again.statistics, again.wet + 7, again.covered, again.dry, again.heard - 1)
    store.write_rollups(HOUR_MS, [(tag, shifted)])
    found = store.rollups(tag, T0 + HOUR_MS, FOREVER, HOUR_MS)
    assert_alike(found, shifted)


def test_a_span_has_its_first_start_and_not_its_last(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a")
    store.write_rollups(HOUR_MS, [(tag, rollups(5))])
    found = store.rollups(tag, T0 + HOUR_MS, T0 + 3 * HOUR_MS, HOUR_MS)
    assert found.statistics.start.tolist() == [T0 + HOUR_MS, T0 + 2 * HOUR_MS]
    assert len(store.rollups(tag, T0, T0, HOUR_MS)) == 0


def test_some_quantities_alone_and_each_of_them(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a")
    store.write_rollups(HOUR_MS, [(tag, rollups(3))])
    found = store.rollups(tag, 0, FOREVER, HOUR_MS, ["co2", "humidity", "never"])
    assert found.covered.tolist() == [101, 102, 103]
    assert set(found.statistics.count) == {"co2", "humidity", "never"}
    assert found.statistics.count["co2"].tolist() == [0, 0, 1]
    assert found.statistics.count["humidity"].tolist() == [0, 2, 3]
    assert found.statistics.count["never"].tolist() == [0, 0, 0]
    assert np.isnan(found.statistics.mean["never"]).all()


def test_nothing_is_written_and_read(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a")
    store.write_rollups(HOUR_MS, [])
    store.write_rollups(HOUR_MS, [(tag, nothing())])
    found = store.rollups(tag, 0, FOREVER, HOUR_MS, ["temperature"])
    assert len(found) == len(found.statistics.mean["temperature"]) == 0


def test_quantities_of_any_name(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a")
    odd = ["time", "tag", "covered", "count.co2", "a b", "a,b", 'a"b', "a\\", "羊毛", "%", "TAG"]
    one = np.array([1.0])
    by_name = {name: one * number for number, name in enumerate(odd)}
    count = dict.fromkeys(odd, np.array([1]))
    nil = np.array([0])
    statistics = Aggregate(np.array([T0]), count, by_name, by_name, by_name)
    written = Rollups(statistics, nil, nil, nil, nil)
    store.write_rollups(HOUR_MS, [(tag, written)])
    assert_alike(store.rollups(tag, 0, FOREVER, HOUR_MS), written)
    assert_alike(store.rollups(tag, 0, FOREVER, HOUR_MS, odd), written)


def test_rollups_outlive_a_restart_and_the_readings(store_url: str, tenant: str) -> None:
    tag = TagKey(tenant, "a")
    with closing(open_store(store_url, 400)) as store:
        store.write(of_tag(tag, [T0], {"temperature": [1.0]}))
        store.write_rollups(HOUR_MS, [(tag, rollups(3))])
    with closing(open_store(store_url, 400)) as store:
        store.expire(T0 + 99 * HOUR_MS)
        assert_alike(store.rollups(tag, 0, FOREVER, HOUR_MS), rollups(3))


def test_more_than_a_page(store: ReadingStore, tenant: str) -> None:
    tag = TagKey(tenant, "a")
    written = rollups(12_000)
    store.write_rollups(HOUR_MS, [(tag, written)])
    assert_alike(store.rollups(tag, 0, FOREVER, HOUR_MS), written)


def test_a_sqlite_file_from_before_rollups_gets_their_tables(tmp_path: Path) -> None:
    path, tag = tmp_path / "readings.sqlite", TagKey("acme", "a")
    with closing(SqliteStore(path)) as store:
        store.write(of_tag(tag, [T0], {"temperature": [1.0]}))
    with closing(sqlite3.connect(path)) as file:
        file.executescript("drop table rollups; drop table other_rollups; pragma user_version = 1;")
    with closing(SqliteStore(path)) as store:
        store.write_rollups(HOUR_MS, [(tag, rollups(2))])
        assert len(store.rollups(tag, 0, FOREVER, HOUR_MS)) == 2
        assert len(store.window(tag, 0, FOREVER)) == 1


def test_influx_keeps_rollups_for_ever_beside_the_readings(
    influxdb: InfluxDB, influx_url: str, unique_name: str
) -> None:
    with closing(open_store(influx_url, 400)) as store:
        store.write_rollups(HOUR_MS, [(TagKey(unique_name, "a"), rollups(2, begins=0))])
    policies = influxdb.query(f'SHOW RETENTION POLICIES ON "{unique_name}_rollups"').json()
    ((_, duration, shard, *_),) = policies["results"][0]["series"][0]["values"]
    assert (duration, shard) == ("0s", f"{364 * 24}h0m0s")
    found = influxdb.query(f'SELECT count(wet) FROM "{unique_name}_rollups"..readings_hourly')
    assert found.json()["results"][0]["series"][0]["values"] == [["1970-01-01T00:00:00Z", 2]]


def test_a_database_of_rollups_that_forgets_is_misconfiguration(
    influxdb: InfluxDB, influx_url: str, unique_name: str
) -> None:
    influxdb.query(f'CREATE DATABASE "{unique_name}_rollups" WITH DURATION 30d')
    with (
        closing(open_store(influx_url, 400)) as store,
        pytest.raises(StoreMisconfigured, match=r"_rollups'.*must keep what it has for ever"),
    ):
        store.write_rollups(HOUR_MS, [(TagKey(unique_name, "a"), rollups(2, begins=0))])


def test_missing_rights_to_the_rollups_name_the_remedy(
    influxdb: InfluxDB, influx_url: str, unique_name: str
) -> None:
    user = f"{unique_name}u"
    influxdb.query(f"CREATE USER \"{user}\" WITH PASSWORD 'low'")
    influxdb.query(f'GRANT ALL ON "{unique_name}" TO "{user}"')
    host = influx_url.rpartition("@")[2]
    with closing(open_store(f"influxdb://{user}:low@{host}", 400)) as store:
        store.check()
        for ask in (
            lambda: store.write_rollups(HOUR_MS, [(TagKey(unique_name, "a"), rollups(1))]),
            lambda: store.rollups(TagKey(unique_name, "a"), 0, 9, HOUR_MS),
        ):
            with pytest.raises(StoreMisconfigured, match=rf"{unique_name}_rollups"):
                ask()
