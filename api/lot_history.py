"""The route to a lot's history: what was asked for, and the answer as JSON or CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import resources
from api.auth import Asking, Transaction
from api.history import Facts, Grid, History, Series, Span, history
from api.lots import within
from api.measured import Kept, Resolution, StoreReader, finest, resolution
from api.problems import invalid
from api.query import Moment
from api.resources import Item
from api.steps import MOST_POINTS, duration, round_step, steps_in
from lots import registry
from lots.calibration import corrections_of
from lots.clock import DAY_MS, HOUR_MS
from lots.fields import milliseconds, written
from lots.model import Tag
from lots.readings import rollup_marks
from lots.readings.rollups import REACH_MS
from lots.whereabouts import Source
from rules.air import dew_point

DEFAULT_SPAN_MS = 7 * DAY_MS
DEFAULT_POINTS = 200
DECIMALS = 6
MOST_QUANTITIES = 20

DEW_POINT = "dew_point"
DEFAULT_QUANTITIES = ("temperature", "humidity", DEW_POINT, "probe")
WETNESS = ("coverage", "hours_wet")
UNITS = {
    "temperature": "degC",
    "humidity": "%RH",
    DEW_POINT: "degC",
    "probe": "degC",
    "pressure": "hPa",
    "battery": "V",
    "shock": "g",
    "tilt": "deg",
    "light": "lx",
    "lat": "deg",
    "lon": "deg",
}


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"


class Asked(NamedTuple):
    """``span`` ms; ``step`` ms; ``whole``: one point for all of it; ``quantities`` in order."""

    span: Span
    step: int
    whole: bool
    quantities: tuple[str, ...]
    format: Format


class Answer(NamedTuple):
    """What there is to tell of a lot's past."""

    lot: str
    asked: Asked
    sources: Sequence[Source]
    found: History
    resolution: Resolution


def router() -> APIRouter:
    made = APIRouter(prefix="/v1/lots", tags=["lots"])
    made.add_api_route(
        "/{id}/history",
        lot_history,
        summary="The climate a lot was in, by steps",
        operation_id="get_lot_history",
        response_class=Response,
        responses={200: {"content": {"application/json": {}, "text/csv": {}}}},
    )
    return made


def asked(
    request: Request,
    begins: Annotated[
        Moment | None, Query(alias="from", description="7 days before `to` if left out")
    ] = None,
    ends: Annotated[Moment | None, Query(alias="to", description="Now if left out")] = None,
    step: Annotated[str | None, Query(description="15m, 1h, 1d, PT15M …")] = None,
    points: Annotated[
        int | None,
        Query(ge=1, le=MOST_POINTS, description="Instead of step: at most so many, at round steps"),
    ] = None,
    quantities: Annotated[
        str, Query(max_length=1000, description="Names with commas between them")
    ] = ",".join(DEFAULT_QUANTITIES),
    format: Annotated[Format, Query()] = Format.JSON,  # noqa: A002
) -> Asked:
    """What is asked for, or the problem with it."""
    last = milliseconds(ends) if ends else request.app.state.clock.now_ms()
    span = Span(milliseconds(begins) if begins else max(0, last - DEFAULT_SPAN_MS), last)
    if span.begins >= span.ends:
        raise invalid(f"it is not before to ({written(last)}); swap the two", where="query from")
    if step is not None and points is not None:
        raise invalid("give points or step, not both", where="query points")
    whole = points == 1
    length = _step(step, span) if step else round_step(*span, max(2, points or DEFAULT_POINTS))
    return Asked(span, length, whole, _quantities(quantities), format)


def lot_history(
    id: str,  # noqa: A002
    request: Request,
    asking: Asking,
    session: Transaction,
    wanted: Annotated[Asked, Depends(asked)],
) -> Response:
    resources.existing(session, asking.tenant, "lots", id)
    state, tenant, span = request.app.state, asking.tenant, wanted.span
    now = state.clock.now_ms()
    facts = _facts(session, tenant, id, span)
    kept = _kept(session, tenant, facts, span, now, state.keep_ms)
    session.close()  # a slow store must not keep the registry's connection
    step = None if wanted.whole else wanted.step
    of = resolution(span, step, kept)
    interval = min(facts.intervals.values(), default=wanted.step)
    fine = finest(span, wanted.step, interval, of)
    stored = _stored(wanted.quantities)
    reader = StoreReader(state.store, tenant, facts, span, stored, fine, of, kept)
    found = history(facts, span, Grid(fine, step), reader, now=now)
    answer = Answer(id, wanted, facts.sources, found, of)
    if wanted.format is Format.CSV:
        return Response(as_csv(answer), media_type="text/csv; charset=utf-8")
    return Response(msgspec.json.encode(as_document(answer)), media_type="application/json")


def as_document(answer: Answer) -> Item:
    """The history as JSON; see ``docs/api.md``."""
    span, step, whole, quantities, _ = answer.asked
    return {
        "lot": answer.lot,
        "from": written(span.begins),
        "to": written(span.ends),
        "step_s": (span.ends - span.begins if whole else step) / 1000,
        "resolution": answer.resolution,
        "units": {name: UNITS.get(name) for name in quantities},
        "series": [
            {
                "placement": series.placement,
                "points": list(_points(series, quantities)),
                "gaps": _spans(answer.found.silent[series.placement]),
            }
            for series in answer.found.series
        ],
        "sources": within(answer.sources, *span),
        "gaps": _spans(answer.found.gaps),
    }


