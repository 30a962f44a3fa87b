"""What addresses may ask: instants, pages, and nothing that is not known."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from api.problems import Problem, invalid
from lots.fields import Instant, milliseconds

NUL = "\0"
Rows = TypeVar("Rows", bound=Select[Any])
_PLUS_LOST = re.compile(r"(T[\d:.]+) (\d\d:?\d\d)")


def _with_plus(value: Any) -> Any:
    """A + in an address means a blank, and everybody forgets it once: 08:00 01:00 had one."""
    return _PLUS_LOST.sub(r"\1+\2", value) if isinstance(value, str) else value


Moment = Annotated[Instant, BeforeValidator(_with_plus)]
Hour = Annotated[str, BeforeValidator(_with_plus)]
"""Of the clock, or an instant."""
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Instant)
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most")]
After = Annotated[
    str | None, Query(max_length=200, description="Go on after this one; `next` has it for you")
]


def only_known(request: Request) -> None:
    """Refuse parameters that the route does not have: a misspelt filter would show everything."""
    operation = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = [item["name"] for item in operation.get("parameters", ()) if item["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            there = f"known here: {', '.join(known)}" if known else "this address takes none"
            short = name[:60]
            raise invalid(f"there is no parameter {short!r}; {there}", where=f"query {short}")


def only_text(request: Request) -> None:
    """Refuse the character 0 in an address: not every database can even be asked for it."""
    if any(NUL in str(part) for part in request.path_params.values()):
        raise Problem(404, "There is nothing at this address: it has the character %00 in it.")
    for name, value in request.query_params.multi_items():
        if NUL in value:
            raise invalid("the character %00 cannot be in it; take it out", where=f"query {name}")


def newest_first(
    query: Rows,
    at: InstrumentedAttribute[int],
    name: InstrumentedAttribute[str],
    after: str | None,
    limit: int,
) -> Rows:
    """Of ``query`` the ``limit`` newest rows by the columns ``at`` (ms) and ``name``, and one more
    where there are more; ``after``: behind that one. A problem where that is not one of ours."""
    if after is not None:
        query = query.where(tuple_(at, name) < tuple_(*_instant_cursor(after)))
    return query.order_by(at.desc(), name.desc()).limit(limit + 1)


def instant_cursor_of(at: str, name: str) -> str:
    """``after`` for lists by time: what is at one instant goes by its id."""
    return f"{at}~{name}"


def _instant_cursor(after: str) -> tuple[int, str]:
    """Back to ms and id; a problem where it is not one of ours."""
    at, _, name = after.partition("~")
    try:
        return milliseconds(_MOMENT.validate_python(at)), name
    except ValidationError as error:
        message = "it is not from a page's next; take that address as it is, or leave it out"
        raise invalid(message, where="query after") from error
