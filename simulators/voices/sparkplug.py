"""Sparkplug B: a node's gateway and its devices, with births, aliases and a will.

Source: Eclipse Sparkplug 3.0.0, and its ``sparkplug_b.proto`` for the numbers of the fields. A tag
is a device; its birth has the names, the units and the first values, its data aliases alone.
Numbers are floats of 32 bits, as most devices send them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from simulators.message import Message
from simulators.readings import Readings
from simulators.voices.voice import LIVE_MS, Carried, Times, Told, Voice, as_said

PER_MESSAGE = 20
"""A choice of ours: what was stored while the node was away goes in historical metrics."""

CARRIES = {
    "temperature": Carried(100, -1000, 1000),
    "humidity": Carried(100, -1000, 1000),
    "pressure": Carried(10, 0, 2000),
    "probe": Carried(100, -1000, 1000),
    "battery": Carried(1000, 0, 100),
    "light": Carried(1, 0, 200_000),
    "door": Carried(1, 0, 1),
}
_METRICS: Mapping[str, tuple[str, str]] = {
    "temperature": ("Sensors/Temperature", "°C"),
    "humidity": ("Sensors/Humidity", "%RH"),
    "pressure": ("Sensors/Pressure", "hPa"),
    "probe": ("Sensors/Probe", "°C"),
    "battery": ("Sensors/Battery", "V"),
    "light": ("Sensors/Light", "lx"),
    "door": ("Sensors/Door", ""),
}
"""Quantity -> metric and its property engUnit; a metric's alias is its place here, from 1."""

_ALIASES = {name: number for number, name in enumerate(_METRICS, 1)}
_NODE = "gateway"
_INT64, _FLOAT, _BOOLEAN, _STRING = 4, 9, 11, 12  # data types


def varint(number: int) -> bytes:
    """Protobuf's variable-length integer."""
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _bytes(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def _float(field: int, value: float) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<f", value)


def payload(at: int, metrics: bytes, seq: int | None) -> bytes:
    """Payload: timestamp 1, metrics 2, seq 3."""
    return _number(1, at) + metrics + (b"" if seq is None else _number(3, seq))


def _session(number: int) -> bytes:
    """The metric bdSeq, which a birth and the will of its connection have in common."""
    return _bytes(2, _bytes(1, b"bdSeq") + _number(4, _INT64) + _number(11, number))


def _rebirth() -> bytes:
    """The metric by which a node is asked for its births."""
    return _bytes(2, _bytes(1, b"Node Control/Rebirth") + _number(4, _BOOLEAN) + _number(14, 0))


def _unit(unit: str) -> bytes:
    """PropertySet: keys 1, values 2; PropertyValue: type 1, string 8."""
    value = _number(1, _STRING) + _bytes(8, unit.encode())
    return _bytes(1, b"engUnit") + _bytes(2, value)


def _named(quantity: str) -> bytes:
    """A metric's name 1, alias 2, datatype 4 and properties 9, as its birth has them."""
    name, unit = _METRICS[quantity]
    kind = _BOOLEAN if quantity == "door" else _FLOAT
    of_unit = _bytes(9, _unit(unit)) if unit else b""
    return _bytes(1, name.encode()) + _number(2, _ALIASES[quantity]) + _number(4, kind) + of_unit


def _value(quantity: str, value: float | None) -> bytes:
    """is_null 7, float 12 or boolean 14."""
    if value is None:
        return _number(7, 1)
    if quantity == "door":
        return _number(14, CARRIES[quantity].count(value))
    return _float(12, CARRIES[quantity].said(value))


def birth(values: dict[str, float], t: int) -> bytes:
    """All metrics by name, those that were not measured without a value."""
    return b"".join(
        _bytes(2, _named(name) + _number(3, t) + _value(name, values.get(name)))
        for name in _METRICS
    )


def data(values: dict[str, float], t: int, *, historical: bool) -> bytes:
    """The metrics that were measured, by alias: timestamp 3, is_historical 5."""
    late = _number(5, 1) if historical else b""
    return b"".join(
        _bytes(2, _number(2, _ALIASES[name]) + _number(3, t) + late + _value(name, value))
        for name, value in values.items()
    )


class _Node:
    """One edge node for all tags of a tenant: its sequence number, and which devices are born."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._connections = 0
        self._seq = 0
        self._born: set[str] = set()

    @property
    def will(self) -> Message:
        """NDEATH of the connection that `opening` is to follow: bdSeq alone."""
        content = _session(self._connections % 256)
        return Message(self._topic("NDEATH"), content, 0, 0)

    def opening(self, at: int) -> list[Message]:
        """NBIRTH; the devices are born again as they next say something."""
        session = self._connections % 256
        self._connections += 1
        self._seq = 0
        self._born.clear()
        content = payload(at, _session(session) + _rebirth(), self._next())
        return [Message(self._topic("NBIRTH"), content, 0, at)]

    def named(self, tag: str) -> str:
        return tag

    def say(self, readings: Readings, at: int) -> list[Message]:
        return list(self._said(as_said(readings, CARRIES), at))

    def _said(self, readings: Readings, at: int) -> Iterator[Message]:
        rows = [(readings.measured(row), t) for row, t in enumerate(readings.t.tolist())]
        if rows and readings.tag not in self._born:
            self._born.add(readings.tag)
            topic = self._topic("DBIRTH", readings.tag)
            yield Message(topic, payload(at, birth(*rows[0]), self._next()), 1, at)
            del rows[0]
        now = at if readings.sent is None else readings.sent
        for begin in range(0, len(rows), PER_MESSAGE):
            part = rows[begin : begin + PER_MESSAGE]
            metrics = b"".join(data(values, t, historical=now - t > LIVE_MS) for values, t in part)
            topic = self._topic("DDATA", readings.tag)
            yield Message(topic, payload(at, metrics, self._next()), len(part), at)

    def _next(self) -> int:
        seq, self._seq = self._seq, (self._seq + 1) % 256
        return seq

    def _topic(self, kind: str, *device: str) -> str:
        return "/".join(("spBv1.0", self._tenant, kind, _NODE, *device))


def _row(tenant: str) -> dict[str, Any]:
    return {
        "filter": f"spBv1.0/{tenant}/#",
        "format": "sparkplug",
        "tenant": tenant,
        "options": {"tag": "{device}"},
    }


VOICE = Voice(
    name="sparkplug",
    about="Sparkplug B: births, data by alias, a will",
    carries=CARRIES,
    others=None,
    per_message=PER_MESSAGE,
    told=Told.VALUES,
    times=Times.DEVICE,
    time_step=1,
    row=_row,
    open=_Node,
)
