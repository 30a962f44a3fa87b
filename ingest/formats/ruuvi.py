"""RuuviTags, data format 5, as a Ruuvi Gateway publishes their advertisements over MQTT.

Sources: docs.ruuvi.com, "Data format 5 (RAWv2)" and "MQTT: time-stamped data from Bluetooth
sensors". A gateway publishes on ``{prefix}/{its MAC}/{the tag's MAC}``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b
from struct import Struct
from typing import Any, NamedTuple

from ingest.formats import options as checked
from ingest.formats.decoded import Decoded, Decoder, Format, Row
from ingest.formats.documents import json_document
from ingest.formats.instants import TimeForm
from ingest.formats.memory import Memory
from ingest.formats.rows import Rows, Unusable, named, shown
from ingest.formats.units import Conversion
from ingest.message import Numbered, Portion
from lots.readings.batch import TagKey
from lots.terms import Identity

_COMPANY = b"\x99\x04"  # 0x0499, Ruuvi Innovations Ltd., as Bluetooth writes it
_MANUFACTURER = 0xFF  # the AD type of a manufacturer's own data
_FORMAT_5 = Struct(">BhHHhhhHBH6s")
_STATUS = "gw_status"  # what a gateway says of itself, where a tag's MAC stands else
_SECONDS = TimeForm("s")

_OTHERS: Mapping[int, str] = {
    3: "data format 3 (RAWv1): update the tag's firmware to 2.5 or later, which sends format 5",
    6: "data format 6, of a Ruuvi Air: this version takes format 5",
    8: "data format 8, which is encrypted: set the tag to format 5",
    0xE1: "data format E1, of a Ruuvi Air: this version takes format 5",
}

_MOTION = ("acceleration_x", "acceleration_y", "acceleration_z")


class Advertisement(NamedTuple):
    """What a tag said."""

    values: dict[str, float]
    fingerprint: int  # of all of it
    sequence: int  # -1 where it is not available


def _open(options: Mapping[str, Any]) -> Decoder:
    checked.only(options, ())

    def decode(portion: Portion, row: Row, _memory: Memory) -> Decoded:
        found = Rows(row)
        for numbered in portion:
            try:
                _read(found, numbered, row.tenant or "")
            except Unusable as error:
                found.reject(numbered.position, row.tenant, str(error))
        return found.decoded()

    return decode


FORMAT = Format(
    name="ruuvi",
    about="RuuviTags (data format 5) by way of a Ruuvi Gateway",
    filter="ruuvi/+/+",
    identity=Identity.COUNTERS,
    open=_open,
)


def _read(found: Rows, numbered: Numbered, tenant: str) -> None:
    message = numbered.message
    name = message.topic.rpartition("/")[2]
    if name == _STATUS:
        return
    tag = named("tag", name, f"topic {shown(message.topic)}")
    content = json_document(message.payload)
    if not isinstance(content, dict):
        raise Unusable(f"it is {shown(content)}: a Ruuvi Gateway sends an object")
    said = advertisement(_hex(content.get("data")))
    if not said.values:
        raise Unusable("the tag says of every value that it is not available: look after the tag")
    found.add(
        numbered,
        TagKey(tenant, tag),
        said.values,
        t=_SECONDS.ms(content.get("ts"), "ts"),
        sent=_SECONDS.ms(content.get("gwts"), "gwts") if "ts" in content else math.nan,
        boot=said.fingerprint,
        seq=said.sequence,
        network_time=True,
    )


def _hex(data: Any) -> bytes:
    if data is None:
        raise Unusable(
            "there is no data in it: set the gateway's data format to raw, or to raw and decoded"
        )
    try:
        return bytes.fromhex(data)
    except (TypeError, ValueError):
        raise Unusable(f"data is {shown(data)}: an advertisement is written in hex") from None


def advertisement(data: bytes) -> Advertisement:
    """What ``data``, a whole Bluetooth advertisement, says; raises `Unusable`."""
    payload = _manufacturer_data(data)
    if payload[:1] != b"\x05":
        number = payload[0] if payload else -1
        raise Unusable(_OTHERS.get(number, f"data format {number}, which is not known here: set 5"))
    if len(payload) < _FORMAT_5.size:
        raise Unusable(f"data format 5 has {_FORMAT_5.size} bytes, and these are {len(payload)}")
    payload = payload[: _FORMAT_5.size]
    _, temperature, humidity, pressure, x, y, z, power, moves, sequence, _ = _FORMAT_5.unpack(
        payload
    )
    measured = (
        ("temperature", temperature, -0x8000, 0.005, 0.0),  # °C
        ("humidity", humidity, 0xFFFF, 0.0025, 0.0),  # %RH
        ("pressure", pressure, 0xFFFF, 0.01, 500.0),  # Pa over 500 hPa
        *((name, mg, -0x8000, 0.001, 0.0) for name, mg in zip(_MOTION, (x, y, z), strict=True)),
        ("battery", power >> 5, 0x7FF, 0.001, 1.6),  # mV over 1.6 V
        ("movements", moves, 0xFF, 1.0, 0.0),
    )
    values = {
        name: Conversion(scale, offset)(float(raw))
        for name, raw, absent, scale, offset in measured
        if raw != absent
    }
    digest = blake2b(payload, digest_size=8).digest()
    return Advertisement(
        values,
        int.from_bytes(digest, "big") >> 11,  # 53 bits: what JSON and others keep
        -1 if sequence == 0xFFFF else sequence,
    )


def _manufacturer_data(data: bytes) -> bytes:
    """Ruuvi's part of the advertisement (Bluetooth Core, vol. 3 part C 11: length, type, data)."""
    position = 0
    while position + 1 < len(data) and data[position]:
        end = position + 1 + data[position]
        part = data[position + 2 : end]
        if data[position + 1] == _MANUFACTURER and part[:2] == _COMPANY:
            return part[2:]
        position = end
    if data[:2] == _COMPANY:
        return data[2:]
    if len(data) == _FORMAT_5.size and data[0] == 5:  # what other gateways leave of it
        return data
    raise Unusable(
        "data is not of a Ruuvi sensor: let the gateway send those of Ruuvi's alone (its setting "
        "for Bluetooth scanning, manufacturer 0x0499), or narrow the row's filter"
    )
