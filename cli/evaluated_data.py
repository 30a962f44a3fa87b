"""Measured series through the rules: a check of the scorer, and of alarms on sound hardware.

Nobody measured how wet metal was in them. What is taken for true outdoors is the lumped model of a
bundle in the measured air, with its film; docs/decisions/evaluation.md says what that is good for.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich import box
from rich.table import Table

from cli import evaluation_baselines
from lots import climate
from lots.climate import MAX_GAP_H, LotKey, Samples, together
from lots.clock import HOUR_MS
from lots.errors import UserError
from lots.readings.batch import Floats, Ints, TagKey
from lots.terms import Commodity, Form
from lots.whereabouts import FOREVER
from rules import air
from rules.alerts import episodes
from rules.engine import Engine
from rules.rule import Rules
from rules.scoring import FILM_G_M2, Event, Page, Tally, scored, spans
from rules.state import LEAD_TIME_CONSTANT_H, LotFacts

BESIDE: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
OUTDOORS: Final = "climate/tampere_outdoor.csv"
INDOORS: Final = (
    "climate/tampere_indoor.csv",
    "sensors/house_9_sensors.csv",
    "sensors/office_1_minute.csv",
)
SENSOR_RULES: Final = "sensor."
"""How the names of rules begin that judge tags, not goods."""

WARNED_MS: Final = 24 * HOUR_MS
"""How long before its onset a page counts here."""

ONE_MS: Final = 12 * HOUR_MS
"""Films that are less apart are one event here."""

CONDENSING: Final = 0.13
"""g/m²h for each Pa: 170 g/m²h on metal at 0 °C in air of 25 °C and 60 %RH."""


@dataclass(frozen=True, slots=True)
class DataReport:
    """``figures`` for the last line; ``words`` for people: what could not be done."""

    figures: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def table(self) -> Table:
        table = Table(
            "what", "figures", title="Measured series", box=box.SIMPLE_HEAD, title_justify="left",
            title_style="bold",
        )  # fmt: skip
        for name, figures in self.figures.items():
            told = ", ".join(f"{key} {value}" for key, value in figures.items())
            table.add_row(name.replace("_", " "), told)
        return table


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What a sensor measured: columns (n,) ms, °C, %RH."""

    time: Ints
    temperature: Floats
    humidity: Floats


def judged(given: Path | None, rules: Rules) -> DataReport:
    """What is in the folder ``given`` (None: beside the project). Raises `UserError` for a folder
    that was named and is not there, or a table that cannot be read."""
    folder = BESIDE if given is None else given
    if not folder.is_dir():
        if given is not None:
            raise UserError(f"--data {given} is no folder: name the one with climate/ and sensors/")
        return DataReport(words=(f"No measured series are judged: there is no {folder} (--data).",))
    figures: dict[str, Any] = {}
    words = []
    for name, work, files in (
        ("sweat_outdoors", _sweat, (OUTDOORS,)),
        ("sensor_alarms", _sensor_alarms, INDOORS),
    ):
        lacking = [file for file in files if not (folder / file).is_file()]
        if lacking:
            words.append(f"{name} is not judged: there is no {folder / lacking[0]}.")
            continue
        try:
            series = {key: each for file in files for key, each in read(folder / file).items()}
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{name} cannot be judged by {folder}: {error}") from error
        found, more = work(series, rules)
        words += more
        if found:
            figures[name] = found
    return DataReport(figures, tuple(words))


def read(file: Path) -> dict[str, Series]:
    """The series of a table, by sensor (else by the file's name). Raises `UserError`."""
    rows: dict[str, list[tuple[str, float, float]]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines)
        for row in table:
            try:
                one = (
                    row["time"].rstrip("Z"),
                    float(row["temperature_c"]),
                    float(row["humidity_pct"]),
                )
            except (KeyError, ValueError, AttributeError) as error:
                raise UserError(
                    f"{file}, line {table.line_num}: {error!r}: a table has time (ISO 8601, UTC),"
                    " temperature_c and humidity_pct"
                ) from None
            rows.setdefault(f"{file.stem} {row.get('sensor') or ''}".strip(), []).append(one)
    found = {}
    for name, of in rows.items():
        time, temperature, humidity = zip(*of, strict=True)
        found[name] = Series(
            np.array(time, "datetime64[ms]").astype(np.int64),
            np.array(temperature),
            np.array(humidity),
        )
    return found


