"""What really happened on a journey beside what was told of it: per lot, events and alerts.

An alert is put to every event of its kind for which it stood when that began, or came while it
lasted or soon after; how much earlier or later it came than the event began is its lead. What no
event explains stands apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from cli.terminal import plain
from simulators.truth import Event, Truth
from simulators.world import World

HOUR_MS = 3_600_000
BEFORE_H = 72.0
"""An alert that stood for longer than this before an event is not taken for a warning of it."""
AFTER_H = 24.0
FOLLOWED = 10_000.0
"""Times as fast as life, up to which worker and tags keep up with the hours."""
TOO_FAST = (
    "At {speed:g} times life the hours pass faster than the parts can follow: lots are told to be"
    " silent that are not. Play it with --speed 8640 to judge the alerts."
)
RULES: Mapping[str, tuple[str, ...]] = {
    "film": ("lead.sweat", "lead.sweat_near", "wool.damp"),
    "frost": ("lead.frost", "lead.sweat", "lead.sweat_near", "wool.damp"),
    "mould": ("wool.mould", "wool.damp"),
    "damp": ("wool.damp", "wool.mould"),
    "hot_damp": ("lead.hot_damp", "wool.hot_damp"),
    "heating": (),
}
"""Which rules tell of an event. `unfit` is what a film or frost leaves, and is no event apart."""
NAMES = {
    "film": "wet",
    "frost": "frost",
    "mould": "mould",
    "damp": "damp wool",
    "hot_damp": "hot and damp",
    "heating": "heats itself",
}
UNITS = {"film": "g/m²", "frost": "g/m²", "unfit": "kg", "mould": "index", "damp": "% regain"}
Alert = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the comparison: an event of a lot and the alerts of it; without the one, or
    without the other."""

    lot: str
    event: Event | None
    alerts: tuple[Alert, ...]

    @property
    def lead_h(self) -> float | None:
        """Hours by which the first alert came before the event; under 0: after."""
        if self.event is None or not self.alerts:
            return None
        first = min(milliseconds(alert["opened"]) for alert in self.alerts)
        return (self.event.begins - first) / HOUR_MS


def compared(lot: str, events: Sequence[Event], alerts: Iterable[Alert]) -> list[Row]:
    """Events of a lot, each with its alerts, then in one row those that no event explains."""
    told = sorted(alerts, key=lambda alert: str(alert["opened"]))
    rows = [
        Row(lot, event, tuple(alert for alert in told if _tells_of(alert, event)))
        for event in events
        if event.kind in RULES
    ]
    explained = [alert for row in rows for alert in row.alerts]
    left = tuple(alert for alert in told if alert not in explained)
    return rows if rows and not left else [*rows, Row(lot, None, left)]


def _tells_of(alert: Alert, event: Event) -> bool:
    opened = milliseconds(alert["opened"])
    last = np.inf if event.ends is None else event.ends + AFTER_H * HOUR_MS
    within = event.begins - BEFORE_H * HOUR_MS <= opened <= last
    stood = alert["cleared"] is None or milliseconds(alert["cleared"]) >= event.begins
    return alert["rule"] in RULES[event.kind] and within and stood


def summary(truth: Truth) -> str:
    """A lot's journey in figures."""
    told = [f"wet {truth.wet_hours[-1]:.0f} h", f"film up to {truth.film.max():.0f} g/m²"]
    if not np.isnan(truth.regain[0]):
        told.append(f"regain {truth.regain[0]:.1f} → {truth.regain[-1]:.1f} %")
        told.append(f"mould index {truth.mould_index.max():.1f}")
    told.append(f"{truth.scale_mass[0]:.0f} → {truth.scale_mass[-1]:.0f} kg")
    return ", ".join(told)


