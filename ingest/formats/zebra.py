"""Zebra fixed readers (FX7500, FX9600, ATR7000): tag data of the IoT Connector over MQTT, as JSON.

https://zebradevs.github.io/rfid-ziotc-docs/ has it. Which fields come depends on the operating
mode and its metadata: SIMPLE tells the EPC alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.formats.decoded import Decoder, Format
from ingest.formats.rows import Unusable, shown
from ingest.formats.sighters import ReaderName, Sighter, decoder, events, instant, number
from ingest.message import Numbered
from lots.terms import Identity


def _open(options: Mapping[str, Any]) -> Decoder:
    return decoder(options, _read)


FORMAT = Format(
    name="zebra",
    about="Zebra FX RFID readers: tag data of the IoT Connector",
    filter="zebra/+/data",
    identity=Identity.VALUES,
    open=_open,
)


def _read(found: Sighter, numbered: Numbered, tenant: str, readers: ReaderName) -> None:
    position, message = numbered
    try:
        for place, content in events(message.payload):
            for within, event, tag in _tags(content):
                try:
                    _see(found, numbered, place + within, tenant, readers, event, tag)
                except Unusable as error:
                    found.rows.reject(position, tenant, f"{place}{within}{error}")
    except Unusable as error:
        found.rows.reject(position, tenant, str(error))


_NAMES = ("hostName", "hostname", "MAC", "mac")
"""What a reader may call itself by."""


def _tags(content: Any) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Each tag in an event, and where; none in a heartbeat, an error or a change of an input."""
    event = content if isinstance(content, dict) else {}
    data = event.get("data")
    if isinstance(data, dict) and isinstance(data.get("tagData"), list):
        data = data["tagData"]
    tags = data if isinstance(data, list) else [data]
    of_reader = isinstance(event.get("type"), str) or "eventType" in event
    for number_, tag in enumerate(tags):
        if (isinstance(tag, dict) and "idHex" in tag) or not of_reader:
            yield f"tag {number_}: " if len(tags) > 1 else "", event, tag


def _see(
    found: Sighter,
    numbered: Numbered,
    place: str,
    tenant: str,
    readers: ReaderName,
    event: Mapping[str, Any],
    tag: Any,
) -> None:
    if not isinstance(tag, dict) or "idHex" not in tag:
        raise Unusable("it is no event: let the reader send its tag data on this topic")
    kind = tag.get("format", "epc")
    if kind != "epc":
        raise Unusable(f"idHex is of format {shown(kind)}: let the reader report the EPC")
    own = tag.get("timestamp")
    times = (event.get(name) for name in ("timestamp", "timeStamp"))
    told = own if own is not None else next((each for each in times if each is not None), None)
    names = (each.get(name) for each in (tag, event) for name in _NAMES)
    found.see(
        numbered,
        place,
        tenant,
        readers.of(numbered.message, next(filter(None, names), None)),
        epc=tag["idHex"],
        antenna=tag.get("antenna"),
        rssi=number(tag.get("peakRssi"), "peakRssi"),
        t=instant(told, "the time"),
    )
