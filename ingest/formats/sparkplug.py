"""Sparkplug B: births, data by name or alias, deaths, as edge nodes publish them.

Source: Eclipse Sparkplug 3.0.0. ``docs/formats/sparkplug.md`` says which metrics become which
quantities, and what births and deaths mean here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ingest.formats import options as checked
from ingest.formats.decoded import Decoded, Decoder, Format, Row
from ingest.formats.memory import Memory
from ingest.formats.quantity_names import chosen
from ingest.formats.rows import Rows, Unusable, named, shown
from ingest.formats.sparkplug_births import Birth, Births, InForce, Known
from ingest.formats.sparkplug_metrics import Metric, is_given, known, members, name_of, unit_of
from ingest.formats.sparkplug_names import TAG, Names, Naming, parts_of, readings
from ingest.formats.sparkplug_payload import payload_class, read
from ingest.message import Numbered, Portion
from lots.readings.batch import TagKey
from lots.terms import Identity

NAMESPACE = "spBv1.0"
MAX_SOURCES = 4096
"""Nodes and devices whose names are kept ready for use."""

_PASSED_OVER = ("NCMD", "DCMD")
_KINDS: Mapping[str, int] = MappingProxyType(
    {"NBIRTH": 4, "NDATA": 4, "NDEATH": 4, "DBIRTH": 5, "DDATA": 5, "DDEATH": 5}
)
"""Of message -> levels of its topic."""

_REMEDY = (
    "let the node send its births again (Node Control/Rebirth), then replay this with dunnage "
    "dead-letters replay"
)
_SHOWN = 5


class Source(NamedTuple):
    """What a topic says."""

    tenant: str
    kind: str  # NBIRTH, DDATA …
    group: str
    node: str
    device: str  # "" for the node itself

    @property
    def subject(self) -> str:
        """What its births are remembered by."""
        return "\n".join(("sparkplug", self.tenant, self.group, self.node, self.device))

    @property
    def shown(self) -> str:
        return shown("/".join(filter(None, (self.group, self.node, self.device))))


class State(NamedTuple):
    """What is known of a source when it sends data."""

    names: Names  # what its metrics are, by its last birth
    aliases: Mapping[int, Known]  # that hold now
    gone: str  # why none do, "" where they do


def _open(options: Mapping[str, Any]) -> Decoder:
    checked.only(options, ("tag", "quantities", "others"))
    template = checked.text(options, "tag") or TAG
    return Sparkplug(Naming(parts_of(template), chosen(options), checked.switch(options, "others")))


FORMAT = Format(
    name="sparkplug",
    about="Sparkplug B edge nodes and devices, with births and aliases",
    filter="spBv1.0/+/#",
    identity=Identity.VALUES,
    open=_open,
)


class Sparkplug:
    """A decoder; what it remembers besides `Memory` is a cache."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._payload = payload_class()
        self._births = Births()
        self._names: dict[str, tuple[Birth, Names]] = {}

    def __call__(self, portion: Portion, row: Row, memory: Memory) -> Decoded:
        found = Rows(row)
        for numbered in portion:
            try:
                self._take(found, numbered, row.tenant or "", memory)
            except Unusable as error:
                found.reject(numbered.position, row.tenant, str(error))
        return found.decoded()

    def _take(self, found: Rows, numbered: Numbered, tenant: str, memory: Memory) -> None:
        source = source_of(numbered.message.topic, tenant)
        if source is None:
            return
        payload = read(self._payload, numbered.message.payload)
        received = numbered.message.received
        if source.kind.endswith("DEATH"):
            self._births.died(memory, source.subject, received, _session(payload))
            return
        if not payload.metrics:
            raise Unusable("there is no metric in it")
        sent = payload.timestamp if payload.HasField("timestamp") else received
        if source.kind.endswith("BIRTH"):
            state = self._born(source, payload, memory, received, sent)
        else:
            state = self._known(source, memory, received, sent)
        troubles: list[str] = []
        metrics = list(_metrics(payload, state, source, troubles))
        _keep(found, numbered, source.tenant, readings(metrics, state.names, troubles), troubles)
        for trouble in troubles:
            found.reject(numbered.position, source.tenant, trouble)

    def _born(
        self, source: Source, payload: Any, memory: Memory, received: int, sent: int
    ) -> State:
        session = _session(payload)
        if source.device:
            node = self._births.in_force(memory, source._replace(device="").subject, received, sent)
            session = node.birth.session if node and not node.birth.dead else None
        birth = Birth(dead=False, session=session, metrics=tuple(_known_in(payload)))
        self._births.born(memory, source.subject, received, sent, birth)
        return State(self._names_of(source, birth), {}, "")

    def _known(self, source: Source, memory: Memory, received: int, sent: int) -> State:
        own = self._births.in_force(memory, source.subject, received, sent)
        if own is None:
            nothing = Birth(dead=False, session=None, metrics=())
            gone = f"no birth of {source.shown} has come"
            return State(self._names_of(source, nothing), {}, gone)
        names = self._names_of(source, own.birth)
        node = own
        if source.device:
            subject = source._replace(device="").subject
            node = self._births.in_force(memory, subject, received, sent) or own
        gone = _gone(source, own, node)
        return State(names, {} if gone else names.aliases, gone)

    def _names_of(self, source: Source, birth: Birth) -> Names:
        cached = self._names.get(source.subject)
        if cached is not None and cached[0] is birth:
            return cached[1]
        place = {"group": source.group, "node": source.node, "device": source.device}
        names = Names(self._naming, place, birth.metrics)
        if len(self._names) >= MAX_SOURCES:
            self._names.clear()
        self._names[source.subject] = (birth, names)
        return names


