"""Each event of a simulated journey and what came of it, and each false page: to learn from."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cli.evaluated_journey import Played
from cli.evaluated_lot import PlayedLot
from lots.clock import HOUR_MS
from lots.errors import UserError
from lots.whereabouts import FOREVER
from rules.scoring import Event, Span, is_false, matched, outcome


class Detail(NamedTuple):
    """An event and what came of it, or a false page; ms. ``told`` is None where no page hit it."""

    journey: str
    seed: int
    lot: str
    rule: str
    outcome: str
    begins: int
    ends: int
    told: int | None
    expected: bool


def besides(lot: PlayedLot, rule: str) -> tuple[Span, ...]:
    """Rain and drips are no sweat, but who is told of water then is not told wrongly."""
    return lot.wet if rule in ("lead.sweat", "lead.sweat_near") else ()


def details(played: Iterable[Played]) -> Iterator[Detail]:
    """Of all rules that are scored by their pages."""
    for each in played:
        for lot in each.lots:
            for rule, events in lot.events.items():
                pages = lot.pages.get(rule, ())
                of = partial(Detail, each.journey, each.seed, lot.lot, rule)
                for event, page in zip(events, matched(events, pages), strict=True):
                    what = outcome(event, pages) if page is None else "hit"
                    told = None if page is None else pages[page].told
                    yield of(what, event.begins, event.ends, told, event.expected)
                happened: list[Span | Event] = [*events, *besides(lot, rule)]
                for false in (page for page in pages if is_false(page, happened)):
                    yield of("false", false.told, false.lifted, false.told, expected=False)


def require_writable(file: Path) -> None:
    """Leave what is in it as it is. Raises `UserError`."""
    with _told(file), file.open("a", encoding="utf-8"):
        pass


def write_details(file: Path, played: Iterable[Played]) -> None:
    """As CSV. Raises `UserError` where it cannot be written."""
    with _told(file), file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow((*Detail._fields, "lead_h"))
        writer.writerows(_row(each) for each in details(played))


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"--details {file} cannot be written ({error.strerror}): name a file in a folder that"
            " there is"
        ) from error


def _row(each: Detail) -> tuple[str, ...]:
    lead = "" if each.told is None else f"{(each.begins - each.told) / HOUR_MS:.2f}"
    head = each.journey, str(each.seed), each.lot, each.rule, each.outcome
    times = (_written(ms) for ms in (each.begins, each.ends, each.told))
    return (*head, *times, "yes" if each.expected else "no", lead)


def _written(ms: int | None) -> str:
    if ms is None or ms >= FOREVER:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
