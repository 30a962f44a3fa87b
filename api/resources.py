"""The registry's routes, the same for every kind: list, get, put in, change, take out."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from api.auth import Asking, Transaction
from api.problems import Problem, invalid, not_found
from api.query import After, Limit
from lots import registry
from lots.records import KINDS, Record
from lots.registry import Outcome
from lots.shapes import one

Item = dict[str, Any]
"""Records of a tenant as the API gives them back."""


class Page(BaseModel):
    """A page of a list; ``next`` is the address of the one after it, null on the last."""

    items: list[Item]
    next: str | None


def router(kind: str) -> APIRouter:
    """All routes of a kind."""
    made = APIRouter(prefix=f"/v1/{kind}", tags=[kind])
    add_list(made, kind)
    add_single(made, kind)
    add_writing(made, kind)
    return made


def page(request: Request, items: list[Item], limit: int, cursor: Callable[[Item], str]) -> Page:
    """A page of ``items``, which are up to ``limit`` and one more when there are more.

    ``cursor``: item -> what ``after`` has to be to go on after it.
    """
    if len(items) <= limit:
        return Page(items=items, next=None)
    kept = items[:limit]
    asked = [item for item in request.query_params.multi_items() if item[0] != "after"]
    query = urlencode([*asked, ("after", cursor(kept[-1]))])
    return Page(items=kept, next=f"{request.url.path}?{query}")


def own_id(item: Item) -> str:
    return str(item["id"])


def existing(session: Session, tenant: str, kind: str, name: str) -> Record:
    """A record, or the problem that there is none."""
    found = registry.get(session, tenant, kind, name)
    if found is None:
        raise not_found(one(kind), name)
    return found


def require(session: Session, tenant: str, kind: str, name: str | None) -> None:
    """That a list is asked of a thing that there is, or (None) of all: what is kept of a thing
    goes with it, and nothing found, for a slip of the hand, would be taken for good news."""
    if name is not None and registry.get(session, tenant, kind, name) is None:
        message = (
            f"there is no {one(kind)} {name[:64]!r}; GET /v1/{kind} lists those that there are"
        )
        raise invalid(message, where=f"query {one(kind)}")


def add_list(to: APIRouter, kind: str) -> None:
    @to.get("", summary=f"List {kind} by id", operation_id=f"list_{kind}")
    def listed(
        request: Request,
        asking: Asking,
        session: Transaction,
        after: After = None,
        limit: Limit = 100,
    ) -> Page:
        found = registry.page(session, asking.tenant, kind, after, limit + 1)
        items = [record.model_dump(mode="json") for record in found]
        return page(request, items, limit, own_id)


def add_single(to: APIRouter, kind: str) -> None:
    name = one(kind)

    @to.get("/{id}", summary=f"One {name}", operation_id=f"get_{name}")
    def got(id: str, asking: Asking, session: Transaction) -> Item:  # noqa: A002
        return existing(session, asking.tenant, kind, id).model_dump(mode="json")


def add_writing(to: APIRouter, kind: str) -> None:
    """Put in, change and take out; what comes back from these is the record alone."""
    model, name = KINDS[kind], one(kind)
    with_body = [Depends(json_only)]

    @to.post(
        "",
        summary=f"Put in a {name}, or all of it anew; the same again changes nothing",
        operation_id=f"put_{name}",
        status_code=201,
        responses={200: {"description": f"The {name} was there", "model": model}},
        response_model=model,
        dependencies=with_body,
    )
    def put(
        record: model,  # type: ignore[valid-type]
        request: Request,
        asking: Asking,
        session: Transaction,
    ) -> Response:
        kept: Record = record
        outcome = registry.put(session, asking.tenant, kind, kept)
        where = f"{request.url.path}/{quote(kept.id, safe='@:')}"
        status = 201 if outcome is Outcome.CREATED else 200
        return JSONResponse(kept.model_dump(mode="json"), status, headers={"Location": where})

    @to.patch(
        "/{id}",
        summary=f"Change some fields of a {name}",
        operation_id=f"change_{name}",
        response_model=model,
        dependencies=with_body,
    )
    def change(
        id: str,  # noqa: A002
        changes: Annotated[Item, Body(description=f"Fields of a {name}: null takes one away")],
        asking: Asking,
        session: Transaction,
    ) -> Response:
        try:
            changed = registry.patch(session, asking.tenant, kind, id, changes)
        except ValidationError as error:
            found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
            raise RequestValidationError(found) from error
        if changed is None:
            raise not_found(name, id)
        return JSONResponse(changed.model_dump(mode="json"))

    @to.delete(
        "/{id}", summary=f"Take out a {name}", operation_id=f"remove_{name}", status_code=204
    )
    def remove(id: str, asking: Asking, session: Transaction) -> None:  # noqa: A002
        if not registry.remove(session, asking.tenant, kind, id):
            raise not_found(name, id)


def json_only(request: Request) -> None:
    """Refuse a body that does not say that it is JSON."""
    given = request.headers.get("content-type", "")
    essence = given.partition(";")[0].strip().lower()
    if essence != "application/json" and not essence.endswith("+json"):
        said = f"The body says it is {given[:60]!r}" if given else "The body says not what it is"
        raise Problem(415, f"{said}: send JSON, with 'Content-Type: application/json'.")
