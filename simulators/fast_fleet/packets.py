"""MQTT 3.1.1 in bulk: columns of readings to PUBLISH packets, and PUBACK packets to numbers.

One compiled loop writes all packets of a portion behind each other. Their payloads are what the
native voice says of the same readings, byte for byte.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.compiled import compiled
from simulators.fast_fleet.fleet import Columns, Fleet
from simulators.readings import Ints

Bytes = NDArray[np.uint8]

MAX_ID = 65_535
"""Packet identifiers are 1 to this."""

_PUBLISH, _DUP = 0x32, 0x08  # QoS 1
_PUBACK = b"\x40\x02"
_PUBACK_BYTES = 4


def _letters(text: str) -> Bytes:
    return np.frombuffer(text.encode(), np.uint8)


_BOOT, _SEQ, _T = _letters('{"boot":'), _letters(',"seq":'), _letters(',"t":')
_TEMPERATURE, _HUMIDITY = _letters(',"temperature":'), _letters(',"humidity":')
_PRESSURE, _BATTERY = _letters(',"pressure":'), _letters(',"battery":')
_END = _letters("}")
_LEVEL = _letters("/readings")
_ZERO, _POINT, _MINUS = ord("0"), ord("."), ord("-")
_MOST_BYTES = 192
"""What a payload may take, its numbers having 20 digits at most, and more than it does."""


class Head(NamedTuple):
    """What all packets of a fleet have in common."""

    topic: Bytes  # up to the tag's number
    digits: int
    boot: int


def head(fleet: Fleet) -> Head:
    topic = _letters(f"dunnage/v1/{fleet.tenant}/{fleet.prefix}-")
    return Head(topic, fleet.digits, fleet.boot)


def publishes(head: Head, columns: Columns, ids: Ints, *, again: bool) -> memoryview:
    """The packets of all messages under packet identifiers ``ids`` (n,) from 1 to `MAX_ID`;
    ``again``: marked as sent before."""
    most = 5 + 2 + len(head.topic) + head.digits + len(_LEVEL) + 2 + _MOST_BYTES
    found = np.empty(len(ids) * most, np.uint8)
    length = _write(
        found,
        _PUBLISH | _DUP if again else _PUBLISH,
        head.topic,
        head.digits,
        head.boot,
        ids,
        columns.tag,
        columns.seq,
        columns.t,
        columns.temperature,
        columns.humidity,
        columns.pressure,
        columns.battery,
    )
    return found[:length].data


def prepare(fleet: Fleet) -> None:
    """Load or compile what `publishes` needs, and draw what tags have of their own, before a clock
    runs."""
    first = np.zeros(1, np.int64)
    publishes(head(fleet), fleet.columns(first), first + 1, again=False)


def acknowledged(data: bytes) -> tuple[Ints, bytes]:
    """The packet identifiers of the PUBACKs in ``data``, and what is left: part of a packet.

    Other packets that a broker sends to a client that subscribes to nothing (PINGRESP) are passed
    over. Raises ValueError where it is no MQTT.
    """
    whole = len(data) // _PUBACK_BYTES * _PUBACK_BYTES
    packets = np.frombuffer(data, ">u2", whole // 2).reshape(-1, 2)
    ids: list[int] = []
    if (packets[:, 0] == int.from_bytes(_PUBACK, "big")).all():
        ids, data = packets[:, 1].tolist(), data[whole:]
    while len(data) >= 2 and len(data) >= (end := 2 + data[1]):
        if data[1] > 0x7F:
            raise ValueError("the broker sends a packet that is no acknowledgement")
        if data[:2] == _PUBACK:
            ids.append(int.from_bytes(data[2:4], "big"))
        data = data[end:]
    return np.array(ids, np.int64), data


@compiled
def _put(out: Bytes, at: int, text: Bytes) -> int:
    for place in range(text.size):
        out[at + place] = text[place]
    return at + text.size


@compiled
def _put_padded(out: Bytes, at: int, number: int, digits: int) -> int:
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10
    return at + digits


@compiled
def _put_whole(out: Bytes, at: int, number: int) -> int:
    digits, rest = 1, number // 10
    while rest:
        digits += 1
        rest //= 10
    return _put_padded(out, at, number, digits)


@compiled
def _put_decimal(out: Bytes, at: int, count: int, places: int) -> int:
    """``count`` / 10 ** ``places`` as JSON has it: 21.4, -0.05, 3.0."""
    if count < 0:
        out[at] = _MINUS
        at += 1
        count = -count
    unit = 10**places
    at = _put_whole(out, at, count // unit)
    out[at] = _POINT
    fraction = count % unit
    while places > 1 and fraction % 10 == 0:
        fraction //= 10
        places -= 1
    return _put_padded(out, at + 1, fraction, places)


@compiled
def _write(
    out: Bytes,
    first: int,
    topic: Bytes,
    digits: int,
    boot: int,
    ids: Ints,
    tag: Ints,
    seq: Ints,
    t: Ints,
    temperature: Ints,
    humidity: Ints,
    pressure: Ints,
    battery: Ints,
) -> int:
    """PUBLISH (3.3): first byte, remaining length, topic, packet identifier, payload."""
    body = np.empty(_MOST_BYTES, np.uint8)
    at = 0
    for row in range(ids.size):
        size = _put_whole(body, _put(body, 0, _BOOT), boot)
        size = _put_whole(body, _put(body, size, _SEQ), seq[row])
        size = _put_whole(body, _put(body, size, _T), t[row])
        size = _put_decimal(body, _put(body, size, _TEMPERATURE), temperature[row], 2)
        size = _put_decimal(body, _put(body, size, _HUMIDITY), humidity[row], 2)
        size = _put_decimal(body, _put(body, size, _PRESSURE), pressure[row], 2)
        size = _put_decimal(body, _put(body, size, _BATTERY), battery[row], 3)
        size = _put(body, size, _END)
        name = topic.size + digits + _LEVEL.size
        rest = 2 + name + 2 + size
        out[at] = first
        at += 1
        while rest > 127:
            out[at] = rest & 127 | 128
            rest >>= 7
            at += 1
        out[at] = rest
        out[at + 1] = name >> 8
        out[at + 2] = name & 255
        at = _put(out, at + 3, topic)
        at = _put(out, _put_padded(out, at, tag[row], digits), _LEVEL)
        out[at] = ids[row] >> 8
        out[at + 1] = ids[row] & 255
        at = _put(out, at + 2, body[:size])
    return at
