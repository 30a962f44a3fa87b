"""What the uplinks of LoRaWAN network servers share: whose they are, when, and what they hold.

The network server's decoded object is used where it holds something that is known, else the bytes
by the device's family; `ingest.formats.devices` has both.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ingest.formats import devices
from ingest.formats.decoded import Decoded, Decoder, OptionsError, Row
from ingest.formats.devices import Content, Device, Measured, decoder_output
from ingest.formats.memory import Memory
from ingest.formats.rows import Rows, Unusable, named, shown
from ingest.message import MAX_PAYLOAD_BYTES, Message, Numbered, Portion
from lots.readings.batch import TagKey

_EUI = re.compile(r"[0-9A-Fa-f]{16}")
_ADDRESS = re.compile(r"[0-9A-Fa-f]{1,8}")
_MAX_COUNTER = 2**32 - 1
_TAGS = ("dev_eui", "device")
SAMPLE_STEP = 2**32
"""Samples of earlier in one frame without a clock of their own are told apart by ``boot``: the
device address, and so much more for each. A device address is smaller."""


class Options(NamedTuple):
    """A row's options."""

    tag: str = "dev_eui"  # what the tag is called: its DevEUI, or the network server's device
    family: str = ""  # of all devices of the row, with or without a model behind it
    families: Mapping[str, str] = {}  # the same by DevEUI, device or device profile

    def family_of(self, names: Sequence[str]) -> str:
        """The family that the row says for a device of these ``names``; "" where none."""
        return next((self.families[name] for name in names if name in self.families), self.family)


class Uplink(NamedTuple):
    """An uplink, whichever network server it came from."""

    dev_eui: str
    device: str  # as the network server calls it
    profile: str  # the device profile, "" where there is none
    brand: str
    model: str
    time: float  # ms since 1970, when the network had it; NaN where it does not say
    address: str  # DevAddr, in hex: of the session
    counter: int | None
    port: int | None
    data: str | None  # base64
    objects: Sequence[Any]  # what decoders gave, the surest last


def options(given: Mapping[str, Any]) -> Options:
    """A row's options; raises `OptionsError`."""
    unknown = sorted(given.keys() - {"tag", "family", "families"})
    if unknown:
        raise OptionsError(f"option {unknown[0]!r} is not known: tag, family or families")
    tag = given.get("tag", "dev_eui")
    if tag not in _TAGS:
        raise OptionsError(f"option tag is {tag!r}: {' or '.join(_TAGS)}")
    families = given.get("families", {})
    if not isinstance(families, Mapping):
        raise OptionsError("option families is a table: DevEUI, device or profile = family")
    family = given.get("family", "")
    for each in (family, *families.values()):
        if each != "" and not (isinstance(each, str) and devices.by_name(each)):
            known = ", ".join(devices.FAMILIES)
            raise OptionsError(f"{each!r} is no family of devices: one of {known}")
    by_name = {
        name.upper() if _EUI.fullmatch(name) else name: each for name, each in families.items()
    }
    return Options(tag, family, by_name)


def decoder(
    given: Mapping[str, Any], is_other: Callable[[str], bool], read: Callable[[Message], Uplink]
) -> Decoder:
    """For the uplinks that ``read`` finds in messages; raises `OptionsError` for ``given``.

    ``is_other``: whether a topic is of messages that hold no reading, which are passed over;
    ``read`` raises `Unusable`.
    """
    said = options(given)

    def decode(portion: Portion, row: Row, _memory: Memory) -> Decoded:
        found = Rows(row)
        for numbered in portion:
            if is_other(numbered.message.topic):
                continue
            try:
                take(found, numbered, row, read(numbered.message), said)
            except Unusable as error:
                found.reject(numbered.position, row.tenant, str(error))
        return found.decoded()

    return decode


def take(found: Rows, numbered: Numbered, row: Row, uplink: Uplink, said: Options) -> None:
    """Add what ``uplink`` holds, and reject what of it cannot be used."""
    tag = _tag(row, uplink, said)
    content = _content(uplink, said)
    boot, seq = _session(uplink)
    earlier = 0
    for place, one in enumerate(content.readings):
        own = one.t is not None  # the same in whichever frame it comes: its values tell it apart
        earlier += not own and one.ago > 0
        sample = earlier * SAMPLE_STEP if one.ago else 0
        try:
            found.add(
                numbered,
                tag,
                one.values,
                t=uplink.time - one.ago if one.t is None else one.t,
                boot=-1 if own or boot < 0 else boot + sample,
                seq=-1 if own else seq,
                network_time=not own,
                place=f"record {place}: " if own else "",
            )
        except Unusable as error:
            found.reject(numbered.position, row.tenant, str(error))
    for trouble in content.troubles:
        found.reject(numbered.position, row.tenant, trouble)