def source_of(topic: str, tenant: str) -> Source | None:
    """None for what is not about readings; raises `Unusable`."""
    levels = topic.split("/")
    kind = levels[2] if len(levels) > 2 else ""
    if "STATE" in levels[:2] or kind in _PASSED_OVER:
        return None
    where = f"topic {shown(topic)}"
    if levels[0] != NAMESPACE or kind not in _KINDS or len(levels) != _KINDS[kind]:
        raise Unusable(
            f"{where} is none of Sparkplug B: {NAMESPACE}/{{group}}/NDATA/{{node}}, "
            f"{NAMESPACE}/{{group}}/DDATA/{{node}}/{{device}} and so on"
        )
    for level in (levels[1], *levels[3:]):
        named("group, node or device", level, where)
    return Source(tenant, kind, levels[1], levels[3], levels[4] if len(levels) > 4 else "")


def _gone(source: Source, own: InForce, node: InForce) -> str:
    """Why the aliases of ``own`` hold no more; "" where they do."""
    if own.birth.dead or (node.birth.dead and node.since >= own.since):
        return f"{source.shown} has died (NDEATH or DDEATH), and no birth has come since"
    sessions = (own.birth.session, node.birth.session)
    if None not in sessions and sessions[0] != sessions[1]:
        return f"the node of {source.shown} was born again, and the device not since"
    return ""


def _session(payload: Any) -> int | None:
    """The node's bdSeq, that a birth and the will of its session have in common."""
    for metric in payload.metrics:
        if metric.name == "bdSeq" and metric.WhichOneof("value") in ("int_value", "long_value"):
            return int(metric.int_value or metric.long_value)
    return None


def _known_in(payload: Any) -> Iterator[Known]:
    for message in payload.metrics:
        name = name_of(message)
        if not name:
            continue
        for path, member in members(name, message):
            yield known(member, path, inner=member is not message)
        if message.WhichOneof("value") == "template_value":
            yield known(message, name)  # for its alias


def _metrics(payload: Any, state: State, source: Source, troubles: list[str]) -> Iterator[Metric]:
    """Those with a value, by name; aliases that say nothing are told."""
    time = payload.timestamp if payload.HasField("timestamp") else None
    unborn: list[int] = []
    for number_, message in enumerate(payload.metrics):
        try:
            name = name_of(message)
            if not name and message.HasField("alias") and message.alias in state.aliases:
                name = state.aliases[message.alias].name
            if name:
                yield from _with_values(name, message, state.names, time)
            elif message.HasField("alias"):
                unborn.append(message.alias)
            else:
                troubles.append(f"metric {number_} has no name and no alias")
        except Unusable as error:
            troubles.append(f"metric {number_}: {error}")
    if unborn:
        told = ", ".join(str(alias) for alias in unborn[:_SHOWN])
        more = f" and {len(unborn) - _SHOWN} more" if len(unborn) > _SHOWN else ""
        why = state.gone or f"the last birth of {source.shown} does not have it"
        troubles.append(f"alias {told}{more} says nothing, since {why}: {_REMEDY}")


def _with_values(name: str, message: Any, names: Names, time: int | None) -> Iterator[Metric]:
    at = message.timestamp if message.HasField("timestamp") else time
    for path, member in members(name, message):
        if not is_given(member):
            continue
        born = names.born.get(path)
        own = member.timestamp if member.HasField("timestamp") else at
        yield Metric(
            path,
            member,
            member.datatype or (born.datatype if born else 0),
            unit_of(member) or (born.unit if born else ""),
            own,
        )


def _keep(
    found: Rows,
    numbered: Numbered,
    tenant: str,
    said: Mapping[tuple[str, int | None], list[dict[str, float]]],
    troubles: list[str],
) -> None:
    for (tag, time), parts in said.items():
        for values in parts:
            try:
                named("tag", tag, "option tag")
                t = math.nan if time is None else float(time)
                found.add(numbered, TagKey(tenant, tag), values, t=t)
            except Unusable as error:
                troubles.append(str(error))
