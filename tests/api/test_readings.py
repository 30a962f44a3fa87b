"""A tag's raw readings by page, asked for over HTTP from a real store."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from lots import registry
from lots.model import UnknownTag
from lots.readings.batch import Flag, TagKey, of_tag
from tests.api.service import NOW, Caller, Service, problem

HOUR = 3_600_000
DAY = 24 * HOUR


def pages(who: Caller, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """The items of every page from ``path`` on."""
    found = who.get(path, **query)
    all_pages = [found["items"]]
    while found["next"]:
        found = who.get(found["next"])
        all_pages.append(found["items"])
    return all_pages


def write(service: Service, who: Caller, tag: str, times: Any, **columns: Any) -> None:
    key, flags = columns.pop("key", None), columns.pop("flags", None)
    service.store.write(of_tag(TagKey(who.tenant, tag), times, columns, key=key, flags=flags))


def test_a_reading_is_shown_as_it_came(service: Service, acme: Caller) -> None:
    acme.put("tags", id="T1")
    doubted = int(Flag.HUMIDITY_RANGE | Flag.SERVER_TIME)
    write(
        service,
        acme,
        "T1",
        [NOW - 2000, NOW - 1500],
        key=[7, 999_999],
        flags=[0, doubted],
        temperature=[21.43, np.nan],
        humidity=[np.nan, 140.0],
        co2=[412.0, np.nan],
    )
    found = acme.get("/v1/tags/T1/readings")
    assert found == {
        "tag": "T1",
        "from": "2025-11-21T12:00:00Z",
        "to": "2025-11-22T12:00:00Z",
        "items": [
            {
                "t": "2025-11-22T11:59:58Z",
                "key": 7,
                "flags": [],
                "values": {"co2": 412.0, "temperature": 21.43},
            },
            {
                "t": "2025-11-22T11:59:58.500Z",
                "key": 999_999,
                "flags": ["server_time", "humidity_range"],
                "values": {"humidity": 140.0},
            },
        ],
        "next": None,
    }


@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
def test_pages_have_every_reading_once_and_in_order(
    service: Service, acme: Caller, limit: int
) -> None:
    """Also where many were taken at one millisecond, and where there is none for hours."""
    acme.put("tags", id="T1")
    chance = np.random.default_rng(limit)
    times = np.sort(
        NOW - chance.choice([5, 40 * HOUR, 60 * HOUR], 60) - chance.integers(3, size=60)
    )
    keys = chance.permutation(1_000_000)[:60]
    write(service, acme, "T1", times, key=keys, temperature=np.arange(60.0))
    span = {"from": "2025-11-19T12:00:00Z", "to": "2025-11-22T12:00:00Z"}

    found = pages(acme, "/v1/tags/T1/readings", limit=limit, **span)

    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    items = [item for page in found for item in page]
    order = np.lexsort((keys, times))
    assert [item["key"] for item in items] == keys[order].tolist()
    assert [item["values"]["temperature"] for item in items] == order.astype(float).tolist()


def test_the_next_page_keeps_an_end_that_was_left_out(service: Service, acme: Caller) -> None:
    acme.put("tags", id="a b@c:-")
    write(service, acme, "a b@c:-", [NOW - 3, NOW - 2], temperature=[1.0, 2.0])
    found = acme.get(f"/v1/tags/{quote('a b@c:-')}/readings", limit=1)
    assert httpx.URL(found["next"]).params["to"] == "2025-11-22T12:00:00Z"
    (last,) = acme.get(found["next"])["items"]
    assert last["values"] == {"temperature": 2.0}


def test_its_ends_are_from_and_to(service: Service, acme: Caller) -> None:
    acme.put("tags", id="T1")
    write(service, acme, "T1", NOW + np.arange(-3, 3), temperature=np.arange(6.0))
    query = {"from": "2025-11-22T11:59:59.998Z", "to": "2025-11-22T12:00:00.001Z"}
    found = acme.get("/v1/tags/T1/readings", **query)["items"]
    assert [item["values"]["temperature"] for item in found] == [1, 2, 3]


def test_a_tag_that_nobody_registered_is_shown_once_it_was_heard_of(
    service: Service, acme: Caller
) -> None:
    acme.refused("/v1/tags/stray/readings", 404)
    with registry.writing(service.engine) as session:
        session.add(
            UnknownTag(tenant=acme.tenant, tag="stray", first_seen=1, last_seen=1, last_values={})
        )
    write(service, acme, "stray", [NOW - 1], temperature=[4.0])
    assert len(acme.get("/v1/tags/stray/readings")["items"]) == 1


def test_what_is_anothers_looks_like_what_is_not(
    service: Service, acme: Caller, rival: Caller
) -> None:
    acme.put("tags", id="T1")
    write(service, acme, "T1", [NOW - 1], temperature=[4.0])
    theirs = rival.refused("/v1/tags/T1/readings", 404)
    nobodys = rival.refused("/v1/tags/T2/readings", 404)
    assert theirs["detail"].replace("T1", "T2") == nobodys["detail"]
    rival.put("tags", id="T1")
    assert rival.get("/v1/tags/T1/readings")["items"] == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"from": "2025-11-19T11:59:59Z"}, "72 hours"),
        ({"from": "2025-11-22T12:00:00Z"}, "swap"),
        ({"after": "x"}, "next"),
        ({"after": "9" * 19}, "next"),
        ({"limit": 0}, "greater"),
        ({"limit": 10_001}, "less"),
        ({"form": "csv"}, "no parameter"),
    ],
)
def test_what_cannot_be_asked_says_why(acme: Caller, query: dict[str, Any], told: str) -> None:
    acme.put("tags", id="T1")
    found = problem(acme.reads.get("/v1/tags/T1/readings", params=query), 422)
    assert told in found["detail"]
