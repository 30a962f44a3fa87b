"""Readings of a tag that have not come, by the numbers that it gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session

from api import resources
from api.auth import Asking, Transaction
from api.problems import invalid, not_found
from api.query import After, Limit
from api.resources import Item, Page
from lots.fields import written
from lots.model import Tag, TagSequence, UnknownTag

_CURSOR = re.compile(r"(\d{1,19})~(\d{1,19})~(\d{1,19})", re.ASCII)


class Gap(NamedTuple):
    """``closed``: ms; 0 while it is open."""

    boot: int
    first: int
    closed: int
    last: int
    noticed: int


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/tags", tags=["tags"])
    made.add_api_route(
        "/{id}/gaps",
        gaps,
        summary="Readings of a tag that have not come, by boot and number",
        operation_id="list_tag_gaps",
    )
    return made


def gaps(
    id: str,  # noqa: A002
    request: Request,
    asking: Asking,
    session: Transaction,
    closed: Annotated[
        bool, Query(description="Also those that late data closed, the latest 32")
    ] = False,
    after: After = None,
    limit: Limit = 100,
) -> Page:
    sequence = session.get(TagSequence, (asking.tenant, id))
    if sequence is None:
        _require_known(session, asking.tenant, id)
    begin = (-1, -1, -1) if after is None else _cursor(after)
    found = sorted(
        gap
        for gap in (_gaps(sequence) if sequence else ())
        if (closed or not gap.closed) and gap[:3] > begin
    )
    shown = found[: limit + 1]
    cursors = ["~".join(map(str, gap[:3])) for gap in shown]
    return resources.page(
        request, [_item(gap) for gap in shown], limit, lambda _: cursors[limit - 1]
    )


def _gaps(sequence: TagSequence) -> Iterator[Gap]:
    """All of a tag's, in no order."""
    more = sequence.more or {}
    stretches = [(sequence.boot, more.get("gaps", ()))]
    stretches += [(boot, gaps) for boot, _, _, gaps in more.get("former", ())]
    for boot, found in stretches:
        for first, last, noticed in found:
            yield Gap(boot, first, 0, last, noticed)
    for boot, first, last, noticed, at in more.get("closed", ()):
        yield Gap(boot, first, at, last, noticed)


def _item(gap: Gap) -> Item:
    return {
        "boot": gap.boot,
        "first": gap.first,
        "last": gap.last,
        "count": gap.last - gap.first + 1,
        "state": "closed" if gap.closed else "open",
        "noticed": written(gap.noticed),
        "closed": written(gap.closed) if gap.closed else None,
    }


def _cursor(after: str) -> tuple[int, ...]:
    found = _CURSOR.fullmatch(after)
    if found is None:
        message = "it is not from a page's next; take that address as it is, or leave it out"
        raise invalid(message, where="query after")
    return tuple(map(int, found.groups()))


def _require_known(session: Session, tenant: str, tag: str) -> None:
    """A tag that reports without numbers, or is registered and silent, has no gaps."""
    if not any(session.get(kind, (tenant, tag)) for kind in (Tag, UnknownTag)):
        raise not_found("tag", tag)