def _sweat(series: Mapping[str, Series], _rules: Rules) -> tuple[dict[str, Any], list[str]]:
    """'Margin under 1 K now' for a bundle that stands outdoors."""
    ((_, air_),) = series.items()
    baseline = next(b for b in evaluation_baselines.MARGIN_NOW if b.opens == "margin < 1")
    told = _told(series, evaluation_baselines.as_rules())
    pages = [page for rule, page in told if rule == baseline.rule]
    hours = float(air_.time[-1] - air_.time[0]) / HOUR_MS
    found = scored(sweats(air_), pages, hours, before_ms=WARNED_MS)
    return {"what": baseline.what} | figures(found), []


def figures(found: Tally) -> dict[str, float]:
    """Of one lot."""
    return {
        "recall": round(found.recall or 0.0, 3),
        "precision": round(found.precision or 0.0, 3),
        "false_per_month": round(found.false_per_lot_month or 0.0, 1),
        "events": found.events,
        "pages": found.pages,
    }


def sweats(air_: Series) -> list[Event]:
    """Films of at least 5 g/m² on metal above 0 °C, by the lumped model; one event where they are
    less than 12 hours apart."""
    surface, film = metal(air_)
    found: list[Event] = []
    for begins, ends in spans(air_.time, (film >= FILM_G_M2) & (surface > 0.0)):
        if found and begins - found[-1].ends < ONE_MS:
            found[-1] = found[-1]._replace(ends=ends)
        else:
            found.append(Event(begins, ends))
    return found


def metal(air_: Series, lag_h: float = LEAD_TIME_CONSTANT_H) -> tuple[Floats, Floats]:
    """(n,) °C of a bundle in this air, and g/m² of water on it. Past a gap it is as warm as the
    air, and keeps its water."""
    vapour = air.vapour_pressure(air_.temperature, air_.humidity).tolist()
    temperature = air_.temperature.tolist()
    spans_h = (np.diff(air_.time) / HOUR_MS).tolist()
    surface, film = [temperature[0]], [0.0]
    for i, hours in enumerate(spans_h, 1):
        target = (temperature[i - 1] + temperature[i]) / 2.0
        lagging = target + (surface[-1] - target) * math.exp(-hours / lag_h)
        surface.append(lagging if hours <= MAX_GAP_H else temperature[i])
    settled = air.saturation_pressure(np.array(surface)).tolist()
    for i, hours in enumerate(spans_h, 1):
        settles = CONDENSING * (vapour[i] - settled[i])
        film.append(max(0.0, film[-1] + settles * hours) if hours <= MAX_GAP_H else film[-1])
    return np.array(surface), np.array(film)


def _sensor_alarms(series: Mapping[str, Series], rules: Rules) -> tuple[dict[str, Any], list[str]]:
    """Alarms of sensors that were sound; there should be none."""
    judging = [rule.name for rule in rules.rules if rule.name.startswith(SENSOR_RULES)]
    if not judging:
        return {}, [
            f"There is no rule {SENSOR_RULES}… in the packs: alarms of sensors are not judged."
        ]
    alarms = sum(rule in judging for rule, _ in _told(series, rules))
    return {"alarms": alarms, "series": len(series)}, []


def _told(series: Mapping[str, Series], rules: Rules) -> list[tuple[str, Page]]:
    """(rule, page) of all series, each the air of a bundle of lead; by time."""
    facts = {
        LotKey("data", name): LotFacts("data", name, Commodity.LEAD, Form.INGOT) for name in series
    }
    engine = Engine(rules, samples=sum(len(each.time) for each in series.values()))
    engine.know(facts)
    bound = together(
        {key: _samples(each) for key, each in zip(facts, series.values(), strict=True)}
    )
    pages = [
        (one.rule, Page(one.opened, FOREVER if one.cleared is None else one.cleared))
        for change in engine.evaluate(bound)
        for one in episodes(change)
    ]
    return sorted(pages, key=lambda each: each[1])


def _samples(series: Series) -> Samples:
    n = len(series.time)
    return Samples(
        time=series.time,
        identity=np.full(n, climate.salt(TagKey("data", "1")), np.int64),
        placement=np.zeros(n, np.int64),
        temperature=series.temperature,
        humidity=series.humidity,
        probe=np.full(n, np.nan),
    ).ordered()
