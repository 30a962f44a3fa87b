"""A reading, and how the ring in flash keeps it: whole numbers, so no float can blur one.

temperature, humidity and probe are in hundredths of °C and %RH, battery in mV; None where there is
none. `t` is in ms: since 1970 UTC where `clock_set`, else by `Clock.uptime_ms`.
"""

import struct
from collections import namedtuple

Reading = namedtuple(
    "Reading",
    "boot seq t clock_set temperature humidity probe battery days_left lost".split(),  # noqa: SIM905
)

_FORM = "<IIqBhhhHHI"
SIZE = struct.calcsize(_FORM)
_NO_VALUE = -0x8000
_NO_COUNT = 0xFFFF


def pack(reading):
    """`SIZE` bytes."""
    return struct.pack(
        _FORM,
        reading.boot,
        reading.seq,
        reading.t,
        1 if reading.clock_set else 0,
        _NO_VALUE if reading.temperature is None else reading.temperature,
        _NO_VALUE if reading.humidity is None else reading.humidity,
        _NO_VALUE if reading.probe is None else reading.probe,
        _NO_COUNT if reading.battery is None else reading.battery,
        _NO_COUNT if reading.days_left is None else reading.days_left,
        reading.lost,
    )


def unpack(data, at=0):
    boot, seq, t, clock_set, temperature, humidity, probe, battery, days_left, lost = (
        struct.unpack_from(_FORM, data, at)
    )
    return Reading(
        boot,
        seq,
        t,
        clock_set == 1,
        None if temperature == _NO_VALUE else temperature,
        None if humidity == _NO_VALUE else humidity,
        None if probe == _NO_VALUE else probe,
        None if battery == _NO_COUNT else battery,
        None if days_left == _NO_COUNT else days_left,
        lost,
    )


def number(data, at=0):
    """(boot, seq), without the rest."""
    return struct.unpack_from("<II", data, at)
