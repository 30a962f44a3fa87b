"""The Things Stack v3: JSON on ``v3/{application}@{tenant}/devices/{device}/up``.

The fields are those of ``ApplicationUp`` with an ``uplink_message``, as the "Data Formats" page of
The Things Stack's documentation has them; the Community and the Industries edition send the same.
See ``docs/formats/things-stack.md``.
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

_OTHERS = frozenset(["normalized", "solved", "invalidated", "data"])
_GROUPS = frozenset(["location", "queue", "service", "up"])
_REMEDY = "subscribe to v3/+/devices/+/up of The Things Stack's MQTT server"


class _Ids(msgspec.Struct):
    device_id: str | None = None
    dev_eui: str | None = None
    dev_addr: str | None = None


class _Version(msgspec.Struct):
    brand_id: str | None = None
    model_id: str | None = None


class _Message(msgspec.Struct):
    f_port: int | None = None
    f_cnt: int | None = None
    frm_payload: str | None = None
    decoded_payload: Any = None
    normalized_payload: Any = None
    received_at: str | None = None
    version_ids: _Version | None = None


class _Up(msgspec.Struct):
    end_device_ids: _Ids | None = None
    received_at: str | None = None
    uplink_message: _Message | None = None


def _open(given: Mapping[str, Any]) -> Decoder:
    read = msgspec.json.Decoder(_Up, strict=False)
    return uplink.decoder(given, _is_other, partial(_uplink, read))


FORMAT = Format(
    name="things-stack",
    about="The Things Stack v3: uplinks in JSON, decoded there or by the device's family",
    filter="v3/+/devices/+/up",
    identity=Identity.FRAME,
    open=_open,
)


def _is_other(topic: str) -> bool:
    """Whether the topic is of a message that holds no reading."""
    last, group, device = (*uplink.last_levels(topic, 3), "", "", "")[:3]
    if device == "devices":  # …/devices/{device}/{what}
        return last == "join"
    return group == "down" or (group in _GROUPS and last in _OTHERS)


def _uplink(read: msgspec.json.Decoder[_Up], message: Message) -> uplink.Uplink:
    try:
        up = read.decode(uplink.body(message.payload))
    except uplink.JSON_ERRORS as error:
        raise uplink.not_json(error, _REMEDY) from None
    ids, said = up.end_device_ids, up.uplink_message
    if ids is None or said is None:
        raise Unusable(f"it has no end_device_ids, or no uplink_message: {_REMEDY}")
    version = said.version_ids or _Version()
    return uplink.Uplink(
        dev_eui=uplink.dev_eui(ids.dev_eui),
        device=ids.device_id or "",
        profile="",
        brand=version.brand_id or "",
        model=version.model_id or "",
        time=uplink.time_of(said.received_at, up.received_at),
        address=ids.dev_addr or "",
        counter=said.f_cnt,
        port=said.f_port,
        data=said.frm_payload,
        objects=[
            each for each in (said.decoded_payload, said.normalized_payload) if each is not None
        ],
    )
