"""Sends operators' alerts to a webhook, from memory: they get out while the registry is away.

What is sent, in which order: every opening and every clearing, the earliest first, each under an id
of its own and at least once, for up to three days of tries, as long as this worker runs. What was
not taken when it ended is sent by the next run where the registry had the alert by then.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from lots.clock import Clock
from operations.alerts import GIVE_UP_MS, Book, Notice
from rules.channels.webhook import Undelivered

LOOK_S = 0.2
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0

_log = structlog.get_logger("dunnage.watch")


class Channel(Protocol):
    def send(self, message: str, address: str, payload: Mapping[str, Any], now: int) -> None:
        """Deliver, or raise `Undelivered`."""
        ...

    def close(self) -> None: ...


class Messenger:
    """Tells ``address`` what ``book`` has to tell; for one thread of its own."""

    def __init__(self, book: Book, channel: Channel, address: str, clock: Clock) -> None:
        """``clock``: the true time."""
        self._book = book
        self._channel = channel
        self._address = address
        self._clock = clock
        self._pause_s = FIRST_PAUSE_S

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``."""
        while not stop.is_set():
            stop.wait(self.deliver())
        self._channel.close()

    def deliver(self) -> float:
        """Try the next message; returns how long to wait, s, before the next try."""
        notice = self._book.next_notice()
        if notice is None:
            return LOOK_S
        error, permanent = self._send(notice)
        now = self._clock.now_ms()
        if error is not None and not permanent and now - notice.at < GIVE_UP_MS:
            pause, self._pause_s = self._pause_s, min(self._pause_s * 2, LONGEST_PAUSE_S)
            _log.warning("an operator's alert was not delivered, trying again", error=error)
            return pause
        if error is not None:
            _log.error("an operator's alert is given up", id=notice.id, error=error)
        self._book.told(notice, now)
        self._pause_s = FIRST_PAUSE_S
        return 0.0

    def _send(self, notice: Notice) -> tuple[str | None, bool]:
        """What went wrong, and whether it will for ever."""
        try:
            self._channel.send(notice.id, self._address, notice.payload, self._clock.now_ms())
        except Undelivered as error:
            return str(error), error.permanent
        except Exception as error:
            # Whatever it is, the watch goes on.
            _log.exception("the channel for operators failed")
            return repr(error), False
        return None, False
