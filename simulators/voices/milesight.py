"""Milesight EM300-TH: channel, type, value, little endian; records of earlier behind 0x20 0xCE.

Source: the EM300 series' user guide and the vendor's published decoders
(github.com/Milesight-IoT/SensorDecoders).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from simulators.voices.lorawan import FRAME_BYTES, Family, Frame, Sample, parted
from simulators.voices.voice import Carried, Times

CARRIES = {
    "temperature": Carried(10, -30, 70),  # what an EM300-TH is made for
    "humidity": Carried(2, 0, 100),
    "battery_pct": Carried(1, 0, 100),
}
_PORT = 85
_BATTERY, _TEMPERATURE, _HUMIDITY = b"\x01\x75", b"\x03\x67", b"\x04\x68"
_RECORD = struct.Struct("<BBIhBx")  # 20 CE, s since 1970, 0.1 °C, 0.5 %RH, reserved
_NO_TEMPERATURE, _NO_HUMIDITY = 0x7FFF, 0xFF


def present(values: dict[str, float]) -> bytes:
    """What was measured just now."""
    data = b""
    if "battery_pct" in values:
        data += _BATTERY + struct.pack("<B", CARRIES["battery_pct"].count(values["battery_pct"]))
    if "temperature" in values:
        data += _TEMPERATURE + struct.pack(
            "<h", CARRIES["temperature"].count(values["temperature"])
        )
    if "humidity" in values:
        data += _HUMIDITY + struct.pack("<B", CARRIES["humidity"].count(values["humidity"]))
    return data


def record(sample: Sample) -> bytes:
    """What was measured earlier, with its time; of the battery it does not tell."""
    values = sample.values
    temperature, humidity = _NO_TEMPERATURE, _NO_HUMIDITY
    if "temperature" in values:
        temperature = CARRIES["temperature"].count(values["temperature"])
    if "humidity" in values:
        humidity = CARRIES["humidity"].count(values["humidity"])
    return _RECORD.pack(0x20, 0xCE, sample.t // 1000, temperature, humidity)


def _frames(samples: list[Sample]) -> Iterator[Frame]:
    kept = [each for each in samples if not each.age or each.values.keys() - {"battery_pct"}]
    for part in parted(kept, FRAME_BYTES // _RECORD.size):
        if not part[0].age:
            yield Frame(_PORT, present(part[0].values), part, _named(part[0].values))
        else:
            records = [{"timestamp": each.t // 1000, **_named(each.values)} for each in part]
            yield Frame(_PORT, b"".join(map(record, part)), part, {"history": records})


def _named(values: dict[str, float]) -> dict[str, Any]:
    """As the vendor's decoder calls them."""
    return {("battery" if name == "battery_pct" else name): value for name, value in values.items()}


FAMILY = Family(
    name="milesight",
    model="EM300-TH",
    eui="24E124",
    carries=CARRIES,
    times=Times.BOTH,
    per_frame=FRAME_BYTES // _RECORD.size,
    frames=_frames,
)
