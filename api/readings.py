"""A tag's readings one by one, as they came: doubted, flagged and late ones too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from api.auth import Asking, Transaction
from api.problems import invalid, not_found
from api.query import Moment
from api.resources import Item
from lots.clock import DAY_MS, HOUR_MS
from lots.fields import milliseconds, written
from lots.model import Tag, UnknownTag
from lots.readings.batch import KEY_MODULUS, Flag, ReadingBatch, TagKey, concatenate
from lots.readings.store import ReadingHistory

MOST_HOURS = 72
"""Nothing asks a store for more of raw readings at once: InfluxDB 3 Core answers no more."""

DEFAULT_SPAN_MS = DAY_MS
FIRST_LOOK_MS = HOUR_MS // 4
_CURSOR = re.compile(r"\d{1,19}", re.ASCII)
_LAST_NS = 2**63 - 1


class Asked(NamedTuple):
    """begins <= t < ends, ms; readings stored after ``after``, ns; ``limit`` of them at most."""

    begins: int
    ends: int
    after: int
    limit: int


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/tags", tags=["tags"])
    made.add_api_route(
        "/{id}/readings",
        readings,
        summary="A tag's readings as they came, oldest first",
        operation_id="list_tag_readings",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}},
    )
    return made


def asked(
    request: Request,
    begins: Annotated[
        Moment | None, Query(alias="from", description="A day before `to` if left out")
    ] = None,
    ends: Annotated[Moment | None, Query(alias="to", description="Now if left out")] = None,
    after: Annotated[
        str | None, Query(max_length=20, description="Go on after this; `next` has it for you")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="How many at most")] = 1000,
) -> Asked:
    """What is asked for, or the problem with it."""
    last = milliseconds(ends) if ends else request.app.state.clock.now_ms()
    first = milliseconds(begins) if begins else max(0, last - DEFAULT_SPAN_MS)
    if first >= last:
        raise invalid(f"it is not before to ({written(last)}); swap the two", where="query from")
    if last - first > MOST_HOURS * HOUR_MS:
        message = (
            f"readings as they came are given for {MOST_HOURS} hours at a time: ask for parts, or "
            "for the history of a lot, which goes back as far as there is any"
        )
        raise invalid(message, where="query from")
    return Asked(first, last, _cursor(after) if after else first * KEY_MODULUS - 1, limit)


def readings(
    id: str,  # noqa: A002
    request: Request,
    asking: Asking,
    session: Transaction,
    wanted: Annotated[Asked, Depends(asked)],
) -> Response:
    _require_known(session, asking.tenant, id)
    session.close()  # a slow store must not keep the registry's connection
    found = look(request.app.state.store, TagKey(asking.tenant, id), wanted)
    page = found.take(np.arange(min(len(found), wanted.limit)))
    there_is_more = len(found) > wanted.limit
    document = {
        "tag": id,
        "from": written(wanted.begins),
        "to": written(wanted.ends),
        "items": list(_items(page)),
        "next": _next(id, wanted, int(page.stored_ns[-1])) if there_is_more else None,
    }
    return Response(msgspec.json.encode(document), media_type="application/json")


def look(store: ReadingHistory, tag: TagKey, wanted: Asked) -> ReadingBatch:
    """The first readings of ``wanted`` by stored time, and one at least beyond its limit if any.

    Some tags measure each second and some each day: the store is asked for longer and longer
    parts, so that a page does not cost what all of the span would. Raises what the store raises.
    """
    at, length = max(wanted.begins, wanted.after // KEY_MODULUS), FIRST_LOOK_MS
    parts: list[ReadingBatch] = []
    while at < wanted.ends and sum(map(len, parts)) <= wanted.limit:
        ends = min(at + length, wanted.ends)
        part = store.window(tag, at, ends)
        parts.append(part.take(part.stored_ns > wanted.after))
        at, length = ends, 4 * length
    return concatenate(parts)


def _items(batch: ReadingBatch) -> Iterator[Item]:
    words: dict[int, list[str]] = {}
    columns = {name: column.tolist() for name, column in sorted(batch.values.items())}
    times, keys, flags = batch.time.tolist(), batch.key.tolist(), batch.flags.tolist()
    for n, (t, key, flagged) in enumerate(zip(times, keys, flags, strict=True)):
        if flagged not in words:
            words[flagged] = _words(flagged)
        values = {name: column[n] for name, column in columns.items() if column[n] == column[n]}
        yield {"t": written(t), "key": key, "flags": words[flagged], "values": values}


def _words(flags: int) -> list[str]:
    """``server_time``, ``humidity_range`` …; see docs/wire.md."""
    return [str(flag.name).lower() for flag in Flag if flags & flag]


def _cursor(after: str) -> int:
    if not _CURSOR.fullmatch(after) or int(after) > _LAST_NS:
        message = "it is not from a page's next; take that address as it is, or leave it out"
        raise invalid(message, where="query after")
    return int(after)


def _next(tag: str, wanted: Asked, last: int) -> str:
    # With both ends, as a ``to`` that was left out means another instant by then.
    query = {
        "from": written(wanted.begins),
        "to": written(wanted.ends),
        "limit": wanted.limit,
        "after": last,
    }
    return f"/v1/tags/{quote(tag, safe='@:')}/readings?{urlencode(query)}"


def _require_known(session: Session, tenant: str, tag: str) -> None:
    """A problem where nobody registered ``tag`` and it was not heard of either."""
    if session.get(Tag, (tenant, tag)) is None and session.get(UnknownTag, (tenant, tag)) is None:
        raise not_found("tag", tag)
