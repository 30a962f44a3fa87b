"""URLs of stores, good and bad."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from lots.readings.address import address
from lots.readings.influx_database import InfluxServer
from lots.readings.open import open_store
from lots.readings.sqlite import SqliteStore
from lots.readings.store import StoreMisconfigured


def test_a_path_is_relative_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///near.sqlite", f"sqlite:///{tmp_path}/far %20.sqlite"):
        with closing(open_store(url, 400)) as store:
            assert isinstance(store, SqliteStore)
            store.check()
    assert (tmp_path / "near.sqlite").exists()
    assert (tmp_path / "far %20.sqlite").exists()


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("influxdb://db:9999/dunnage", InfluxServer("http://db:9999", "dunnage")),
        ("influxdbs://u@db/dunnage", InfluxServer("https://db:8086", "dunnage", user="u")),
        (
            "influxdb://us%40er:p%2Fw%3A@[::1]:1/my%20db",
            InfluxServer("http://[::1]:1", "my db", user="us@er", password="p/w:"),
        ),
        (
            "influxdb2://a%2Fb==@db/our%20org/bucket/",
            InfluxServer("http://db:8086", "bucket", org="our org", token="a/b=="),
        ),
        (
            "influxdb2s://t@db:443/o/b",
            InfluxServer("https://db:443", "b", org="o", token="t"),
        ),
    ],
)
def test_influx_urls(url: str, server: InfluxServer) -> None:
    assert address(url) == server


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "names no store we know"),
        ("readings.sqlite", "names no store we know"),
        ("sqlite://", "names no store we know"),
        ("sqlite:///", "names no store we know"),
        ("sqlite:///:memory:", "names no store we know"),
        ("postgresql://u:secret@db/x", "names no store we know"),
        ("http://u:secret@db:8086/x", "names no store we know"),
        ("influxdb:///dunnage", "names no host"),
        ("influxdb://u:secret@db", "must name one database"),
        ("influxdb://u:secret@db/a/b", "must name one database"),
        ("influxdb://u:secret@db:port/a", "port in readings_url is no number"),
        ("influxdb://u:secret/1@db/a", "port in readings_url is no number"),
        ("influxdb://u:secret@db/a?precision=s", "more than a path"),
        ("influxdb2://secret@db/bucket", "an organisation and a bucket"),
        ("influxdb2://secret@db/org//bucket", "an organisation and a bucket"),
        ("influxdb2://u:secret@db/org/bucket", "where a token belongs"),
    ],
)
def test_a_bad_url_is_refused_with_the_forms_and_without_its_secret(url: str, words: str) -> None:
    with pytest.raises(StoreMisconfigured, match=words) as refused:
        open_store(url, 400)
    message = str(refused.value)
    assert "influxdb2://TOKEN@HOST:8086/ORG/BUCKET" in message
    assert "sqlite:///readings.sqlite" in message
    assert "secret" not in message
