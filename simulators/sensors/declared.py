"""From an entry of a journey's file to a tag, a logger, a gateway or a reader: its sensor, how it
reports, how it is heard, and what is wrong with it. Hours are from the journey's start.
``docs/simulators/sensors.md`` has the fields.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from simulators.names import refusal
from simulators.radio import Channel, Gateway
from simulators.sensors.faults import KINDS, Dying, Fault, Misbound, Replaced, Salted
from simulators.sensors.models import MODELS, SensorModel
from simulators.sensors.reporting import Reporting
from simulators.voices import LOGGERS, READERS, VOICES

When = Callable[[float, str | None], int]
"""The instant, ms, so many hours after an event of the journey, or after its start."""

PLACED: Final = ("id", "lot", "place", "placement", "probe", "position")
"""What the world takes from a tag's entry: where it sits."""
_DEVICE: Final = ("sensor", "report", "charge", "age_days", "from", "until", "faults")
TAG: Final = (*PLACED, *_DEVICE, "voice", "gateways", "out_of_reach")
LOGGER: Final = (*PLACED, *_DEVICE, "file", "read_out")
READ_OUT: Final = ("since", "at")
READER: Final = ("id", "voice", "place", "site", "antennas", "misses")
REPORT: Final = ("interval_s", "sample_s", "change", "sent")
GATEWAY: Final = ("id", "batch_s", "heard_twice", "unconfirmed", "per_message", "jitter_s",
                   "dropouts")  # fmt: skip
DROPOUTS: Final = ("fails", "recovers", "lost_good", "lost_bad")
_CHANGES: Final = ("temperature", "humidity", "pressure", "probe")
_WORDS: Final = {"begins": "from", "ends": "to"}
_LIMITS: Final = {
    "from": (-100_000.0, 100_000.0), "to": (-100_000.0, 100_000.0), "ppm": (-1e5, 1e5),
    "seconds": (-1e9, 1e9), "hours": (0.0, 10_000.0), "per_day": (0.0, 1440.0),
}  # fmt: skip
"""Of what a fault has."""
_DEFAULT_SENSOR: Final = "sht45"
_FARTHEST_H: Final = 100_000.0
_OF_A_LOGGER: Final = ("stuck", "spiking", "salted", "dying", "clock_drift", "clock_step")
"""Faults that a logger may have: nobody hears it, and nobody has bound it yet."""