def as_csv(answer: Answer) -> str:
    """One line a point, with a heading; gaps are not in it."""
    quantities = answer.asked.quantities
    columns = [(name, which) for name in quantities for which in _statistics(name)]
    text = io.StringIO()
    lines = csv.writer(text)
    names = [*map("_".join, columns), *WETNESS]
    lot = _inert(answer.lot)
    lines.writerow(["lot", "placement", "source", "t", *names])
    for series in answer.found.series:
        for point in _points(series, quantities):
            cells = [point.get(name, {}).get(which) for name, which in columns]
            cells += [point.get(name) for name in WETNESS]
            lines.writerow([lot, series.placement, point["source"], point["t"], *cells])
    return text.getvalue()


def _inert(text: str) -> str:
    """A name that a spreadsheet would take for a formula, and work out, as the text that it is: who
    names a lot is not who opens the file."""
    return f"'{text}" if text.startswith(("=", "@", "-")) else text


def _step(text: str, span: Span) -> int:
    try:
        step = duration(text)
    except ValueError as error:
        raise invalid(str(error), where="query step") from error
    points = steps_in(*span, step)
    if points > MOST_POINTS:
        enough = round_step(*span, MOST_POINTS) // 1000
        message = (
            f"that makes {points} points of at most {MOST_POINTS}; "
            f"ask for a shorter time, or for step={enough}s or more"
        )
        raise invalid(message, where="query step")
    return step


def _quantities(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(names) or len(names) > MOST_QUANTITIES:
        message = (
            f"give 1 to {MOST_QUANTITIES} names with commas between them, "
            f"such as {','.join(DEFAULT_QUANTITIES)}"
        )
        raise invalid(message, where="query quantities")
    return names


def _stored(quantities: Sequence[str]) -> list[str]:
    """What the store is asked for."""
    found = [name for name in quantities if name != DEW_POINT]
    if DEW_POINT in quantities:
        found += ["temperature", "humidity"]
    return list(dict.fromkeys(found))


def _kept(session: Session, tenant: str, facts: Facts, span: Span, now: int, keep_ms: int) -> Kept:
    stale = {}
    for step in (HOUR_MS, DAY_MS):
        begins, ends = span.begins - step, span.ends + REACH_MS
        found = rollup_marks.stale_of(session, tenant, facts.intervals, step, begins, ends)
        stale[step] = {
            tag: [(each.start, each.until + step) for each in marked]
            for tag, marked in found.items()
        }
    return Kept(now, now - keep_ms, stale[HOUR_MS], stale[DAY_MS])


def _facts(session: Session, tenant: str, lot: str, span: Span) -> Facts:
    everyone = registry.sources_of(session, tenant, lot)
    sources = [s for s in everyone if s.begins < span.ends and s.ends > span.begins]
    tags = sorted({source.tag for source in sources})
    measure = select(Tag.id, Tag.interval_s).where(Tag.tenant == tenant, Tag.id.in_(tags))
    return Facts(
        sources=sources,
        corrections=corrections_of(session, tenant, tags),
        intervals={tag: seconds * 1000 for tag, seconds in session.execute(measure)},
    )


def _points(series: Series, quantities: Sequence[str]) -> Iterator[dict[str, Any]]:
    columns = {name: _figures(series, name) for name in quantities}
    for n, start in enumerate(series.start.tolist()):
        point: Item = {
            "t": written(start),
            "source": _source(bool(series.own[n]), bool(series.placed[n])),
        }
        for name, figures in columns.items():
            if figures and not math.isnan(figures["mean"][n]):
                point[name] = {which: column[n] for which, column in figures.items()}
        for name in WETNESS:
            column = getattr(series, name)
            if column is not None:
                known = not math.isnan(column[n])
                point[name] = round(float(column[n]), DECIMALS) if known else None
        yield point


def _figures(series: Series, name: str) -> Mapping[str, list[Any]]:
    """statistic -> (m,) of a quantity; empty where it was never measured."""
    if name == DEW_POINT:
        return _dew_points(series)
    if name not in series.count:
        return {}
    columns = {"low": series.low[name], "mean": series.mean[name], "high": series.high[name]}
    rounded = {which: np.round(column, DECIMALS).tolist() for which, column in columns.items()}
    return {**rounded, "count": series.count[name].tolist()}


def _dew_points(series: Series) -> Mapping[str, list[Any]]:
    """Of each step's mean temperature and humidity: lowest and highest are not known from these."""
    if not {"temperature", "humidity"} <= series.mean.keys():
        return {}
    found = dew_point(series.mean["temperature"], series.mean["humidity"])
    return {"mean": np.round(found, DECIMALS).tolist()}


def _statistics(name: str) -> tuple[str, ...]:
    return ("mean",) if name == DEW_POINT else ("low", "mean", "high", "count")


def _source(own: bool, placed: bool) -> str:
    if own and placed:
        return "both"
    return "tag" if own else "place"


def _spans(spans: Sequence[Span]) -> list[dict[str, str]]:
    return [{"from": written(span.begins), "to": written(span.ends)} for span in spans]
