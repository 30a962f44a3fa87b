"""Loggers that were read out: their files shown as they would be stored, and taken in."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import IO, Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from api.auth import Asking
from api.problems import Problem as Refusal
from api.problems import unavailable
from api.resources import Item
from lots import inbox, registry
from lots.clock import DAY_MS
from lots.fields import Id
from lots.loggers.files import Options, understand
from lots.loggers.importing import Destination, described, import_readings
from lots.loggers.stamps import DateOrder
from lots.loggers.tables import MAX_BYTES
from lots.loggers.zones import Repeated
from lots.spreadsheet import SHOWN, ImportRefused, Problem
from lots.terms import Placement

PATH = "/v1/readings/import"
LIMITS: Mapping[str, int] = MappingProxyType({PATH: MAX_BYTES})
"""Bytes of a body, where it may have more than others."""

SPOOLED = 1 << 20
"""Bytes of a file that are kept in memory while it comes; more goes to the disk."""

AT_ONCE = 2
KINDS = frozenset(
    (
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
        "application/octet-stream",
        "application/vnd.ms-excel",
    )
)
"""What a logger's file may be said to be."""


class Slots:
    """How many files may be read at once: each is in memory some times over."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def __enter__(self) -> None:
        if not self._free.acquire(blocking=False):
            raise unavailable("import, which is busy with the files of others,")

    def __exit__(self, *_: object) -> None:
        self._free.release()


class Wanted(BaseModel):
    """The parameters of an import."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lot: Annotated[Id | None, Field(description="The lot that the logger watched")] = None
    place: Annotated[Id | None, Field(description="Or the place where it was")] = None
    placement: Annotated[Placement, Field(description="Air, surface or core")] = Placement.AIR
    tag: Annotated[
        Id | None, Field(description="What it is called; else its serial number, or name")
    ] = None
    name: Annotated[str, Field(max_length=200, description="The file's name")] = ""
    zone: Annotated[
        str | None, Field(max_length=64, description="Of its times: Europe/Berlin, UTC, +01:00")
    ] = None
    dates: Annotated[
        DateOrder | None, Field(description="Order of day, month and year, where not clear")
    ] = None
    repeated: Annotated[
        Repeated | None, Field(description="Which is meant of the hour that comes twice in autumn")
    ] = None
    decimal: Annotated[
        Literal["comma", "point"] | None, Field(description="The decimal sign, where not clear")
    ] = None
    column: Annotated[
        tuple[str, ...],
        Field(max_length=100, description="HEADING=QUANTITY:UNIT, HEADING=skip, #3=time …"),
    ] = ()
    only: Annotated[
        str | None, Field(max_length=200, description="COLUMN=VALUE: one logger of several")
    ] = None
    skip_bad: Annotated[bool, Field(description="Leave out rows that cannot be read")] = False
    apply: Annotated[
        bool, Field(description="Take them in; otherwise only show what would be stored")
    ] = False

    @property
    def options(self) -> Options:
        decimal = {"comma": ",", "point": ".", None: None}[self.decimal]
        return Options(
            self.zone,
            self.dates,
            decimal,
            self.repeated,
            self.column,
            self.only,
            self.skip_bad,
        )

    @property
    def destination(self) -> Destination:
        return Destination(self.lot, self.place, self.placement, self.tag)


def router() -> APIRouter:
    made = APIRouter(prefix=PATH, tags=["readings"])
    made.add_api_route(
        "",
        imported,
        methods=["POST"],
        summary="Show what a logger's file would bring, or take it in",
        operation_id="import_readings",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    made.add_api_route(
        "",
        waiting,
        summary="How much of what was imported the worker has not taken yet",
        operation_id="waiting_readings",
    )
    return made


async def body(request: Request, _asking: Asking) -> AsyncIterator[IO[bytes]]:
    """The file, of who may send one: on the disk while it comes, however slowly that is."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in KINDS:
        detail = f"The body says it is {said[:60]!r}: send the file with 'Content-Type: text/csv'."
        raise Refusal(415, detail)
    with SpooledTemporaryFile(max_size=SPOOLED) as file:
        async for chunk in request.stream():
            file.write(chunk)
        yield file


File = Annotated[IO[bytes], Depends(body)]


async def imported(
    request: Request, asking: Asking, wanted: Annotated[Wanted, Query()], file: File
) -> Item:
    return await run_in_threadpool(_import, request, asking.tenant, wanted, file)


def waiting(request: Request, asking: Asking) -> Item:
    with registry.reading(request.app.state.engine) as session:
        return {"waiting": inbox.backlog(session, asking.tenant)._asdict()}


def _import(request: Request, tenant: str, wanted: Wanted, file: IO[bytes]) -> Item:
    state = request.app.state
    with state.importing:
        file.seek(0)
        return _understood(state, tenant, wanted, file.read())


def _understood(state: State, tenant: str, wanted: Wanted, data: bytes) -> Item:
    now = state.clock.now_ms()
    try:
        found = understand(data, wanted.options, now - state.keep_ms, now + DAY_MS)
        with registry.writing(state.engine) as session:
            return described(
                import_readings(
                    session,
                    tenant,
                    found,
                    wanted.destination,
                    name=wanted.name,
                    now=now,
                    apply=wanted.apply,
                )
            )
    except ImportRefused as refused:
        raise _refusal(refused.problems) from refused


def _refusal(problems: list[Problem]) -> Refusal:
    errors = [
        {"where": f"row {each.row}" if each.row else "file", "message": str(each)}
        for each in problems[:SHOWN]
    ]
    more = f" ({len(problems)} mistakes in all, see errors)" if len(problems) > 1 else ""
    return Refusal(422, f"Nothing was imported: {problems[0]}{more}", errors=errors)