@dataclass(frozen=True, slots=True, eq=False)
class WhatIsTrue:
    """The truth of a world that is played ``speed`` times as fast as life, beside alerts."""

    world: World
    speed: float = 1.0

    def now(self, now_ms: int) -> Table:
        """What is true of the lots at an instant."""
        table = _table(
            "What is true", "lot", "place", "surface °C", "dew point °C", "film g/m²", "regain %",
            "mould",
        )  # fmt: skip
        for lot in self.world.lots:
            truth = self.world.truth(lot.key)
            i = min(int(np.searchsorted(truth.time, now_ms)), len(truth.time) - 1)
            numbers = (
                truth.surface_temperature, truth.air_dew_point, truth.film, truth.regain,
                truth.mould_index,
            )  # fmt: skip
            cells = ["–" if np.isnan(column[i]) else f"{column[i]:.1f}" for column in numbers]
            style = "bold red" if truth.wet[i] else ""
            table.add_row(lot.key, str(truth.place[i]), *cells, style=style)
        if self.speed > FOLLOWED:
            table.caption = TOO_FAST.format(speed=self.speed)
        return table

    def compared(self, alerts: Sequence[Alert]) -> Table:
        """For people: what really happened to each lot, and what was told when."""
        table = _table(
            "The truth beside the alerts", "lot", "what really happened", "what was told", "lead"
        )
        if self.speed > FOLLOWED:
            table.caption = TOO_FAST.format(speed=self.speed)
        for lot in self.world.lots:
            figures = summary(self.world.truth(lot.key))
            table.add_row(lot.key, figures, "", "", style="bold")
            for row in self._rows(lot.key, alerts):
                table.add_row("", _happened(row.event), _told(row.alerts), _lead(row))
            table.add_section()
        return table

    def rows(self, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
        """For programs: a line of the comparison each."""
        return [
            {
                "lot": row.lot,
                "event": row.event and row.event.kind,
                "begins": row.event and written(row.event.begins),
                "ends": row.event and row.event.ends and written(row.event.ends),
                "alerts": [{"rule": a["rule"], "opened": a["opened"]} for a in row.alerts],
                "lead_h": None if row.lead_h is None else round(row.lead_h, 2),
            }
            for lot in self.world.lots
            for row in self._rows(lot.key, alerts)
        ]

    def _rows(self, lot: str, alerts: Sequence[Alert]) -> list[Row]:
        """Of a lot's alerts that stand; that all is silent once the journey is over is none."""
        mine = [
            alert
            for alert in alerts
            if alert["lot"] == lot
            and not alert["withdrawn"]
            and milliseconds(alert["opened"]) <= self.world.end_ms
        ]
        return compared(lot, self.world.events(lot), mine)


def milliseconds(instant: str) -> int:
    """Of ISO 8601, since 1970."""
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def written(ms: int) -> str:
    """To the minute, for people."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _happened(event: Event | None) -> str:
    if event is None:
        return "no such event"
    ends = "the end" if event.ends is None else _short(event.ends)
    peak = f", up to {event.peak:.3g} {UNITS[event.kind]}" if event.kind in UNITS else ""
    cause = f" by {event.cause}" if event.cause else ""
    return f"{NAMES[event.kind]}{cause} {_short(event.begins)} to {ends}{peak}"


def _told(alerts: Sequence[Alert]) -> str:
    by_rule: dict[str, list[str]] = {}
    for alert in alerts:
        by_rule.setdefault(alert["rule"], []).append(_short(milliseconds(alert["opened"])))
    lines = [f"{rule} {', '.join(opened)}" for rule, opened in by_rule.items()]
    return plain("\n".join(lines), "\n") or "no alert"


def _lead(row: Row) -> str:
    if row.lead_h is None:
        return "" if row.event is None else "not told"
    hours = abs(row.lead_h)
    return f"{hours:.1f} h {'before' if row.lead_h >= 0 else 'after'}"


def _table(title: str, *columns: str) -> Table:
    return Table(
        *columns, title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold"
    )


def _short(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%d %b %H:%M")
