"""ChirpStack v4: JSON on ``application/{id}/device/{DevEUI}/event/up``.

The fields are those of ``UplinkEvent`` in ChirpStack's API (integration.proto), as its MQTT
integration writes them with ``json = true``. See ``docs/formats/chirpstack.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from ingest.formats import uplink
from ingest.formats.decoded import Decoder, Format
from ingest.formats.rows import Unusable
from ingest.message import Message
from lots.terms import Identity

_OTHERS = frozenset(["join", "ack", "txack", "log", "status", "location", "integration"])
_REMEDY = "let ChirpStack's MQTT integration write JSON (json = true), and subscribe to event/up"


class _DeviceInfo(msgspec.Struct, rename="camel"):
    dev_eui: str | None = None
    device_name: str | None = None
    device_profile_name: str | None = None


class _Up(msgspec.Struct, rename="camel"):
    device_info: _DeviceInfo | None = None
    time: str | None = None
    dev_addr: str | None = None
    f_cnt: int | None = None
    f_port: int | None = None
    data: str | None = None
    object: Any = None


def _open(given: Mapping[str, Any]) -> Decoder:
    read = msgspec.json.Decoder(_Up, strict=False)
    return uplink.decoder(given, _is_other, partial(_uplink, read))


FORMAT = Format(
    name="chirpstack",
    about="ChirpStack v4: uplinks in JSON, decoded there or by the device's family",
    filter="application/+/device/+/event/up",
    identity=Identity.FRAME,
    open=_open,
)


def _is_other(topic: str) -> bool:
    """Whether the topic is of an event or a command that holds no reading."""
    levels = list(uplink.last_levels(topic, 2))
    return len(levels) == 2 and (
        (levels[1] == "event" and levels[0] in _OTHERS) or levels == ["down", "command"]
    )


def _uplink(read: msgspec.json.Decoder[_Up], message: Message) -> uplink.Uplink:
    try:
        up = read.decode(uplink.body(message.payload))
    except uplink.JSON_ERRORS as error:
        raise uplink.not_json(error, _REMEDY) from None
    info = up.device_info
    if info is None:
        raise Unusable(f"it has no deviceInfo: {_REMEDY}")
    return uplink.Uplink(
        dev_eui=uplink.dev_eui(info.dev_eui),
        device=info.device_name or "",
        profile=info.device_profile_name or "",
        brand="",
        model="",
        time=uplink.time_of(up.time),
        address=up.dev_addr or "",
        counter=up.f_cnt,
        port=up.f_port,
        data=up.data,
        objects=() if up.object is None else (up.object,),
    )
