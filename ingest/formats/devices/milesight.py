"""Milesight: channel, type, value, for the AM, EM, TS, WS, WTS ranges and others.

The encoding is that of the vendor's published decoders (github.com/Milesight-IoT/SensorDecoders)
and user guides, little endian: a channel, a type, then a value whose length follows from the type.
Channel 0xFF tells of the device, 0xFE and 0xF8, 0xF9 answer to a configuration, channels from 0x80
on are alarms and repeat the value. Records of earlier are in `milesight_history`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.formats.devices.milesight_history import History, histories
from ingest.formats.devices.payload import (
    ALL_8,
    ALL_16,
    ALL_32,
    NO_16,
    SKIPPED,
    Content,
    Field,
    Layout,
    Measured,
    Values,
    plausible,
    timely,
)

_HISTORY = 0xCE
_DEVICE, _ANSWER, _RESULT, _EXTENDED = 0xFF, 0xFE, 0xF8, 0xF9
_TEMPERATURE, _HUMIDITY, _DIGITAL = 0x67, 0x68, 0x00
_FIRST = 0x03  # the channel of a device's first sensor
_LAST_SENSOR = 0x1F

_LENGTHS: Mapping[int, int] = {
    length_of: length
    for length, kinds in {
        1: "01 0b 0f 10 13 25 27 28 2c 2d 2e 2f 3b 3c 3d 3e 4a 56 57 59 62 66 67 68 69 6d 71 84 85"
        " 86 a1 a4 a5 a6 be c3 e9 eb f4 f5 f6 fe",
        2: "02 03 09 0a 17 18 1c 4e 5a 65 70 77 95 a3 f2 ff",
        3: "6a 87 8e ab ea",
        4: "11 f0 f1",
        5: "1b 54 39 7e 91 92",
        6: "08 d6",
        7: "75",
        8: "16 35 96",
        9: "06 a0",
    }.items()
    for length_of in bytes.fromhex(kinds)
}
"""Type -> bytes, on the channels 0xFF and 0xFE."""

_LENGTHS_EXTENDED: Mapping[int, int] = {
    0x0B: 7,
    0x0C: 4,
    0x0D: 3,
    0x0E: 2,
    0x31: 1,
    0x32: 3,
    0x63: 4,
    0x66: 1,
    0x69: 1,
    0x6A: 1,
    0x6F: 1,
    0xBC: 2,
    0xBD: 3,
    0xBE: 4,
    0xBF: 5,
    0xC0: 2,
    0xC4: 6,
    0xC9: 1,
}
"""Type -> bytes, on the channel 0xF9, and one more for the result on 0xF8."""


def _types() -> Mapping[int, Layout]:
    """Type -> value, on any channel that `_channels` does not name."""
    return {
        0x00: Layout("B", Field("digital")),
        0x5B: Layout("7x"),  # levels of sound
        0x67: Layout("<h", Field("temperature", 10, NO_16)),
        0x68: Layout("<B", Field("humidity", 2, ALL_8)),
        0x6A: Layout("<H", Field("activity", 1, ALL_16)),
        0x73: Layout("<H", Field("pressure", 10, ALL_16)),
        0x75: Layout("<B", Field("battery_pct", 1, ALL_8)),
        0x77: Layout("<H", Field("level", 1, ALL_16)),
        0x7B: Layout("<H", Field("pipe_pressure", 1, ALL_16)),
        0x7D: Layout("2x"),  # a gas that the channel would name
        0x7F: Layout("<H", Field("conductivity", 1, (0xFFFF, 0xFFFD))),
        0x82: Layout("<H", Field("distance", 1, ALL_16)),
        0x84: Layout("<h", Field("wind_direction", 10, NO_16)),
        0x92: Layout("<H", Field("wind_speed", 10, ALL_16)),
        0x94: Layout("<I", Field("light", 1, ALL_32)),
        0x9C: Layout("x"),  # how full its memory is
        0x9D: Layout("<H", Field("light", 1, ALL_16)),
        0x9F: Layout("2x"),  # movement
        0xC8: Layout("<I", Field("pulses_total_1")),
        0xCA: Layout("<H", Field("soil_moisture", 100, (0xFFFF, 0xFFFD))),
        0xCB: Layout("<B", Field("light_level", 1, ALL_8)),
        0xD7: Layout("<hhB", Field("temperature", 10, NO_16), SKIPPED, SKIPPED),
        0xE1: Layout("8x"),
        0xE6: Layout("<H", Field("tvoc", 1, ALL_16)),
        0xEC: Layout("<IB", Field("rain", 100, ALL_32), SKIPPED),
        0xED: Layout("x"),
        0xEE: Layout("x"),
    }


def _channels() -> Mapping[tuple[int, int], Layout]:
    """(channel, type) -> value, where the channel decides."""
    temperature = Field("temperature", 10, NO_16)
    humidity = Field("humidity", 2, ALL_8)
    alarm = Layout("<hB", temperature, SKIPPED)
    alarm_2 = Layout("<hB", Field("temperature_2", 10, NO_16), SKIPPED)
    return {
        (0x05, 0x7D): Layout("<H", Field("co2", 1, ALL_16)),
        (0x07, 0x7D): Layout("<H", Field("co2", 1, ALL_16)),
        (0x0A, 0x7D): Layout("<H", Field("hcho", 100, ALL_16)),
        (0x0B, 0x7D): Layout("<H", Field("pm2_5", 1, ALL_16)),
        (0x0C, 0x7D): Layout("<H", Field("pm10", 1, ALL_16)),
        (0x0D, 0x7D): Layout("<H", Field("o3", 100, ALL_16)),
        (0x0E, 0x01): Layout("x"),  # a buzzer
        (0x06, 0x65): Layout("<HHH", Field("light", 1, ALL_16), SKIPPED, SKIPPED),
        (0x08, 0x77): Layout("<HB", Field("rain", 100, ALL_16), SKIPPED),
        (0x83, 0x67): alarm,
        (0x84, 0x67): alarm_2,
        (0x84, 0x68): Layout("<BB", humidity, SKIPPED),
        (0x93, 0x67): Layout("<hhB", temperature, SKIPPED, SKIPPED),
        (0x94, 0x68): Layout("<BBB", humidity, SKIPPED, SKIPPED),
        (0x94, 0xD7): Layout("<hhB", Field("temperature_2", 10, NO_16), SKIPPED, SKIPPED),
        (0x84, 0x82): Layout("<HB", Field("distance", 1, ALL_16), SKIPPED),
        (0x85, 0x00): Layout("2x"),
        (0x85, 0xE1): Layout("9x"),
        (0x86, 0x73): Layout("<HB", Field("pressure", 10, ALL_16), SKIPPED),
        (0x86, 0x9D): Layout("<HB", Field("light", 1, ALL_16), SKIPPED),
        (0x87, 0x7D): Layout("<HB", Field("co2", 1, ALL_16), SKIPPED),
        (0x87, 0x92): Layout("<HB", Field("wind_speed", 10, ALL_16), SKIPPED),
        (0x88, 0xEC): Layout("<IBB", Field("rain", 100, ALL_32), SKIPPED, SKIPPED),
        (0x83, 0xED): Layout("2x"),
        (0xB3, 0x67): Layout("x"),  # that a sensor cannot be read
        (0xB4, 0x68): Layout("x"),
        (0xB6, 0xCB): Layout("x"),
        (0xB6, 0x9D): Layout("x"),
        (0xB7, 0x7D): Layout("x"),
    }


_TYPES = _types()
_CHANNELS = _channels()
_DOORS = {"EM300-MCS": (0x06,), "WS301": (0x03,), "TS30": (0x03, 0x04)}  # a magnet: 1 open
_LEAKS = ("EM300-SLD", "EM300-ZLD", "EM300-MLD")


def decode(_port: int | None, data: bytes, model: str) -> Content:
    """What ``data`` says; records of earlier are told apart by ``model`` or by what fits alone."""
    walk = _Walk(data, model, None)
    if walk.history is None:
        return walk.content()
    known, guessed = histories(walk.history, model)
    ways = [_Walk(data, model, each) for each in known]
    if len(ways) == 1 and ways[0].whole:
        return ways[0].content()
    ways += [_Walk(data, model, each) for each in guessed]
    whole = [each for each in ways if each.whole]
    fitting = [each for each in whole if plausible(each.content().readings)]
    if len(found := _best(fitting)) == 1:
        return found[0]
    if len(known) == 1:
        return ways[0].content()
    # of a time that cannot be, they are put in quarantine: nobody takes them for measured
    unset = [
        each
        for each in whole
        if not any(timely(one) for one in each.content().readings if one.t is not None)
    ]
    if not fitting and len(found := _best(unset)) == 1:
        return found[0]
    said = "more than one length" if fitting else "no length"
    rest = (
        f"byte {walk.at}: records of earlier fit {said} that is known: name the model in the "
        "device profile, or in the option families"
    )
    return Content(walk.content().readings, [rest])


def _best(ways: list[_Walk]) -> list[Content]:
    """What the likeliest ways come to: records follow one another, so bytes between them that were
    taken for something else, or more bytes in fewer records, are likelier chance."""
    found: list[Content] = []
    best = min(((each.between, -each.records) for each in ways), default=None)
    for each in ways:
        content = each.content()
        if (each.between, -each.records) == best and content not in found:
            found.append(content)
    return found


class _Walk:
    """A way through a payload; ``record`` is how its records of earlier are read.

    ``at``       where it ended
    ``history``  the channel of the records it met and could not read, else None
    ``whole``    nothing was left over
    ``records``  how many records of earlier there were
    ``between``  how many other values came after the first of these
    """

    def __init__(self, data: bytes, model: str, record: History | None) -> None:
        self.at = 0
        self.history: int | None = None
        self.records = 0
        self.between = 0
        self._data = data
        self._model = model
        self._record = record
        self._values: Values = {}
        self._readings: list[Measured] = []
        self._trouble = ""
        while self.at < len(data) and self._step():
            pass

    @property
    def whole(self) -> bool:
        return self.at >= len(self._data)

    def content(self) -> Content:
        live = [Measured(self._values)] if self._values else []
        return Content(live + self._readings, [self._trouble] if self._trouble else [])

    def _step(self) -> bool:
        """One channel; whether there is a way on."""
        if self.at + 2 > len(self._data):
            return self._stop("it ends in the middle of a channel")
        channel, kind = self._data[self.at : self.at + 2]
        if kind == _HISTORY and channel in (0x20, 0x21):
            return self._earlier(channel)
        layout: Layout | None = None
        if channel in (_DEVICE, _ANSWER, _RESULT, _EXTENDED):
            length = self._length(channel, kind)
        else:
            layout = _CHANNELS.get((channel, kind))
            if layout is None and channel <= _LAST_SENSOR:
                layout = _TYPES.get(kind)
            length = layout.size if layout else None
        if length is None:
            return self._stop(
                f"type 0x{kind:02x} on channel 0x{channel:02x} is not known: the rest was left out"
            )
        if self.at + 2 + length > len(self._data):
            return self._stop(f"it ends in the middle of channel 0x{channel:02x}")
        self.between += self.records > 0
        if layout:
            self._put(channel, kind, layout.read(self._data, self.at + 2))
        self.at += 2 + length
        return True

    def _stop(self, why: str) -> bool:
        self._trouble = f"byte {self.at}: {why}"
        return False

    def _length(self, channel: int, kind: int) -> int | None:
        if channel in (_RESULT, _EXTENDED):
            length = _LENGTHS_EXTENDED.get(kind)
            return length if length is None or channel == _EXTENDED else length + 1
        if kind == 0x1A:  # how CO2 is calibrated: by hand with a value
            return 3 if self._data[self.at + 2 : self.at + 3] == b"\x02" else 1
        return _LENGTHS.get(kind)

    def _earlier(self, channel: int) -> bool:
        record = self._record
        if record is None or record.channel != channel:
            self.history = channel
            return self._stop("records of earlier of another layout")
        if self.at + 2 + record.size > len(self._data):
            return self._stop("it ends in the middle of a record of earlier")
        seconds, values = record.read(self._data[self.at + 2 : self.at + 2 + record.size])
        self.records += 1
        if values:
            self._readings.append(Measured(values, t=seconds * 1000.0))
        self.at += 2 + record.size
        return True

    def _put(self, channel: int, kind: int, found: Values) -> None:
        name = ""  # where it is not the type's own
        if kind == _DIGITAL:
            name = self._digital(channel)
        elif kind == _HUMIDITY and self._model.startswith("EM500-SMT"):
            name = "soil_moisture"
        elif kind == _TEMPERATURE and channel == _FIRST + 1:
            name = "temperature_2"
        for own, value in found.items():
            self._values[name or own] = value

    def _digital(self, channel: int) -> str:
        """What an input is there for, where the model tells."""
        for model, channels in _DOORS.items():
            if self._model.startswith(model) and channel in channels:
                return "door" if channel == channels[0] else "door_2"
        leak = channel == 0x05 and self._model.startswith(_LEAKS)
        return "leak" if leak else f"digital_{channel}"
