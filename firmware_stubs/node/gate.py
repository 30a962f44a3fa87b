"""An RFID gate: what its reader sees goes to …/reads, once a minute for an item that stays.

A stub: the reader is an interface, and what was seen is kept in memory until the broker has it.
Dunnage keeps one row a minute for an item at an antenna, so more would be thrown away there.
"""

from node.native import message, sighting_json

HOLD_MS = 60_000
"""An item that stays is told again after so long."""

ITEMS = 64
"""That are remembered; beyond, the one that was told longest ago is forgotten, and may be told
once more."""

WAITING = 64
"""Sightings that wait for the broker; beyond, the oldest are dropped."""

MESSAGE = 16
"""Sightings in one message."""


class Debouncer:
    """Which sightings are news."""

    def __init__(self, hold_ms=HOLD_MS, items=ITEMS):
        self._hold_ms = hold_ms
        self._items = items
        self._told = {}

    def is_news(self, epc, antenna, now_ms):
        key = (epc, antenna)
        told = self._told.get(key)
        if told is not None and now_ms - told < self._hold_ms:
            return False
        if told is None and len(self._told) >= self._items:
            del self._told[min(self._told, key=self._told.get)]
        self._told[key] = now_ms
        return True


class Gate:
    """`reader.inventory()` -> (EPC in hexadecimal, antenna, RSSI in tenths of dBm or None) of each
    item that answered just now; `clock` is a `Clock`."""

    def __init__(self, reader, clock, tenant, name):
        self._reader = reader
        self._clock = clock
        self._topic = "dunnage/v1/%s/%s/reads" % (tenant, name)
        self._debouncer = Debouncer()
        self._waiting = []

    def look(self):
        """Ask the reader once."""
        for epc, antenna, rssi_tenths in self._reader.inventory():
            if self._debouncer.is_news(epc, antenna, self._clock.uptime_ms()):
                self._waiting.append((epc, antenna, rssi_tenths) + self._clock.stamp())
        del self._waiting[:-WAITING]

    def send(self, link):
        """Publish what waits; raises OSError where the link breaks, and then it waits on."""
        while self._waiting:
            now = self._clock.uptime_ms()
            some = self._waiting[:MESSAGE]
            link.publish(self._topic, message([sighting_json(*each, now) for each in some]))
            del self._waiting[: len(some)]
