"""SenML packs (RFC 8428), in JSON and in CBOR: a record for each number, base time and base unit.

The topic names the device; each record's name is its quantity.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import cbor2

from simulators.message import Message
from simulators.readings import Readings
from simulators.voices.voice import Carried, Plain, Speaker, Times, Told, Voice, as_said

PER_MESSAGE = 30
"""A choice of ours: packs of some kB."""

CARRIES = {
    "temperature": Carried(100),
    "humidity": Carried(10),
    "pressure": Carried(100),
    "probe": Carried(100),
    "battery": Carried(1000),
    "light": Carried(1),
    "door": Carried(1, 0, 1),
    "lat": Carried(1_000_000, -90, 90),
    "lon": Carried(1_000_000, -180, 180),
}
_UNITS: Mapping[str, str] = {
    "temperature": "Cel",
    "humidity": "%RH",
    "pressure": "Pa",
    "probe": "Cel",
    "battery": "V",
    "light": "lx",
    "lat": "lat",
    "lon": "lon",
}
"""RFC 8428, 12.1; a door is a boolean and has none."""

_LABELS: Mapping[str, int] = {"bt": -3, "n": 0, "u": 1, "v": 2, "vb": 4, "t": 6}
"""RFC 8428, 6."""


def pack(readings: Readings) -> list[dict[str, Any]]:
    """The records of all ``readings``, each with its time after the first one's, in s."""
    records: list[dict[str, Any]] = []
    base = int(readings.t[0])
    for row, t in enumerate(readings.t.tolist()):
        for name, value in readings.measured(row).items():
            if name in CARRIES:
                later = {} if t == base else {"t": (t - base) / 1000}
                records.append({"n": name, **_said(name, value), **later})
    if records:
        records[0] = {"bt": base / 1000, **records[0]}
    return records


def _said(name: str, value: float) -> dict[str, Any]:
    count, per_unit = CARRIES[name].count(value), CARRIES[name].per_unit
    if name == "door":
        return {"vb": count == 1}
    number = count if name == "pressure" else count / per_unit  # of hPa the hundredth is a Pa
    return {"u": _UNITS[name], "v": number}


def _json(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records, separators=(",", ":")).encode()


def _cbor(records: list[dict[str, Any]]) -> bytes:
    labelled = [{_LABELS[name]: value for name, value in each.items()} for each in records]
    return cbor2.dumps(labelled)


def _voice(name: str, about: str, level: str, encode: Callable[[Any], bytes]) -> Voice:
    def row(tenant: str) -> dict[str, Any]:
        return {
            "filter": f"{tenant}/+/{level}",
            "format": name,
            "tenant": tenant,
            "options": {"topic": f"{tenant}/{{tag}}/{level}"},
        }

    def speak(tenant: str) -> Speaker:
        def say(readings: Readings, at: int) -> list[Message]:
            some = as_said(readings, CARRIES)
            messages = []
            for begin in range(0, len(some), PER_MESSAGE):
                part = some.at(slice(begin, begin + PER_MESSAGE))
                topic = f"{tenant}/{readings.tag}/{level}"
                messages.append(Message(topic, encode(pack(part)), len(part), at))
            return messages

        return Plain(say)

    return Voice(
        name=name,
        about=about,
        carries=CARRIES,
        others=None,
        per_message=PER_MESSAGE,
        told=Told.VALUES,
        times=Times.DEVICE,
        time_step=1,
        row=row,
        open=speak,
    )


JSON = _voice("senml-json", "SenML (RFC 8428) in JSON", "senml", _json)
CBOR = _voice("senml-cbor", "SenML (RFC 8428) in CBOR", "senml-cbor", _cbor)
