"""Milesight: channel, type, value, for the AM, EM, TS, WS, WTS ranges and others.

The encoding is that of the vendor's published decoders (github.com/Milesight-IoT/SensorDecoders)
and user guides, little endian: a channel, a type, then a value whose length follows from the type
(`milesight_channels`). Channel 0xFF tells of the device, 0xFE and 0xF8, 0xF9 answer to a
configuration, channels from 0x80 on are alarms and repeat the value. Records of earlier are in
`milesight_history`, what models speak that have no channels in `milesight_commands`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.formats.devices import milesight_commands
from ingest.formats.devices.milesight_channels import ABOUT_DEVICE, layout, length
from ingest.formats.devices.milesight_history import History, histories
from ingest.formats.devices.payload import (
    CLIMATE,
    Content,
    Measured,
    Values,
    plausible,
    timely,
)

_HISTORY = 0xCE
_TEMPERATURE, _HUMIDITY, _HUMIDITY_FINE, _DIGITAL = 0x67, 0x68, 0x9A, 0x00
_SECOND = 0x04  # the channel of a device's second sensor

# what tells a model that is not named
_VALVE = {(0x05, 0x92), (0x05, 0xE7), (0x06, 0xE8)}
_PEOPLE = {(0x05, 0xFD), (0x06, 0xFE)}
_SOIL = {(0x05, 0x7F)}
_ODOUR = {(0x02, 0x67)}
_TWO_PROBES = {(0x03, 0x9A), (0x83, 0x9A), (0x93, 0x9A), (0x04, 0x67), (0x84, 0x67), (0x94, 0x67)}

_DOORS = {"EM300-MCS": (0x06,), "WS301": (0x03,), "TS30": (0x03, 0x04)}  # a magnet: 1 open
_LEAKS = {"EM300-SLD": 0x05, "EM300-ZLD": 0x05, "EM300-MLD": 0x06}


def decode(_port: int | None, data: bytes, model: str) -> Content:
    """What ``data`` says; records of earlier are told apart by ``model`` or by what fits alone."""
    if milesight_commands.speaks(model):
        return milesight_commands.decode(data, model)
    walk = _Walk(data, model, None)
    if walk.history is None:
        return walk.content()
    known, others = histories(walk.history, model)
    ways = [_Walk(data, model, each) for each in known]
    if len(ways) == 1 and ways[0].whole:
        return ways[0].content()
    guesses = [
        _Walk(data, model, each)
        for each in others
        if each.beside is None or each.beside in walk.seen
    ]
    own = [each for each in ways if each.fits and plausible(each.content().readings)]
    guessed = [each for each in guesses if each.fits and _believed(each.content())]
    # a model that is named is not left for another but where all that fit say the same
    fitting = own or (guessed if model else _likeliest(guessed))
    if found := _agreed(fitting):
        return found
    if len(ways) == 1:
        return ways[0].content()
    # of a time that cannot be, they are put in quarantine: nobody takes them for measured
    unset = [each for each in (*ways, *guesses) if each.fits and _untimely(each.content())]
    if not fitting and (found := _agreed(_likeliest(unset))):
        return found
    said = "more than one length" if fitting else "no length"
    rest = (
        f"byte {walk.at}: records of earlier fit {said} that is known: name the model in the "
        "device profile, or in the option families"
    )
    return Content(walk.content().readings, [rest])


def _believed(content: Content) -> bool:
    """Whether records that may be of another model too are likely to be read rightly: a number
    that is something else is often a humidity of nearly nothing, or less CO2 than the air has."""
    earlier = [one.values for one in content.readings if one.t is not None]
    return plausible(content.readings) and all(
        values.get("humidity", 50) >= 2 and values.get("co2", 400) >= 300 for values in earlier
    )


def _untimely(content: Content) -> bool:
    return not any(timely(one) for one in content.readings if one.t is not None)


def _likeliest(ways: Sequence[_Walk]) -> list[_Walk]:
    """Records follow one another, so bytes between them that were taken for something else, or more
    bytes in fewer records, are likelier chance."""
    best = min(((each.between, -each.records) for each in ways), default=None)
    return [each for each in ways if (each.between, -each.records) == best]


def _agreed(ways: Sequence[_Walk]) -> Content | None:
    """What all ways come to, without the values of which they say different things; None where
    these are of the climate."""
    contents = [each.content() for each in ways]
    if not contents:
        return None
    readings = []
    for same in zip(*(each.readings for each in contents), strict=False):
        values = {
            name: value
            for name, value in same[0].values.items()
            if all(one.values.get(name) == value for one in same)
        }
        climate = [{name: one.values.get(name) for name in CLIMATE} for one in same]
        if any(one.t != same[0].t for one in same) or any(one != climate[0] for one in climate):
            return None
        readings.append(Measured(values, same[0].t))
    if any(len(each.readings) != len(readings) for each in contents):
        return None
    return Content(readings, contents[0].troubles)


class _Walk:
    """A way through a payload; ``record`` is how its records of earlier are read.

    ``at``       where it ended
    ``history``  the channel of the records it met and could not read, else None
    ``seen``     the channels and types that it passed
    ``fits``     nothing was left over, and the records can be such
    ``records``  how many records of earlier there were
    ``between``  how many other values came after the first of these
    """

    def __init__(self, data: bytes, model: str, record: History | None) -> None:
        self.at = 0
        self.history: int | None = None
        self.seen: set[tuple[int, int]] = set()
        self.records = 0
        self.between = 0
        self._possible = True
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

    @property
    def fits(self) -> bool:
        return self.whole and self._possible

    def content(self) -> Content:
        values = self._settled()
        live = [Measured(values)] if values else []
        return Content(live + self._readings, [self._trouble] if self._trouble else [])

    def _step(self) -> bool:
        """One channel; whether there is a way on."""
        if self.at + 2 > len(self._data):
            return self._stop("it ends in the middle of a channel")
        channel, kind = self._data[self.at : self.at + 2]
        if kind == _HISTORY and channel in (0x20, 0x21):
            return self._earlier(channel)
        found = None if channel in ABOUT_DEVICE else layout(channel, kind)
        size = found.size if found else None
        if channel in ABOUT_DEVICE:
            size = length(channel, kind, self._data[self.at + 2 :])
        if size is None:
            return self._stop(
                f"type 0x{kind:02x} on channel 0x{channel:02x} is not known: the rest was left out"
            )
        if channel in (0xB3, 0xB4) and self._model.startswith("EM320"):
            size = min(2, len(self._data) - self.at - 2)  # says the vendor's decoder
        if self.at + 2 + size > len(self._data):
            return self._stop(f"it ends in the middle of channel 0x{channel:02x}")
        self.between += self.records > 0
        self.seen.add((channel, kind))
        if found:
            self._put(channel, kind, found.read(self._data, self.at + 2))
        self.at += 2 + size
        return True

    def _stop(self, why: str) -> bool:
        self._trouble = f"byte {self.at}: {why}"
        return False

    def _earlier(self, channel: int) -> bool:
        record = self._record
        if record is None or channel not in record.channels:
            self.history = channel
            return self._stop("records of earlier of another layout")
        if self.at + 2 + record.size > len(self._data):
            return self._stop("it ends in the middle of a record of earlier")
        kept = self._data[self.at + 2 : self.at + 2 + record.size]
        seconds, values, possible = record.read(kept, channel)
        self._possible &= possible
        self.records += 1
        if values:
            self._readings.append(Measured(values, t=seconds * 1000.0))
        self.at += 2 + record.size
        return True

    def _put(self, channel: int, kind: int, found: Values) -> None:
        name = ""  # where it is not the type's own
        if kind == _DIGITAL:
            name = self._digital(channel)
        elif kind == _TEMPERATURE and channel == _SECOND:
            name = "temperature_2"
        elif kind == _HUMIDITY_FINE and channel & 0x0F == _SECOND:
            name = "humidity_2"
        for own, value in found.items():
            self._values[name or own] = value

    def _digital(self, channel: int) -> str:
        """What an input is there for, where the model tells."""
        for model, channels in _DOORS.items():
            if self._model.startswith(model) and channel in channels:
                return "door" if channel == channels[0] else "door_2"
        leak = any(
            self._model.startswith(model) and channel == own for model, own in _LEAKS.items()
        )
        return "leak" if leak else f"digital_{channel}"

    def _settled(self) -> Values:
        """The values under the names that they have on this model, as it is called or by what it
        sends: a channel is not the same on all."""
        values = dict(self._values)

        def of(models: str, telling: set[tuple[int, int]]) -> bool:
            return self._model.startswith(tuple(models.split())) or bool(self.seen & telling)

        if of("WT1 WT2", _VALVE):
            values.pop("temperature_2", None)  # what it is to become
        if of("VS321", _PEOPLE) and values.get("temperature") == -0.1:
            del values["temperature"]  # 0xFFFF: read failed
        if of("EM500-SMT", _SOIL):
            if "humidity" in values:
                values["soil_moisture"] = values.pop("humidity")
            if values.get("temperature") in (-0.1, -0.3):
                del values["temperature"]  # 0xFFFF, 0xFFFD: read failed, out of range
        if of("GS301", _ODOUR):
            values.pop("co2", None)  # it is a sulphide there
        if "humidity_2" in values and not of("TS30", _TWO_PROBES):
            values.setdefault("humidity", values.pop("humidity_2"))
        return values
