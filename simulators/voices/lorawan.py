"""LoRaWAN devices: readings become frames by the device's family, whichever network carries them.

A frame is what the radio sends: an FPort, some bytes, the frame counter. The families are
`milesight`, `elsys`, `netvox`, `dragino`; the networks `chirpstack` and `things_stack`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from simulators.message import Message
from simulators.readings import Readings
from simulators.voices.voice import (
    LIVE_MS,
    Carried,
    Times,
    Told,
    Voice,
    as_said,
    digits_of,
)

FRAME_BYTES = 51
"""What a frame may hold at the slowest data rates of EU868 (RP002-1.0.4, 2.4.6): a device that
minds its range sends no more."""


class Sample(NamedTuple):
    """A reading as it goes into a frame."""

    values: dict[str, float]
    seq: int
    t: int  # ms since 1970 UTC by the device's clock
    age: int  # ms since it was measured; 0: it is the present one


class Frame(NamedTuple):
    """Some samples on ``port``; ``decoded`` is what the vendor's decoder makes of them, None where
    it makes nothing that can be used."""

    port: int
    data: bytes
    samples: list[Sample]
    decoded: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Family:
    """Devices of one vendor, and the model that is spoken.

    ``eui``      how its DevEUIs start, as the vendor has it from the IEEE
    ``frames``   samples -> frames, the present ones first where the family keeps them apart
    """

    name: str
    model: str
    eui: str
    carries: Mapping[str, Carried]
    times: Times
    per_frame: int
    frames: Callable[[list[Sample]], Iterator[Frame]]


class Uplink(NamedTuple):
    """What a network server was sent."""

    family: Family
    device: str  # as the fleet calls it
    dev_eui: str
    address: str  # DevAddr in upper-case hex, of a session
    counter: int
    frame: Frame
    at: int  # ms since 1970 UTC, when the network had it


class Network(NamedTuple):
    """A network server: how it publishes an uplink, ``decoded`` or not, and who takes it.

    ``publish``  application, uplink -> its message
    ``row``      application, tenant -> the row of the settings
    ``named``    a tag's name, its DevEUI -> what it is called there
    """

    name: str
    title: str
    publish: Callable[[str, Uplink], Message]
    row: Callable[[str, str], dict[str, Any]]
    named: Callable[[str, str], str]


def dev_eui(family: Family, tag: str) -> str:
    """16 digits: the vendor's, then the tag's own."""
    return family.eui + digits_of(tag, 16 - len(family.eui))


def _session(tag: str, boot: int) -> str:
    """A DevAddr: a device joins anew when it starts (OTAA), and has another address then."""
    return digits_of(f"{tag} {boot}", 8)


def _samples(readings: Readings, at: int) -> list[Sample]:
    now = at if readings.sent is None else readings.sent
    ages = np.where(now - readings.t <= LIVE_MS, 0, now - readings.t)
    columns = (readings.seq.tolist(), readings.t.tolist(), ages.tolist())
    rows = enumerate(zip(*columns, strict=True))
    return [Sample(readings.measured(row), seq, t, age) for row, (seq, t, age) in rows]


class _Devices:
    """Devices of one family that a network server has as one application."""

    will: Message | None = None

    def __init__(
        self, network: Network, family: Family, application: str, *, decoded: bool
    ) -> None:
        self._network = network
        self._family = family
        self._application = application
        self._decoded = decoded

    def opening(self, at: int) -> list[Message]:
        del at
        return []

    def named(self, tag: str) -> str:
        return self._network.named(tag, dev_eui(self._family, tag))

    def say(self, readings: Readings, at: int) -> list[Message]:
        some = as_said(readings, self._family.carries)
        messages = []
        for boot in np.unique(some.boot).tolist():
            for frame in self._family.frames(_samples(some.at(some.boot == boot), at)):
                uplink = Uplink(
                    family=self._family,
                    device=readings.tag,
                    dev_eui=dev_eui(self._family, readings.tag),
                    address=_session(readings.tag, boot),
                    counter=frame.samples[-1].seq,
                    frame=frame if self._decoded else frame._replace(decoded=None),
                    at=at,
                )
                messages.append(self._network.publish(self._application, uplink))
        return messages


def voice(network: Network, family: Family, *, decoded: bool) -> Voice:
    """``family`` by ``network``: with what its decoder gave, or with the bytes alone."""
    name = f"{network.name}-{family.name}" + ("-decoded" if decoded else "")

    def application(tenant: str) -> str:
        return f"{family.name}-{digits_of(f'{tenant} {name}', 12).lower()}"

    def row(tenant: str) -> dict[str, Any]:
        of_network = network.row(application(tenant), tenant)
        options = {**of_network.get("options", {}), "family": f"{family.name} {family.model}"}
        return {**of_network, "options": options}

    how = "as its decoder gives it" if decoded else "as bytes"
    return Voice(
        name=name,
        about=f"{family.name.title()} {family.model} by {network.title}, {how}",
        carries=family.carries,
        others=None,
        per_message=family.per_frame,
        told=Told.FRAME,
        times=family.times,
        time_step=1 if family.times is Times.NETWORK else 1000,
        row=row,
        open=lambda tenant: _Devices(network, family, application(tenant), decoded=decoded),
    )


def parted(samples: list[Sample], per_frame: int) -> Iterator[list[Sample]]:
    """The present samples one by one, then those of earlier, ``per_frame`` together."""
    yield from ([each] for each in samples if not each.age)
    earlier = [each for each in samples if each.age]
    for begin in range(0, len(earlier), per_frame):
        yield earlier[begin : begin + per_frame]