def check(section: str, entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an entry of ``tags``, ``loggers``, ``gateways`` or ``readers`` names: a kind (lot,
    place, site, gateway, event, name) and a name of that kind. Raises ValueError, with the remedy,
    where it is wrong."""
    of = {"tags": _tag, "loggers": _logger, "gateways": gateway, "readers": reader}
    of[section](entry)
    return [("name", str(entry["id"]))] if section == "gateways" else list(_names(entry))


def _names(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "name", str(entry["id"])
    for kind in ("lot", "place", "site"):
        if kind in entry:
            yield kind, str(entry[kind])
    for name in entry.get("gateways") or ():
        yield "gateway", str(name)
    for each in (*(entry.get("faults") or ()), entry.get("read_out") or {}):
        if "by" in each:
            yield "name", str(each["by"])
        for kind in ("lot", "place"):
            if kind in each:
                yield kind, str(each[kind])
        if "since" in each:
            yield "event", str(each["since"])


def _tag(entry: Mapping[str, Any]) -> None:
    _known("a tag", entry, TAG)
    _device("a tag", entry)
    voice(entry)
    _spans(entry)
    texts(entry, "gateways")


def _logger(entry: Mapping[str, Any]) -> None:
    _known("a logger", entry, LOGGER)
    _device("a logger", entry)
    _one_of(entry, "file", LOGGERS, None)
    read_out(entry, _since_start)
    for fault in entry.get("faults") or ():
        if fault["kind"] not in _OF_A_LOGGER:
            raise ValueError(
                f"a logger cannot be {fault['kind']}: use one of {', '.join(_OF_A_LOGGER)}"
            )


def _since_start(hours: float, _since: str | None) -> int:
    return round(hours * 3.6e6)


def _device(what: str, entry: Mapping[str, Any]) -> None:
    _name(entry, "id")
    if ("lot" in entry) == ("place" in entry):
        raise ValueError(f"{what} hangs on a lot or in a place: give one of lot, place")
    _text(entry, "lot" if "lot" in entry else "place")
    _one_of(entry, "placement", ("air", "surface", "core"), "air")
    _one_of(entry, "probe", ("surface", "core"), "surface")
    _one_of(entry, "position", ("middle", "roof"), "middle")
    model = sensor(entry)
    if entry.get("probe") and model.probe is None:
        raise ValueError(f"sensor {model.key} has no probe: use ds18b20, or take probe out")
    reporting(entry)
    for name in ("charge", "age_days", "from", "until"):
        _number(entry, name, 0.0, low=0.0, high=1.0 if name == "charge" else _FARTHEST_H)
    if "until" in entry and entry["until"] <= entry.get("from", 0.0):
        raise ValueError(f"until is {entry['until']:g}, which is not after from: write a later one")
    measured = _measured(entry, model)
    for fault in faults(entry, _since_start):
        quantity = getattr(fault, "quantity", None)
        if quantity is not None and quantity not in measured:
            among = ", ".join(measured)
            raise ValueError(f"quantity {quantity!r} is not measured here: use one of {among}")


def _measured(entry: Mapping[str, Any], model: SensorModel) -> tuple[str, ...]:
    """What a tag measures of its air."""
    more = [("pressure", model.pressure is not None), ("probe", bool(entry.get("probe")))]
    return ("temperature", "humidity", *(name for name, there in more if there))


def sensor(entry: Mapping[str, Any]) -> SensorModel:
    """The model of a tag."""
    return MODELS[_one_of(entry, "sensor", MODELS, _DEFAULT_SENSOR)]


def reporting(entry: Mapping[str, Any]) -> Reporting:
    """How a tag reports."""
    report = _fields(entry, "report", REPORT, "{interval_s: 600}")
    interval = _number(report, "interval_s", 600.0, low=1.0, high=86_400.0)
    change = _fields(report, "change", _CHANGES, "{temperature: 0.5, humidity: 2}")
    deltas = {name: _number(change, name, 0.0, low=0.01, high=1e3) for name in change}
    usual = min(60.0, interval) if deltas else interval
    sample = _number(report, "sample_s", usual, low=1.0, high=interval)
    sent = report.get("sent", False)
    if not isinstance(sent, bool):
        raise ValueError(f"sent is {sent!r}: write true or false")
    return Reporting(interval, sample, deltas, sent)


def faults(entry: Mapping[str, Any], when: When) -> tuple[Fault, ...]:
    """What is wrong with a tag, by the order of its file."""
    listed = entry.get("faults") or []
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise ValueError("faults is a list: write - {kind: stuck, from: 24, to: 48}")
    return tuple(_fault(each, when) for each in listed)


def gateway(entry: Mapping[str, Any]) -> Gateway:
    """A gateway; raises ValueError."""
    _known("a gateway", entry, GATEWAY)
    dropouts = _fields(entry, "dropouts", DROPOUTS, "{fails: 0.01, recovers: 0.1}")
    limits = {"batch_s": 86_400.0, "jitter_s": 86_400.0, "per_message": 1_000.0}
    settings = {
        name: _number(entry, name, 0.0, low=0.0, high=limits.get(name, 1.0))
        for name in GATEWAY[1:-1]
        if name in entry
    }
    if settings.get("per_message", 1.0) < 1.0:
        raise ValueError("per_message is under 1: a message has a reading at least")
    chances = {name: _number(dropouts, name, 0.0, low=0.0, high=1.0) for name in dropouts}
    per_message = round(settings.pop("per_message", Gateway().per_message))
    name = _name(entry, "id")
    return Gateway(name, Channel(**chances), per_message=per_message, **settings)


def reader(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An RFID reader, with what it has by default; raises ValueError."""
    _known("a reader", entry, READER)
    _name(entry, "id")
    if ("place" in entry) == ("site" in entry):
        raise ValueError("a reader is at a place's door or at a site's gate: give one of these")
    _text(entry, "place" if "place" in entry else "site")
    return {
        **entry,
        "voice": _one_of(entry, "voice", READERS, "reads"),
        "antennas": round(_number(entry, "antennas", 4.0, low=1.0, high=32.0)),
        "misses": _number(entry, "misses", 0.02, low=0.0, high=1.0),
    }


def read_out(entry: Mapping[str, Any], when: When) -> int:
    """When a logger is read out, ms."""
    found = _fields(entry, "read_out", READ_OUT, "{since: SH-1 arrives, at: 6}")
    if not found:
        raise ValueError("a logger is read out: write read_out: {since: SH-1 arrives, at: 6}")
    hours = _number(found, "at", 0.0, low=-_FARTHEST_H, high=_FARTHEST_H)
    return when(hours, _text(found, "since") if "since" in found else None)


def voice(entry: Mapping[str, Any]) -> str:
    """The wire format that a tag speaks, by the name of its voice."""
    return _one_of(entry, "voice", VOICES, "native")


def texts(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts; empty where there is none."""
    found = entry.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"{name} is a list of names: write {name}: [a, b]")
    return tuple(found)


def out_of_reach(entry: Mapping[str, Any], when: When) -> tuple[tuple[int, int], ...]:
    """When nothing hears a tag."""
    return tuple((when(begins, None), when(ends, None)) for begins, ends in _spans(entry))


def _spans(entry: Mapping[str, Any]) -> list[tuple[float, float]]:
    found = entry.get("out_of_reach") or []
    try:
        spans = [(float(begins), float(ends)) for begins, ends in found]
    except (TypeError, ValueError, OverflowError):
        spans = [(0.0, -1.0)]
    if not all(-_FARTHEST_H <= begins < ends <= _FARTHEST_H for begins, ends in spans):
        raise ValueError("out_of_reach is spans of hours: write out_of_reach: [[24, 96]]")
    return spans


def _fault(entry: Mapping[str, Any], when: When) -> Fault:
    kind = KINDS[_one_of(entry, "kind", KINDS, None)]
    known = {_WORDS.get(each.name, each.name): each for each in fields(kind)}
    what = f"the fault {entry['kind']}"
    _known(what, entry, ("kind", "since", *known))
    since = _text(entry, "since") if "since" in entry else None
    values: dict[str, Any] = {}
    for word, each in known.items():
        found = _value(what, entry, word, each)
        if found is MISSING:
            continue
        if each.name in _WORDS and found is not None:
            found = when(float(found), since)
        values[each.name] = found
    made: Fault = kind(**values)
    if made.ends is not None and made.ends <= made.begins:
        raise ValueError(f"{what} ends before it begins: to is later than from")
    if isinstance(made, Misbound) and (made.lot is None) == (made.place is None):
        raise ValueError(f"{what} has the tag where it is not: give one of lot, place")
    if isinstance(made, Replaced):
        _name(entry, "by")
    if isinstance(made, Salted) and made.hours <= 0.0:
        raise ValueError(f"{what} takes time: hours is over 0")
    if isinstance(made, Dying) and entry.get("to") is None:
        raise ValueError(f"{what} has no end: to is when the battery is empty")
    return made


def _value(what: str, entry: Mapping[str, Any], word: str, of: Field[Any]) -> Any:
    """What an entry has for a field of a fault; MISSING where its default will do."""
    if word not in entry:
        if word == "from" and "since" in entry:
            return 0.0
        if of.default is MISSING:
            raise ValueError(f"{what} needs {word}: add it")
        return MISSING
    if "str" in str(of.type):
        return _text(entry, word)
    if "None" in str(of.type) and entry[word] is None:
        return None
    low, high = _LIMITS.get(word, (0.0, 1e6))
    found = _number(entry, word, 0.0, low=low, high=high)
    return found if word in ("from", "to") or of.type == "float" else round(found)


def _known(what: str, entry: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in entry:
        if name not in names:
            near = difflib.get_close_matches(str(name), list(names), 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
            raise ValueError(f"{what} has no field {name!r}: {hint}")


def _fields(
    entry: Mapping[str, Any], name: str, names: Iterable[str], like: str
) -> Mapping[str, Any]:
    """The mapping that stands under ``name``; empty where there is none."""
    found = entry.get(name) or {}
    if not isinstance(found, Mapping):
        raise ValueError(f"{name} is {found!r}: write {name}: {like}")
    _known(name, found, names)
    return found


def _one_of(entry: Mapping[str, Any], name: str, known: Iterable[str], default: str | None) -> str:
    found = entry.get(name, default)
    if not isinstance(found, str) or found not in known:
        near = difflib.get_close_matches(str(found), list(known), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(f"{name} {found!r} is not known: {hint}use one of {', '.join(known)}")
    return found


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    if not isinstance(found, str) or not found:
        raise ValueError(f"{name} is {found!r}: write a name")
    return found


def _name(entry: Mapping[str, Any], name: str) -> str:
    """A name that stands in topics."""
    found = _text(entry, name)
    if why := refusal(found):
        raise ValueError(f"{name} is {found!r}: {why}")
    return found


def _number(
    entry: Mapping[str, Any], name: str, default: float, *, low: float, high: float
) -> float:
    found = entry.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or not low <= found <= high:
        raise ValueError(f"{name} is {found!r}: write a number from {low:g} to {high:g}")
    return float(found)
