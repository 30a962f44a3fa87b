"""RFID readers: Dunnage's own ``reads``, Impinj R700 and Zebra FX, each as its maker has it.

Sources: docs/formats/reads.md; platform.impinj.com/site/docs/reader_api (tagInventoryEvent of the
IoT device interface); zebradevs.github.io/rfid-ziotc-docs (tag data of the IoT Connector).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from simulators.message import Message
from simulators.readings import Sightings
from simulators.voices.voice import Carried, ReaderVoice

PER_MESSAGE = 50
"""A choice of ours: a reader that publishes once a second sees so many."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Seen(NamedTuple):
    t: int
    epc: str
    antenna: int
    rssi: float


def _read(_reader: str, seen: _Seen) -> dict[str, Any]:
    return {
        "epc": seen.epc,
        "antenna": seen.antenna,
        "t": seen.t,
        "rssi": READS.rssi.said(seen.rssi),
    }


def _impinj(reader: str, seen: _Seen) -> dict[str, Any]:
    digits = bytes.fromhex(seen.epc)
    return {
        "timestamp": f"{_instant(seen.t)}Z",
        "hostname": reader,
        "eventType": "tagInventory",
        "tagInventoryEvent": {
            "epc": base64.urlsafe_b64encode(digits).decode(),
            "epcHex": seen.epc.upper(),
            "antennaPort": seen.antenna,
            "peakRssiCdbm": IMPINJ.rssi.count(seen.rssi),
        },
    }


def _zebra(reader: str, seen: _Seen) -> dict[str, Any]:
    return {
        "type": "SIMPLE",
        "timestamp": f"{_instant(seen.t)}+0000",
        "data": {
            "hostName": reader,
            "antenna": seen.antenna,
            "eventNum": 1,
            "format": "epc",
            "idHex": seen.epc.lower(),
            "peakRssi": ZEBRA.rssi.count(seen.rssi),
            "reads": 1,
        },
    }


def _instant(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def _each(seen: Sightings) -> Iterator[_Seen]:
    columns = (seen.t.tolist(), seen.epc, seen.antenna.tolist(), seen.rssi.tolist())
    return map(_Seen._make, zip(*columns, strict=True))


def _voice(
    name: str,
    about: str,
    rssi: Carried,
    topic: Callable[[str, str], str],
    row: Callable[[str], dict[str, Any]],
    event: Callable[[str, _Seen], dict[str, Any]],
) -> ReaderVoice:
    class _Readers:
        def __init__(self, tenant: str) -> None:
            self._tenant = tenant

        def say(self, sightings: Sightings, at: int) -> list[Message]:
            events = [event(sightings.reader, each) for each in _each(sightings)]
            to = topic(self._tenant, sightings.reader)
            messages = []
            for begin in range(0, len(events), PER_MESSAGE):
                part = events[begin : begin + PER_MESSAGE]
                messages.append(Message(to, json.dumps(part).encode(), len(part), at))
            return messages

    return ReaderVoice(
        name=name,
        about=about,
        per_message=PER_MESSAGE,
        time_step=1,
        rssi=rssi,
        row=row,
        open=_Readers,
    )


def _reads_row(tenant: str) -> dict[str, Any]:
    return {"filter": f"dunnage/v1/{tenant}/+/reads", "format": "reads"}


def _maker_row(format_: str, level: str) -> Callable[[str], dict[str, Any]]:
    def row(tenant: str) -> dict[str, Any]:
        return {
            "filter": f"{format_}-{tenant}/+/{level}",
            "format": format_,
            "tenant": tenant,
            "options": {"reader_level": 1},
        }

    return row


READS = _voice(
    "reads",
    "sightings in Dunnage's own JSON",
    Carried(10),
    lambda tenant, reader: f"dunnage/v1/{tenant}/{reader}/reads",
    _reads_row,
    _read,
)
IMPINJ = _voice(
    "impinj",
    "Impinj R700: tagInventoryEvent",
    Carried(100),
    lambda tenant, reader: f"impinj-{tenant}/{reader}/events",
    _maker_row("impinj", "events"),
    _impinj,
)
ZEBRA = _voice(
    "zebra",
    "Zebra FX: tag data of the IoT Connector",
    Carried(1),
    lambda tenant, reader: f"zebra-{tenant}/{reader}/data",
    _maker_row("zebra", "data"),
    _zebra,
)
