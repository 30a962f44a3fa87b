"""Loggers that are read out at arrival: their software's CSV, for ``dunnage import readings``.

As HOBOware (Onset) and the software of testo and Elitech export it (docs/formats/logger-csv.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from simulators.readings import Readings
from simulators.voices.voice import Carried

CARRIES = {"temperature": Carried(10), "humidity": Carried(10, 0, 100)}
TIME_STEP = 1000
"""ms: a row has its second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Row(NamedTuple):
    number: int
    at: datetime  # in UTC
    temperature: str  # "" where it was not measured
    humidity: str


class Logger(NamedTuple):
    """A maker's file: how it is written, and the options that its import needs.

    ``serial`` is the logger's, by which the server will call it.
    """

    name: str
    encoding: str
    options: tuple[str, ...]
    lines: Callable[[str, Iterator[_Row]], Iterator[str]]

    def file(self, serial: str, readings: Readings) -> bytes:
        """What the software exports of ``readings``; their times are UTC."""
        lines = self.lines(serial, _rows(readings))
        return "".join(f"{line}\r\n" for line in lines).encode(self.encoding)


def _rows(readings: Readings) -> Iterator[_Row]:
    for row, t in enumerate(readings.t.tolist()):
        values = readings.measured(row)
        cells = [
            f"{way.said(values[name]):.1f}" if name in values else ""
            for name, way in CARRIES.items()
        ]
        if any(cells):
            yield _Row(row + 1, _EPOCH + timedelta(seconds=t // 1000), cells[0], cells[1])


def _hobo(serial: str, rows: Iterator[_Row]) -> Iterator[str]:
    sensor = f"(LGR S/N: {serial}, SEN S/N: {serial})"
    yield f'"Plot Title: {serial}"'
    yield f'"#","Date Time, GMT+00:00","Temp, °C {sensor}","RH, % {sensor}"'
    for row in rows:
        time = row.at.strftime("%m/%d/%y %I:%M:%S %p")
        yield f"{row.number},{time},{row.temperature},{row.humidity}"


def _testo(serial: str, rows: Iterator[_Row]) -> Iterator[str]:
    yield f"Gerät:;testo 174H;Seriennummer:;{serial}"
    yield "Nr.;Datum;Uhrzeit;1;2"
    yield ";;;[°C];[%rF]"
    for row in rows:
        cells = ";".join((row.temperature, row.humidity)).replace(".", ",")
        yield f"{row.number};{row.at:%d.%m.%Y;%H:%M:%S};{cells}"


def _elitech(serial: str, rows: Iterator[_Row]) -> Iterator[str]:
    yield f"Device ID:,{serial}"
    yield "No.,Time,Temperature°C,Humidity%RH"
    for row in rows:
        yield f"{row.number},{row.at:%Y-%m-%d %H:%M:%S},{row.temperature},{row.humidity}"


LOGGERS = {
    each.name: each
    for each in (
        Logger("hobo", "utf-8-sig", ("--dates", "mdy"), _hobo),
        Logger("testo", "cp1252", ("--zone", "UTC", "--dates", "dmy"), _testo),
        Logger("elitech", "utf-8", ("--zone", "UTC"), _elitech),
    )
}
