"""The compact payload for LoRaWAN: that of Elsys' sensors, which the server decodes already.

"Sensor payload", https://elsys.se/public/documents/Sensor_payload.pdf, big endian: a byte with the
type in bits 5..0 and in bits 7..6 how long the offset behind the value is; the offset is how many
seconds ago it was measured. Why this one: docs/decisions/firmware.md.
"""

import struct

PORT = 5
"""The FPort of these sensors as they leave the factory."""

_TEMPERATURE, _HUMIDITY, _BATTERY, _PROBE = 0x01, 0x02, 0x07, 0x0C


def encode(reading, age_s):
    """One reading that was taken `age_s` seconds ago; b"" where it has no value.

    Temperatures in 0.1 °C and humidity in 1 %RH, rounded; the battery in mV.
    """
    flag, offset = _offset(age_s)
    parts = []
    if reading.temperature is not None:
        parts += [bytes([flag | _TEMPERATURE]), struct.pack(">h", _tenths(reading.temperature))]
        parts.append(offset)
    if reading.humidity is not None:
        parts += [bytes([flag | _HUMIDITY, (reading.humidity + 50) // 100]), offset]
    if reading.battery is not None:
        parts += [bytes([flag | _BATTERY]), struct.pack(">H", reading.battery), offset]
    if reading.probe is not None:
        parts += [bytes([flag | _PROBE]), struct.pack(">h", _tenths(reading.probe)), offset]
    return b"".join(parts)


def fitted(readings, largest):
    """(payload, how many of `readings` are in it): as many as `largest` bytes take.

    `readings` are pairs (reading, its age in s).
    """
    payload, count = b"", 0
    for reading, age_s in readings:
        more = encode(reading, age_s)
        if len(payload) + len(more) > largest:
            break
        payload += more
        count += 1
    return payload, count


def _tenths(hundredths):
    return (hundredths + 5) // 10


def _offset(age_s):
    if age_s == 0:
        return 0x00, b""
    if age_s < 1 << 8:
        return 0x40, struct.pack(">B", age_s)
    if age_s < 1 << 16:
        return 0x80, struct.pack(">H", age_s)
    return 0xC0, struct.pack(">I", age_s)
