"""Sightings by any RFID reader: JSON on ``dunnage/v1/{tenant}/{reader}/reads`` (docs/wire.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ingest.formats.decoded import Decoded, Decoder, Format, OptionsError, Row
from ingest.formats.epcs import Urns
from ingest.formats.memory import Memory
from ingest.formats.rows import Unusable, named, shown
from ingest.formats.sighters import Sighter, an_object, events, number
from ingest.message import Numbered, Portion
from lots.terms import Identity


def _open(options: Mapping[str, Any]) -> Decoder:
    if options:
        raise OptionsError("the format reads has no options: leave them out")
    urns = Urns()

    def decode(portion: Portion, row: Row, _memory: Memory) -> Decoded:
        found = Sighter(row, urns)
        for numbered in portion:
            _read(found, numbered)
        return found.decoded()

    return decode


FORMAT = Format(
    name="reads",
    about="Sightings by RFID readers, Dunnage's own JSON (docs/wire.md)",
    filter="dunnage/v1/+/+/reads",
    identity=Identity.VALUES,
    open=_open,
    names_tenant=True,
)


def _read(found: Sighter, numbered: Numbered) -> None:
    position, message = numbered
    tenant = None
    try:
        tenant, reader = _names(message.topic)
        for place, event in events(message.payload):
            try:
                read = an_object(event)
                found.see(
                    numbered,
                    place,
                    tenant,
                    reader,
                    epc=read.get("epc"),
                    antenna=read.get("antenna"),
                    rssi=number(read.get("rssi"), "rssi"),
                    t=_time(read, "t"),
                    sent=_time(read, "sent"),
                )
            except Unusable as error:
                found.rows.reject(position, tenant, f"{place}{error}")
    except Unusable as error:
        found.rows.reject(position, tenant, str(error))


def _names(topic: str) -> tuple[str, str]:
    levels, where = topic.split("/"), f"topic {shown(topic)}"
    if len(levels) != 5 or levels[:2] != ["dunnage", "v1"] or levels[4] != "reads":
        raise Unusable(f"{where}: publish on dunnage/v1/{{tenant}}/{{reader}}/reads")
    return named("tenant", levels[2], where), named("reader", levels[3], where)


def _time(read: Mapping[str, Any], name: str) -> float:
    value = number(read.get(name), name)
    return np.nan if value is None else value
