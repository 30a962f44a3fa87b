"""What is wrong with a worker, by a stable name, with its numbers and what to do about it.

Two kinds. A level is a state that lasts, judged by two limits, so that it does not flap. An event
has happened and cannot be undone: its alert stays open for `EVENT_OPEN_S` after the last of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from operations.figures import Figures

EVENT_OPEN_S = 900.0
THREAD_S = 5.0
"""A connected network thread comes round about every second."""
THREAD_AWAY_S = 60.0
"""Without a connection it pauses between attempts, and an attempt takes its time."""
SILENT_S = 5.0
STUCK_S = 90.0
"""Longer than a part may wait for an answer of a server that hangs."""
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Where levels begin; docs/settings.md says what they are for."""

    lag_s: float = 8.0
    fill: float = 0.8  # of queue and journal
    disk_free_bytes: int = 1_000 * MB
    clear_s: float = 30.0  # how long a level has to be well again


class Finding(NamedTuple):
    """``bad``: past the limit that opens; else between that and the one that clears."""

    bad: bool
    text: str
    numbers: dict[str, float]


@dataclass(frozen=True, slots=True)
class Level:
    """``look`` says None where all is well; it must be bad for ``after_s`` before it opens."""

    name: str
    severity: str  # critical: data is lost, or will be; warning: something waits
    after_s: float
    look: Callable[[Figures, Limits], Finding | None]
    action: str


@dataclass(frozen=True, slots=True)
class Event:
    """``count`` grows; ``text`` says what that so many happened means."""

    name: str
    severity: str
    count: Callable[[Figures], int]
    text: Callable[[int], str]
    action: str


def _thread(now: Figures, _: Limits) -> Finding | None:
    numbers = {"alive": float(now.thread_alive), "age_s": round(now.thread_age_s, 1)}
    if not now.thread_alive:
        return Finding(True, "the thread that talks to the broker has ended", numbers)
    if now.thread_age_s < SILENT_S / 2:
        return None
    bad = now.thread_age_s >= (THREAD_S if now.connected else THREAD_AWAY_S)
    text = f"the thread that talks to the broker has not moved for {now.thread_age_s:.0f} s"
    return Finding(bad, text, numbers)


def _broker(now: Figures, _: Limits) -> Finding | None:
    if now.connected and now.broker_trouble is None:
        return None
    return Finding(True, now.broker_trouble or "not connected to the broker", {})


def _queue(now: Figures, limits: Limits) -> Finding | None:
    if now.queue_fill < limits.fill * 0.75:
        return None
    text = f"{now.held} of at most {now.limit} messages wait to be taken in: the broker is not read"
    numbers = {"held": float(now.held), "limit": float(now.limit)}
    return Finding(now.queue_fill >= limits.fill, text, numbers)


def _journal(now: Figures, limits: Limits) -> Finding | None:
    if now.journal_fill < limits.fill * 0.75:
        return None
    text = f"the journal has {now.journal_fill:.0%} of the bytes that it may have"
    if now.intake_trouble is not None:
        text = f"nothing is taken in: {now.intake_trouble}"
    numbers = {"bytes": float(now.journal_bytes), "bound": float(now.journal_bound)}
    return Finding(now.journal_fill >= limits.fill, text, numbers)


def _disk(now: Figures, limits: Limits) -> Finding | None:
    # With room left in the journal's bound it is the disk that does not take any more.
    refused = now.intake_trouble is not None and now.journal_fill < limits.fill * 0.75
    free = now.disk_free_bytes
    numbers = {} if free is None else {"free_bytes": float(free)}
    if refused:
        return Finding(True, f"nothing is taken in: {now.intake_trouble}", numbers)
    if free is None or free >= limits.disk_free_bytes * 1.25:
        return None
    text = f"{free / MB:.0f} MB are free on the journal's disk"
    return Finding(free < limits.disk_free_bytes, text, numbers)


def _store_lag(now: Figures, limits: Limits) -> Finding | None:
    return _lag("stored", now.store_lag_s, now.store_lag_bytes, limits)


def _rules_lag(now: Figures, limits: Limits) -> Finding | None:
    return _lag("judged by the rules", now.rules_lag_s, now.rules_lag_bytes, limits)


def _lag(done: str, seconds: float, size: int, limits: Limits) -> Finding | None:
    if seconds < limits.lag_s / 2:
        return None
    text = f"what came {seconds:.0f} s ago is not {done} yet: {size} bytes of the journal wait"
    numbers = {"seconds": round(seconds, 1), "bytes": float(size)}
    return Finding(seconds >= limits.lag_s, text, numbers)


def _store(now: Figures, _: Limits) -> Finding | None:
    if now.store_trouble is None:
        return None
    # A keeper that waits for the registry says so too: that is the registry's alert.
    return Finding(now.registry_trouble is None, now.store_trouble, {})


def _registry(now: Figures, _: Limits) -> Finding | None:
    if now.registry_silent_s < SILENT_S / 2:
        return None
    why = f": {now.registry_trouble}" if now.registry_trouble else ""
    text = f"the registry has not answered for {now.registry_silent_s:.0f} s{why}"
    numbers = {"seconds": round(now.registry_silent_s, 1)}
    return Finding(now.registry_silent_s >= SILENT_S, text, numbers)