def body(payload: bytes) -> bytes:
    """``payload``, if it is not too long; raises `Unusable`."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unusable(f"the message is longer than {MAX_PAYLOAD_BYTES} bytes")
    return payload


def not_json(error: Exception, instead: str) -> Unusable:
    """Why a message is no uplink, as msgspec has it; ``instead`` is what to do."""
    why = "nested too deep" if isinstance(error, RecursionError) else ascii(str(error)[:200])
    return Unusable(f"it cannot be read as an uplink in JSON ({why}): {instead}")


JSON_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def dev_eui(said: str | None) -> str:
    """A DevEUI in upper-case hex; raises `Unusable`."""
    if said is None or not _EUI.fullmatch(said):
        raise Unusable(f"DevEUI {shown(said)}: 16 hexadecimal digits")
    return said.upper()


def last_levels(topic: str, count: int) -> Iterator[str]:
    """The last ``count`` levels of ``topic``, the last one first."""
    yield from reversed(topic.split("/")[-count:])


def _tag(row: Row, uplink: Uplink, said: Options) -> TagKey:
    if row.tenant is None:  # the settings see to it
        raise Unusable("the row of the settings has no tenant")
    name = uplink.dev_eui if said.tag == "dev_eui" else named("device", uplink.device, "the uplink")
    return TagKey(row.tenant, name)


def _session(uplink: Uplink) -> tuple[int, int]:
    """(boot, seq): the device address of the session, and the frame's number in it."""
    counter = uplink.counter if uplink.counter is not None else 0  # zeros may be left out
    if not _ADDRESS.fullmatch(uplink.address) or not 0 <= counter <= _MAX_COUNTER:
        return -1, -1
    return int(uplink.address, 16), counter


def _content(uplink: Uplink, said: Options) -> Content:
    """By the network server's decoder; by the bytes where that has nothing of the climate."""
    decoded = _decoded(uplink.objects)
    if _has_climate(decoded.readings):
        return decoded
    raw = _raw(uplink, said)
    if not decoded.readings or _has_climate(raw.readings):
        return Content(raw.readings, decoded.troubles + raw.troubles)
    return decoded


def _decoded(objects: Sequence[Any]) -> Content:
    """What the decoders gave together: of two that tell the same, the later is surer."""
    now: dict[str, float] = {}
    others: list[Measured] = []
    troubles: list[str] = []
    for each in objects:
        found = decoder_output.content(each)
        for one in found.readings:
            if one.t is None:
                now |= one.values
            elif one not in others:
                others.append(one)
        troubles += found.troubles
    return Content(([Measured(now)] if now else []) + others, troubles)


def _has_climate(readings: Sequence[Measured]) -> bool:
    return any(devices.CLIMATE & one.values.keys() for one in readings)


def _raw(uplink: Uplink, said: Options) -> Content:
    if not uplink.data:
        return Content([], ["it holds neither a decoded object with a value nor a payload"])
    try:
        data = binascii.a2b_base64(uplink.data, strict_mode=True)
    except (binascii.Error, ValueError):
        return Content([], [f"the payload {shown(uplink.data)} is not base64"])
    names = [uplink.brand, uplink.model, uplink.profile, *_named_by(uplink.objects)]
    device = Device(
        said.family_of((uplink.dev_eui, uplink.device, uplink.profile, uplink.model)),
        [name for name in names if name],
        uplink.dev_eui,
    )
    return devices.content(device, uplink.port, data)


def _named_by(objects: Sequence[Any]) -> Iterator[str]:
    """The model as some vendors' decoders give it, beside or in place of values."""
    for each in objects:
        if isinstance(each, dict):
            for name in ("Node_type", "Device", "model"):
                if isinstance(each.get(name), str):
                    yield each[name][:64]


def time_of(*said: str | None) -> float:
    """The first of these instants that can be read, in ms since 1970; NaN where none can."""
    found = (decoder_output.instant(each) for each in said if each)
    return next((each for each in found if each is not None), np.nan)
