"""What Sparkplug births said: remembered by when they came, so that data can be read later. Pure.

A fact begins with the payload's own time, so that births of one ms stand in their order.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ingest.formats.memory import Memory

_DECODED = 1024
"""Births that are kept ready for use."""

_TIME_BYTES = 8
_MAX_TIME = 2**63 - 1


class Known(msgspec.Struct, array_like=True, frozen=True):
    """A metric, as its birth has it."""

    name: str
    alias: int | None
    datatype: int
    unit: str


class Birth(msgspec.Struct, array_like=True, frozen=True):
    """Of a node or device; ``session`` is the node's bdSeq, None where nobody said."""

    dead: bool
    session: int | None
    metrics: tuple[Known, ...]


class InForce(NamedTuple):
    """``birth`` is so since then, and the facts' own order in that ms."""

    since: int
    order: int
    birth: Birth


class Births:
    """Reads and writes the facts of one row; for one thread at a time."""

    def __init__(self) -> None:
        self._ready: dict[bytes, Birth] = {}

    def born(self, memory: Memory, subject: str, received: int, sent: int, birth: Birth) -> None:
        """Remember ``birth``, unless it is what is known already. ``sent`` by the node's clock."""
        history = memory.history(subject, received)
        if not history or self._birth(history[0][1][_TIME_BYTES:]) != birth:
            memory.remember(subject, received, _packed(sent, birth))

    def died(self, memory: Memory, subject: str, received: int, session: int | None) -> None:
        """It is gone, unless it was born again in another session since the will was made."""
        known = self.in_force(memory, subject, received, _MAX_TIME)
        if known is None or known.birth.dead:
            return
        birth = known.birth
        if session is not None and birth.session is not None and session != birth.session:
            return
        dead = Birth(dead=True, session=birth.session, metrics=birth.metrics)
        memory.remember(subject, received, _packed(known.order, dead))

    def in_force(self, memory: Memory, subject: str, received: int, sent: int) -> InForce | None:
        """What goes for a message that came at ``received`` and was ``sent`` (ms).

        Many messages come in one ms, and what is remembered is read again later: so of that ms a
        birth goes for what was sent after it, and a death for nothing yet.
        """
        history = memory.history(subject, received)
        first = None
        for since, value in history:
            found = InForce(since, _order(value), self._birth(value[_TIME_BYTES:]))
            if since < received or (found.order <= sent and not found.birth.dead):
                return found
            if not found.birth.dead:
                first = found
        return first

    def _birth(self, packed: bytes) -> Birth:
        birth = self._ready.get(packed)
        if birth is None:
            birth = msgspec.msgpack.decode(packed, type=Birth)
            if len(self._ready) >= _DECODED:
                self._ready.clear()
            self._ready[packed] = birth
        return birth


def _packed(sent: int, birth: Birth) -> bytes:
    order = min(max(sent, 0), _MAX_TIME)
    return order.to_bytes(_TIME_BYTES, "big") + msgspec.msgpack.encode(birth)


def _order(value: bytes) -> int:
    return int.from_bytes(value[:_TIME_BYTES], "big")