def _packs(now: Figures, _: Limits) -> Finding | None:
    if now.packs_refused is None:
        return None
    return Finding(
        True, f"changed packs are not in force, the old ones stay: {now.packs_refused}", {}
    )


def _clocks(now: Figures, _: Limits) -> Finding | None:
    return None if now.wrong_clocks is None else Finding(True, now.wrong_clocks, {})


def _range(now: Figures, _: Limits) -> Finding | None:
    return None if now.impossible_values is None else Finding(True, now.impossible_values, {})


def _parts(now: Figures, _: Limits) -> Finding | None:
    waits = {
        "intake": now.intake_trouble,
        "keeper": now.store_trouble,
        "rules": now.rules_trouble,
    }
    late = {
        part: round(age, 1)
        for part, age in now.parts.items()
        if age >= STUCK_S / 2 and waits.get(part) is None
    }
    if not late:
        return None
    told = ", ".join(f"{part} for {age:.0f} s" for part, age in sorted(late.items()))
    return Finding(max(late.values()) >= STUCK_S, f"does not move: {told}", late)


def _lost(count: int) -> str:
    return (
        f"the broker did not know our session any more ({_times(count)}): what it held for us, and"
        " what came until we had subscribed again, is lost"
    )


def _dropped(count: int) -> str:
    return f"the broker dropped {count} messages that it could not hold for a client"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


CONDITIONS: tuple[Level | Event, ...] = (
    Level(
        "broker.thread",
        "critical",
        0.0,
        _thread,
        "Restart the worker: the broker holds what comes meanwhile. Report what its log says last"
        " as a fault of Dunnage.",
    ),
    Event(
        "broker.session",
        "critical",
        lambda figures: figures.sessions_lost,
        _lost,
        "See that the broker keeps sessions on its disk (Mosquitto: persistence true, and its log)"
        " and that no other client has our client_id. Devices that wait for Dunnage's own"
        " acknowledgement send again; read out the loggers of the others.",
    ),
    Event(
        "broker.drops",
        "critical",
        lambda figures: figures.dropped,
        _dropped,
        "Raise max_queued_messages and max_queued_bytes of the broker, and see why the worker did"
        " not take them: other alerts of this time say so. The count is of all the broker's"
        " clients. Devices that wait for Dunnage's own acknowledgement send again.",
    ),
    Level(
        "broker.away",
        "critical",
        5.0,
        _broker,
        "Start the broker, or do what this text says about broker_url, its account or its ACL."
        " Nothing comes in until then; devices and broker hold what they can.",
    ),
    Level(
        "queue.full",
        "warning",
        5.0,
        _queue,
        "See that the journal's disk is fast enough and not full, and that this machine has"
        " processor time left. The broker holds the rest, up to its own limits.",
    ),
    Level(
        "journal.full",
        "critical",
        0.0,
        _journal,
        "See why the store or the rules do not get on (store.away, store.lag, rules.lag), or raise"
        " journal_max_mb while the disk has room. Past the bound nothing is taken in, and the"
        " broker holds the rest, up to its own limits.",
    ),
    Level(
        "journal.disk",
        "critical",
        0.0,
        _disk,
        "Free space on the disk of the folder `data`; leave the files of the journal alone. Nothing"
        " that was acknowledged is lost, and it goes on by itself.",
    ),
    Level(
        "store.lag",
        "warning",
        0.0,
        _store_lag,
        "See that the store answers and that its disk and processor keep up. Alerts about lots do"
        " not wait for it; what is not stored yet is on this worker's disk alone.",
    ),
    Level(
        "store.away",
        "critical",
        2.0,
        _store,
        "Start the store, or do what this text says about readings_url. Readings wait in the"
        " journal, on this worker's disk alone, up to journal_max_mb.",
    ),
    Level(
        "rules.lag",
        "critical",
        0.0,
        _rules_lag,
        "Alerts about lots come late. See that the registry answers (registry.away) and that this"
        " machine has processor time left.",
    ),
    Level(
        "packs.refused",
        "warning",
        0.0,
        _packs,
        "Mend the file that this text names; `dunnage rules check FOLDER` says whether it can be"
        " used. It is taken over by itself then. Alerts go on by the packs as they were before.",
    ),
    Level(
        "tags.clock",
        "warning",
        0.0,
        _clocks,
        "Set the clocks of these devices or of their gateway (time zone, NTP), or let them add"
        " `sent`. What is more than 3 hours ahead is stored and not believed; of what is in"
        " quarantine (`dunnage dead-letters`) nothing is known. If all are ahead by as much, it is"
        " this server's clock that is behind.",
    ),
    Level(
        "tags.range",
        "warning",
        0.0,
        _range,
        "Dry these tags' sensors; replace a tag that goes on, and bind the new one. Readings with"
        " such a value are stored and not believed, their other quantities neither. If all tags of"
        " a kind say so, a field or its unit is misread: `dunnage formats try`.",
    ),
    Level(
        "registry.away",
        "critical",
        0.0,
        _registry,
        "Start the registry's database, or see its disk and its number of connections. Alerts about"
        " lots wait for it; readings are taken in and stored all the same.",
    ),
    Level(
        "part.stuck",
        "critical",
        0.0,
        _parts,
        "Restart the worker: nothing is lost by that. Report what its log says last as a fault of"
        " Dunnage.",
    ),
)

BY_NAME = {condition.name: condition for condition in CONDITIONS}
