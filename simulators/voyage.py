"""A journey as its tags tell it: the world, then sensors, then the radio, then a voice.

``hung_in(world)`` has the tags, ``hear`` what each of them made and what of that arrives,
``spoken`` the messages in order of arrival; the same for the same arguments on every machine.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from simulators.journeys.model import Lot, When
from simulators.message import Message
from simulators.radio import Gateway, Radio, Sent, send
from simulators.sensors import Device, Made, Wrong, declared, make
from simulators.sensors.faults import Replaced
from simulators.voices import VOICES, Speaker, Times, Voice
from simulators.world import Tag, World

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Hung:
    """A tag of a journey: where the world has it, its device, how it is heard, what it speaks."""

    tag: Tag
    device: Device
    radio: Radio
    voice: Voice

    def called(self, tenant: str) -> str:
        """What the server will call it: some formats have names of their own."""
        return self.voice.open(tenant).named(self.device.tag)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a tag made, and what of it arrives."""

    hung: Hung
    made: Made
    sent: Sent


def hung_in(world: World, voice: Voice | None = None) -> tuple[Hung, ...]:
    """The tags of a world, one that is replaced and the other each by itself.

    All speak ``voice``; without it each its own. Where a voice has times of the network alone a
    device cannot tell when it measured what it kept: it keeps nothing. The journey's file was
    checked by `declared.check`.
    """
    gateways = [declared.gateway(entry) for entry in world.journey.gateways]
    known = {gateway.key: gateway for gateway in gateways}
    found = [each for tag in world.tags for each in _hung(world, tag, known, voice)]
    return tuple(_beacon(each) if each.voice.times is Times.NETWORK else each for each in found)


def hear(world: World, hung: Hung) -> Heard:
    """What a tag made and what of it arrives."""
    made = make(hung.device, partial(world.climate, hung.tag), world.seed)
    return Heard(hung, made, send(made, hung.radio, world.seed))


def speakers(tags: Iterable[Hung], tenant: str) -> dict[str, Speaker]:
    """A speaker of ``tenant`` for each voice that is spoken, by its name."""
    voices = {each.voice.name: each.voice for each in tags}
    return {name: voice.open(tenant) for name, voice in voices.items()}


def spoken(heard: Sequence[Heard], speakers: Mapping[str, Speaker]) -> Iterator[Message]:
    """What arrives of all tags, in order of time, as their speakers say it."""
    voices = {each.made.readings.tag: each.hung.voice.name for each in heard}
    arrivals = heapq.merge(*(each.sent.arrivals for each in heard), key=lambda a: a.at)
    for arrival in arrivals:
        speaker = speakers[voices[arrival.readings.tag]]
        yield from speaker.say(arrival.readings, arrival.at)


def wrongs(world: World, heard: Sequence[Heard]) -> list[Wrong]:
    """What was wrong with the tags and when, by time: faults, and lots without tags of theirs."""
    found = [wrong for each in heard for wrong in (*each.made.wrong, *_lost(each))]
    own = {tag.lot for tag in world.tags}
    bare = [lot for lot in world.lots if lot.key not in own]
    for each in (each for each in heard if each.hung.tag.place is not None):
        device = each.made.device
        lots = [lot.key for lot in bare if each.hung.tag.place in _places(world, lot)]
        if lots:
            span = (device.begins, device.ends)
            found.append(Wrong(device.tag, "one_for_all", *span, "", ", ".join(lots)))
    return sorted(found, key=lambda wrong: (wrong.begins, wrong))


def _places(world: World, lot: Lot) -> set[str | None]:
    """Wherever a lot stands at some time."""
    aboard = [each for each in world.journey.shipments if lot.key in each.lots]
    return {
        *(stand.place for stand in lot.stands),
        *(shipment.vehicle for shipment in aboard),
        *(shipment.to for shipment in aboard),
    }


def _lost(heard: Heard) -> Iterator[Wrong]:
    """That readings never arrived, for want of room or because the journey ended."""
    for what, positions in (("overflowed", heard.sent.lost), ("unheard", heard.sent.kept)):
        if len(positions):
            at = heard.made.at[positions]
            detail = f"{len(positions)} readings"
            yield Wrong(heard.made.device.tag, what, int(at[0]), int(at[-1]), "", detail)


def _hung(
    world: World, tag: Tag, gateways: Mapping[str, Gateway], voice: Voice | None
) -> Iterator[Hung]:
    """A tag, and one by one those that take its place."""
    entry = tag.entry
    device = device_of(world, tag)
    faults = device.faults
    radio = _radio(world, tag, gateways)
    voice = voice or VOICES[declared.voice(entry)]
    for replaced in (fault for fault in faults if isinstance(fault, Replaced)):
        mine = tuple(fault for fault in faults if fault.begins <= replaced.begins)
        yield Hung(tag, replace(device, ends=replaced.begins, faults=mine), radio, voice)
        faults = tuple(fault for fault in faults if fault.begins > replaced.begins)
        hangs = replaced.begins + round(replaced.hours * HOUR_MS)
        # A new one: its battery is full, it was adjusted in the factory.
        tag = replace(tag, key=replaced.by)
        device = replace(device, tag=replaced.by, begins=hangs, charge=1.0, age_days=0.0)
    yield Hung(tag, replace(device, faults=faults), radio, voice)


def device_of(world: World, tag: Tag) -> Device:
    """The device that hangs there, with all that its entry says will be wrong with it."""
    entry, when = tag.entry, partial(instant, world)
    begins = when(float(entry.get("from", 0.0)), None)
    ends = when(float(entry["until"]), None) if "until" in entry else world.end_ms
    return Device(
        tag.key,
        declared.sensor(entry),
        begins,
        ends,
        declared.reporting(entry),
        declared.faults(entry, when),
        charge=float(entry.get("charge", 1.0)),
        age_days=float(entry.get("age_days", 0.0)),
    )


def _radio(world: World, tag: Tag, gateways: Mapping[str, Gateway]) -> Radio:
    """How a tag is heard: by its gateways, without one by the broker itself; at sea not at all."""
    names = declared.texts(tag.entry, "gateways")
    silent = declared.out_of_reach(tag.entry, partial(instant, world)) + at_sea(world, tag)
    if not names:
        return Radio(out_of_reach=silent)
    return Radio(tuple(gateways[name] for name in names), silent)


def at_sea(world: World, tag: Tag) -> tuple[tuple[int, int], ...]:
    """When a tag travels where nothing can hear it: on the legs that are offline."""
    return tuple(
        (instant(world, leg.departs), instant(world, leg.arrives))
        for shipment in world.journey.shipments
        if tag.lot in shipment.lots or tag.place == shipment.vehicle
        for leg in shipment.legs
        if leg.offline
    )


def instant(world: World, hours: float, since: str | None = None) -> int:
    """ms, so many hours after the start, or after an event: ``SHIPMENT arrives``."""
    shipment, _, event = (since or "").partition(" ")
    when = When(hours, (shipment, event) if since else None)
    return world.start_ms + round(world.journey.hours(when) * HOUR_MS)


def _beacon(hung: Hung) -> Hung:
    model = replace(hung.device.model, memory=0)
    gateways = tuple(
        replace(gateway, batch_s=0.0, unconfirmed=0.0, per_message=1, jitter_s=0.0)
        for gateway in hung.radio.gateways
    )
    radio = replace(hung.radio, gateways=gateways)
    return replace(hung, device=replace(hung.device, model=model), radio=radio)
