"""What a decoder made of one message: in words for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from ingest.formats import Decoded
from ingest.formats.units import unit_of
from lots.readings.batch import Flag
from lots.settings import Subscription

WORDS = MappingProxyType(
    {
        Flag.SERVER_TIME: "no time was given: the server's",
        Flag.SECONDS: "given in seconds",
        Flag.EPOCH_2000: "counted from 2000",
        Flag.CLOCK_CORRECTED: "corrected, since the device's clock cannot be right",
        Flag.CLOCK_AHEAD: "yet to come, so the device's clock is wrong: kept and not believed",
        Flag.NETWORK_TIME: "noted by the gateway or network",
        Flag.TEMPERATURE_RANGE: "the temperature cannot be: kept and not believed",
        Flag.HUMIDITY_RANGE: "the humidity cannot be: kept and not believed",
        Flag.PROBE_RANGE: "the probe's temperature cannot be: kept and not believed",
        Flag.PRESSURE_RANGE: "the pressure cannot be: kept and not believed",
    }
)
"""What each flag says."""

Shown = tuple[Subscription, str] | None


def as_text(row: Shown, found: Decoded) -> str:
    """For a person."""
    return "\n".join(_lines(row, found))


def as_data(row: Shown, found: Decoded) -> dict[str, Any]:
    """For a program."""
    return {
        "row": row and {"name": row[1], **row[0].model_dump(mode="json")},
        "readings": list(_readings(found)),
        "sightings": [_plain(each) for each in found.sightings],
        "acknowledgements": [_plain(each) for each in found.acks],
        "rejected": [{"kind": str(each.kind), "reason": each.reason} for each in found.rejected],
    }


def _lines(row: Shown, found: Decoded) -> Iterator[str]:
    if row:
        whose = f", tenant {row[0].tenant}" if row[0].tenant else ""
        yield f"{row[0].filter} in format {row[0].format}{whose} ({row[1]})"
    for reading in _readings(found):
        yield ""
        yield f"reading of tag {reading['tag']} of tenant {reading['tenant']}"
        yield f"  {'time':<16}  {reading['time']}"
        for words in reading["flags"]:
            yield f"  {'':<16}  {words}"
        if reading["boot"] is not None:
            yield f"  {'boot, seq':<16}  {reading['boot']}, {reading['seq']}"
        for name, value in reading["values"].items():
            yield f"  {name:<16}  {value:.12g} {_unit(name)}"
    for seen in found.sightings:
        yield ""
        yield f"sighting of {seen.epc} by reader {seen.reader} of tenant {seen.tenant}"
        yield from (f"  {name:<16}  {value}" for name, value in _rest_of(seen))
    for ack in found.acks:
        yield ""
        yield f"tag {ack.tag} asks how far its readings of boot {ack.boot} are safe, to {ack.seq}"
    for each in found.rejected:
        yield ""
        yield f"not used: {each.reason}"
    if not row:
        yield "or try it in a format: --format, one of `dunnage formats list`"
    if not (len(found.batch) or found.sightings or found.acks or found.rejected):
        yield ""
        yield "understood, and nothing in it is to be kept"


def _unit(name: str) -> str:
    return unit_of(name) or "(no unit is known, and no rule judges by it)"


def _rest_of(seen: Any) -> Iterator[tuple[str, Any]]:
    for name, value in _plain(seen).items():
        if name == "time":
            yield name, _instant(value)
        elif name not in ("epc", "reader", "tenant"):
            yield name, value


def _readings(found: Decoded) -> Iterator[dict[str, Any]]:
    batch = found.batch
    for n in range(len(batch)):
        tag = batch.tags[batch.tag[n]]
        flags = int(batch.flags[n])
        counted = batch.boot[n] >= 0 and batch.seq[n] >= 0
        yield {
            "tenant": tag.tenant,
            "tag": tag.tag,
            "time": _instant(int(batch.time[n])),
            "t": int(batch.time[n]),
            "key": int(batch.key[n]),
            "flags": [words for flag, words in WORDS.items() if flags & flag],
            "boot": int(batch.boot[n]) if counted else None,
            "seq": int(batch.seq[n]) if counted else None,
            "values": {
                name: float(column[n])
                for name, column in batch.values.items()
                if not np.isnan(column[n])
            },
        }


def _plain(fact: Any) -> dict[str, Any]:
    if is_dataclass(fact) and not isinstance(fact, type):
        return asdict(fact)
    return dict(fact._asdict())


def _instant(ms: int) -> str:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
