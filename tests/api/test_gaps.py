"""What has not come of a tag, as the worker noted it."""

from __future__ import annotations

from typing import Any

import pytest

from lots.model import TagSequence, UnknownTag
from tests.api.service import NOW, Caller, Service
from tests.api.test_left_over import keep, stranger

MINUTE = 60_000


def noted(service: Service, who: Caller, tag: str, **more: list[Any]) -> None:
    row = TagSequence(
        tenant=who.tenant, tag=tag, boot=17, low=0, high=99, heard=NOW, more=more or None
    )
    keep(service, row)


def test_open_gaps_are_shown_and_closed_ones_where_asked_for(
    service: Service, acme: Caller
) -> None:
    noted(
        service,
        acme,
        "T1",
        gaps=[[10, 12, NOW - 2 * MINUTE], [40, 40, NOW - MINUTE]],
        former=[[16, 0, 9, [[3, 3, NOW - 9 * MINUTE]]]],
        closed=[[17, 5, 6, NOW - 5 * MINUTE, NOW - 4 * MINUTE]],
    )
    acme.put("tags", id="T1")
    found = acme.get("/v1/tags/T1/gaps")
    assert found["next"] is None
    assert [(gap["boot"], gap["first"], gap["last"]) for gap in found["items"]] == [
        (16, 3, 3),
        (17, 10, 12),
        (17, 40, 40),
    ]
    assert found["items"][1] == {
        "boot": 17,
        "first": 10,
        "last": 12,
        "count": 3,
        "state": "open",
        "noticed": "2025-11-22T11:58:00Z",
        "closed": None,
    }
    closed = acme.get("/v1/tags/T1/gaps", closed=True)["items"]
    assert [gap["first"] for gap in closed] == [3, 5, 10, 40]
    assert closed[1]["state"] == "closed"
    assert closed[1]["closed"] == "2025-11-22T11:56:00Z"


def test_pages_have_each_gap_once(service: Service, acme: Caller) -> None:
    noted(
        service,
        acme,
        "T ü",
        gaps=[[n, n, NOW] for n in range(0, 50, 2)],
        closed=[[17, 0, 0, NOW - 2, NOW - 1]],
    )
    found, address = [], "/v1/tags/T ü/gaps?closed=true&limit=7"
    while address:
        page = acme.get(address)
        assert len(page["items"]) <= 7
        found += [(gap["first"], gap["state"]) for gap in page["items"]]
        address = page["next"]
    assert found == [(0, "open"), (0, "closed"), *((n, "open") for n in range(2, 50, 2))]
    acme.refused("/v1/tags/T ü/gaps", 422, after="17~x~0")


def test_a_tag_without_gaps_has_none(service: Service, acme: Caller) -> None:
    noted(service, acme, "counting")
    acme.put("tags", id="silent")
    keep(service, stranger(acme, "stray"))
    for tag in ("counting", "silent", "stray"):
        assert acme.get(f"/v1/tags/{tag}/gaps") == {"items": [], "next": None}


@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_what_is_not_yours_is_as_what_is_not(
    service: Service, acme: Caller, rival: Caller, whose: str
) -> None:
    if whose == "another's":
        noted(service, rival, "T9", gaps=[[1, 2, NOW]])
        keep(service, UnknownTag(tenant=rival.tenant, tag="T9", first_seen=1, last_seen=2))
    told = acme.refused("/v1/tags/T9/gaps", 404)
    assert told["detail"] == "There is no tag 'T9'."
