"""Families of LoRaWAN devices: what their payloads hold, and which family a device is of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from ingest.formats.devices import dragino, elsys, milesight, netvox
from ingest.formats.devices.payload import (
    CLIMATE,
    Content,
    Decode,
    Measured,
    Values,
    in_hex,
    live,
    plausible,
)

__all__ = [
    "CLIMATE",
    "FAMILIES",
    "Content",
    "Device",
    "Family",
    "Measured",
    "Values",
    "by_name",
    "content",
]


@dataclass(frozen=True, slots=True)
class Family:
    """Devices with one encoding.

    ``brands``   words of which one is in what the vendor or a profile is called, in lower case
    ``models``   how the names of its models start
    ``euis``     how the DevEUIs start that the vendor has from the IEEE
    ``ports``    FPorts that it sends on as it leaves the factory
    """

    name: str
    brands: tuple[str, ...]
    models: re.Pattern[str]
    euis: tuple[str, ...]
    ports: tuple[int, ...]
    decode: Decode


def _starts(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Z0-9])({pattern})[A-Z0-9-]*")


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        each.name: each
        for each in (
            Family(
                "milesight",
                ("milesight", "ursalink"),
                _starts(
                    r"AM10\d|AM3\d\d|AT101|EM[345]\d\d|GS\d{3}|TS[1-6]\d\d|VS\d{3}|WS\d{3}|WTS\d{3}"
                    r"|WT\d{3}|CT\d{3}"
                ),
                ("24E124",),
                (85,),
                milesight.decode,
            ),
            Family(
                "elsys",
                ("elsys",),
                _starts(r"ERS(?![A-Z])|ELT(?![A-Z])|EMS(?![A-Z])|ESM5K"),
                ("A81758",),
                (5, 6),
                elsys.decode,
            ),
            Family(
                "netvox",
                ("netvox",),
                _starts(r"R7\d\d|R3\d\d|R900|R809|RA07|RA02|RB11|RB02"),
                ("00137A",),
                (6, 7, 22, 23),
                netvox.decode,
            ),
            Family(
                "dragino",
                ("dragino",),
                _starts(r"LHT\d\d|L?SN50|D2[0-3]S?-L|S31B?-L"),
                ("A84041",),
                (2, 3, 4, 5),
                dragino.decode,
            ),
        )
    }
)

_NOTHING = b"\xfc\xfd\xfe"
"""A payload of no family."""

_WORD = re.compile(r"[\s:/]+")


class Device(NamedTuple):
    """What is known of a device.

    ``family``   as the settings have it, with or without a model behind it; "" where they do not
    ``names``    what the uplink calls its brand, model and profile, the surest first
    """

    family: str
    names: Sequence[str]
    dev_eui: str


def by_name(said: str) -> tuple[Family, str] | None:
    """Family and model ("" without one) as a setting says them: "milesight", "milesight AM307"."""
    word, *rest = _WORD.split(said.strip(), maxsplit=1)
    family = FAMILIES.get(word.lower())
    return (family, _model_name(rest[0]) if rest else "") if family else None


def content(device: Device, port: int | None, data: bytes) -> Content:
    """What ``data`` says, as the settings say that it is to be read, or as the device is called,
    or as its DevEUI starts, or, where none of these tells, in the one way that fits."""
    model = next((each for name in device.names if (each := _model(name))), "")
    told = by_name(device.family) if device.family else None
    if told:
        return told[0].decode(port, data, told[1] or model)
    hinted = _hinted(device)
    found = hinted.decode(port, data, model) if hinted else None
    if found and (_likely(found) or not (found.readings or found.troubles)):
        return found
    others = [each for each in FAMILIES.values() if each is not hinted]
    guessed = _fitting(others, port, data, model)
    if guessed or not (hinted and found):
        return guessed or _unknown(port, data)
    if found.readings:
        return found
    remedy = f"if it is none of {hinted.name}, name its family in the option families"
    return Content([], [*found.troubles, remedy])


def _likely(found: Content) -> bool:
    return plausible(live(found.readings) or found.readings)


def _hinted(device: Device) -> Family | None:
    for name in device.names:
        lower, upper = name.lower(), _model_name(name)
        fits = [
            each
            for each in FAMILIES.values()
            if any(brand in lower for brand in each.brands) or each.models.search(upper)
        ]
        if len(fits) == 1:
            return fits[0]
    return next((each for each in FAMILIES.values() if device.dev_eui.startswith(each.euis)), None)


def _model_name(name: str) -> str:
    return name.upper().replace("_", "-").replace(" ", "-")


def _model(name: str) -> str:
    """The model that ``name`` speaks of, as the vendors write them."""
    upper = _model_name(name)
    for family in FAMILIES.values():
        if found := family.models.search(upper):
            return found[0]
    return ""


def _fitting(
    families: Iterable[Family], port: int | None, data: bytes, model: str
) -> Content | None:
    """The content by the only family that can read all of it, or by the only one of these that
    sends on this FPort; else by the only one of this FPort that can read two values of it, or
    that knows it for a frame about the device alone."""
    tried = [(each, each.decode(port, data, model)) for each in families]
    likely = [(family, found) for family, found in tried if _likely(found)]
    whole = [(family, found) for family, found in likely if not found.troubles]
    here = [(family, found) for family, found in whole if port in family.ports]
    parts = [
        (family, found)
        for family, found in likely
        if port in family.ports and len(found.readings[0].values) > 1
    ]
    statuses = [
        (family, found)
        for family, found in tried
        if not found.readings and not found.troubles and port in family.ports
        if family.decode(port, _NOTHING, model).troubles  # it is not the FPort alone that tells
    ]
    for choice in (whole, here, [] if whole else parts, [] if likely else statuses):
        if len(choice) == 1:
            return choice[0][1]
    return None


def _unknown(port: int | None, data: bytes) -> Content:
    names = ", ".join(FAMILIES)
    trouble = (
        f"the payload {in_hex(data)} on FPort {port} is of no family that its device or the "
        f"payload tells: name the family ({names}) in the option families, under the DevEUI or "
        "the device profile, or give the network server a decoder"
    )
    return Content([], [trouble])
