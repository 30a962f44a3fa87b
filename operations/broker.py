"""What the broker says that it lost, counted on from one run to the next."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ingest import durable

MOSQUITTO = "$SYS/broker/publish/messages/dropped"
"""mosquitto(8): messages dropped because of the limits for queues, of all clients."""

EMQX = "/metrics/delivery/dropped/queue_full"
"""EMQX, below $SYS/brokers/{node}: messages not of QoS 0 dropped because a queue was full."""

_log = logging.getLogger("dunnage.watch")


class _Kept(msgspec.Struct):
    session: str = ""
    dropped: dict[str, int] = {}


class BrokerMemory:
    """A small file of what the broker said last, so that what happened while we were away counts.

    ``session``: which session we use on which broker. One that cannot be read or written is done
    without: then what happened between two runs is not seen.
    """

    def __init__(self, path: Path, session: str) -> None:
        self._path = path
        self._kept = _read(path)
        self._session = session
        self.expects_session = bool(session) and self._kept.session == session
        """Whether the broker should know us."""
        if self._kept.session != session:
            self._kept.dropped.clear()  # of another broker, perhaps
        self.dropped = 0
        """Messages that the broker dropped since the last run looked, as far as it told."""

    def note(self, connected: bool, figures: Mapping[str, str]) -> None:
        """Take what a `Source` has now: whether it is connected, its ``broker_figures``."""
        news = False
        if connected and self._kept.session != self._session:
            self._kept.session, news = self._session, True
        for topic, text in figures.items():
            if topic == MOSQUITTO or topic.endswith(EMQX):
                news |= self._count(topic, text)
        if news:
            self._write()

    def _count(self, topic: str, text: str) -> bool:
        try:
            total = int(text)
        except ValueError:
            return False
        known = self._kept.dropped.get(topic)
        if total == known:
            return False
        # One that never told before has a past that is none of ours; one that restarted begins at 0
        if known is not None:
            self.dropped += total - known if total > known else total
        self._kept.dropped[topic] = total
        return True

    def _write(self) -> None:
        try:
            durable.write(self._path, msgspec.json.encode(self._kept))
        except OSError as error:
            _log.warning("what the broker told is not kept: %s", error)


def _read(path: Path) -> _Kept:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return _Kept()
