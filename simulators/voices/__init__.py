"""Every wire format that Dunnage takes, as a fleet speaks it.

`VOICES` has those of tags, `READERS` those of RFID readers, `LOGGERS` the files of loggers. Each is
written from its vendor's public description and shares no code with the server: what both agree on
is the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from simulators.voices import (
    chirpstack,
    dragino,
    elsys,
    mapped,
    milesight,
    native,
    netvox,
    rfid,
    ruuvi,
    senml,
    sparkplug,
    things_stack,
)
from simulators.voices.logger import LOGGERS, Logger
from simulators.voices.lorawan import voice
from simulators.voices.settings_row import as_toml
from simulators.voices.voice import Carried, ReaderVoice, Speaker, Times, Told, Voice

__all__ = [
    "LOGGERS",
    "READERS",
    "VOICES",
    "Carried",
    "Logger",
    "ReaderVoice",
    "Speaker",
    "Times",
    "Told",
    "Voice",
    "as_toml",
]

_FAMILIES = (milesight.FAMILY, elsys.FAMILY, netvox.FAMILY, dragino.FAMILY)
_NETWORKS = (chirpstack.NETWORK, things_stack.NETWORK)

VOICES: Mapping[str, Voice] = MappingProxyType(
    {
        each.name: each
        for each in (
            native.VOICE,
            mapped.VOICE,
            *(
                voice(network, family, decoded=decoded)
                for network in _NETWORKS
                for family in _FAMILIES
                for decoded in (False, True)
            ),
            senml.JSON,
            senml.CBOR,
            ruuvi.VOICE,
            sparkplug.VOICE,
        )
    }
)

READERS: Mapping[str, ReaderVoice] = MappingProxyType(
    {each.name: each for each in (rfid.READS, rfid.IMPINJ, rfid.ZEBRA)}
)
