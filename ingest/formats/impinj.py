"""Impinj readers (R700, R720): the events of the IoT device interface over MQTT, as JSON.

https://platform.impinj.com/site/docs/reader_api/ has them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ingest.formats.decoded import Decoder, Format
from ingest.formats.rows import Unusable, shown
from ingest.formats.sighters import (
    ReaderName,
    Sighter,
    an_object,
    decoder,
    events,
    instant,
    number,
)
from ingest.message import Numbered
from lots.terms import Identity

SEEN = "tagInventoryEvent"
"""The events that tell of a tag; all others have a key that ends alike, and are passed over."""


def _open(options: Mapping[str, Any]) -> Decoder:
    return decoder(options, _read)


FORMAT = Format(
    name="impinj",
    about="Impinj R700 RFID readers: tagInventoryEvent of the IoT device interface",
    filter="impinj/+/events",
    identity=Identity.VALUES,
    open=_open,
)


def _read(found: Sighter, numbered: Numbered, tenant: str, readers: ReaderName) -> None:
    position, message = numbered
    try:
        for place, content in events(message.payload):
            try:
                event = an_object(content)
                if SEEN in event or not _of_another_kind(event):
                    _see(found, numbered, place, tenant, readers, event)
            except Unusable as error:
                found.rows.reject(position, tenant, f"{place}{error}")
    except Unusable as error:
        found.rows.reject(position, tenant, str(error))


def _see(
    found: Sighter,
    numbered: Numbered,
    place: str,
    tenant: str,
    readers: ReaderName,
    event: Mapping[str, Any],
) -> None:
    tag = event.get(SEEN)
    if not isinstance(tag, dict):
        raise Unusable("it is no event: let the reader send those of its IoT interface")
    rssi = number(tag.get("peakRssiCdbm"), "peakRssiCdbm")
    last = tag.get("lastSeenTime")
    found.see(
        numbered,
        place,
        tenant,
        readers.of(numbered.message, event.get("hostname") or event.get("readerName")),
        epc=_digits(tag),
        antenna=tag.get("antennaPort"),
        rssi=None if rssi is None else rssi / 100.0,
        t=instant(event.get("timestamp") if last is None else last, "the time"),
    )


def _of_another_kind(event: Mapping[str, Any]) -> bool:
    """A start or stop of the inventory, an antenna, an input: news of the reader, not of goods."""
    return "eventType" in event or any(name.endswith("Event") for name in event)


def _digits(tag: Mapping[str, Any]) -> object:
    if tag.get("epcHex") is not None:
        return tag["epcHex"]
    coded = tag.get("epc")
    if not isinstance(coded, str):
        raise Unusable("there is neither epc nor epcHex in it: enable one in the reader's preset")
    try:
        # The reader's alphabet is that of addresses or the plain one, by version.
        return base64.b64decode(coded.replace("-", "+").replace("_", "/"), validate=True).hex()
    except (binascii.Error, ValueError):
        raise Unusable(f"epc is {shown(coded)}: that is not base64") from None
