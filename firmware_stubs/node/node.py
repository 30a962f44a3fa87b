"""The node: it measures, keeps, and now and then brings what it kept to Dunnage.

Everything that is hardware or network is given to it, so it runs wherever MicroPython does.
"""

import binascii
import struct

from node import battery, plausible, record
from node.backoff import delay_ms
from node.clock import Clock
from node.native import plain
from node.ring import Ring
from node.settings import Settings
from node.starts import delivered, next_boot
from node.twofold import Twofold

_RETRY_MS = 30_000
"""After the first failure; a design choice, as is that it doubles."""

_AWAKE_MS = 60_000
"""Longest time to send at a stretch."""

_STATE = "<4sIIqqqqqqIBIqqhhhB"
_MEASURED = ("temperature", "humidity", "probe")
_MAGIC = b"DRN2"
_NEVER = -(1 << 62)
_LATER = (1 << 62) - 1
_NOTHING = -0x8000


class Node:
    """Tag, or node of a LoRaWAN.

    `board`    `folder` in flash, `raw_ms()`, `epoch_year`, `set_raw_ms(ms)`, `battery_mv()` or
               None, `random16()`, `recall()` and `remember(bytes)`: memory that outlives sleep,
               and not a power cut
    `measure`  () -> quantity -> hundredths, of what could be measured
    `carrier`  `carry(ring, clock, settings, until_ms)` brings what is held away and yields while
               it does; a carrier that raises anything, or brings nothing away, is asked again
               later. Before `free_at_ms` it may not be asked again
    `floor`    numbers of starts are above it: set anew when flash was erased
    """

    def __init__(self, board, measure, carrier, floor=0, ring=None, tell=print):
        self._board = board
        self._measure_all = measure
        self._carrier = carrier
        self._tell = tell
        self._clock = Clock(board.raw_ms, board.epoch_year, board.set_raw_ms)
        self._ring = ring or Ring(board.folder + "/ring", record.SIZE)
        self.settings = Settings(Twofold(board.folder + "/settings"))
        self._starts = Twofold(board.folder + "/boot")
        self._before = {}
        if not self._resume():
            self._start(floor)

    def _start(self, floor):
        """After a power cut or a reset: everything from flash.

        Starts that delivered nothing count as failures to send: a board that breaks down as it
        sends would else start, measure and send again and again, until the ring is overwritten.
        """
        latest = {"boot": 0, "uptime": 0}

        def look(data):
            kept = record.unpack(data)
            latest["boot"] = max(latest["boot"], kept.boot)
            if not kept.clock_set:
                latest["uptime"] = max(latest["uptime"], kept.t + 1)

        self._ring.open(look)
        self.boot, self._failures = next_boot(self._starts, latest["boot"], floor)
        self._idle = True
        self._clock.begin(latest["uptime"])
        self.seq = 0
        self._charge = battery.Charge()
        now = self._clock.uptime_ms()
        self._due_measure = self._free_at = self._counted = now
        self._due_send = now + (self._wait_ms() if self._failures else 0)

    # Memory over a sleep

    def _resume(self):
        """Whether the memory that outlives a sleep had what was known before it."""
        kept = self._board.recall()
        head = struct.calcsize(_STATE)
        if kept is None or len(kept) < head + 4:
            return False
        (crc,) = struct.unpack_from("<I", kept, len(kept) - 4)
        if crc != binascii.crc32(memoryview(kept)[:-4]):
            return False
        found = struct.unpack_from(_STATE, kept)
        magic, self.boot, self.seq, shift, synced = found[:5]
        self._due_measure, self._due_send, self._free_at, self._counted = found[5:9]
        self._failures, idle, *charge = found[9:14]
        told = head + found[17]
        if magic != _MAGIC:
            return False
        try:
            self._ring.restore(kept[told:-4])
        except ValueError:
            return False
        self._idle = idle == 1
        self._clock.state = shift, None if synced == _NEVER else synced
        self._charge = battery.Charge(*charge)
        for name, value in zip(_MEASURED, found[14:17]):
            if value != _NOTHING:
                self._before[name] = value
        self.settings.refused = kept[head:told].decode() or None
        return True

    def _remember(self):
        shift, synced = self._clock.state
        refused = (self.settings.refused or "").encode()
        data = struct.pack(
            _STATE,
            _MAGIC,
            self.boot,
            self.seq,
            shift,
            _NEVER if synced is None else synced,
            self._due_measure,
            self._due_send,
            self._free_at,
            self._counted,
            self._failures,
            1 if self._idle else 0,
            *self._charge.state,
            *(self._before.get(name, _NOTHING) for name in _MEASURED),
            len(refused),
        )
        data += refused + self._ring.state()
        self._board.remember(data + struct.pack("<I", binascii.crc32(data)))

    # The cycle

    def cycle(self):
        """Do what is due now. Yields often, for whoever feeds a watchdog; afterwards `sleep` says
        how long nothing is due."""
        if self._clock.uptime_ms() >= self._due_measure:
            self._measure()
        yield
        if self._ring.count and self._clock.uptime_ms() >= self._due_send:
            yield from self._send()
        self._count(battery.AWAKE_UA)

    def sleep(self):
        """ms until something is due; what has to be known then is remembered."""
        now = self._clock.uptime_ms()
        due = min(self._due_measure, self._due_send) if self._ring.count else self._due_measure
        sleep_ms = max(0, due - now)
        # Counted before it is slept: the memory that goes on is written now. What the board takes
        # to wake up counts as awake, since the count goes on from when it was to wake.
        self._charge.count(battery.SLEEPING_UA, sleep_ms)
        self._counted = now + sleep_ms
        self._remember()
        return sleep_ms

    def _count(self, current_ua):
        now = self._clock.uptime_ms()
        self._charge.count(current_ua, max(0, now - self._counted))
        self._counted = now

    def _measure(self):
        now = self._clock.uptime_ms()
        interval = self.settings["interval"] * 1000
        # On the beat where that was kept, else from now on.
        late = now - self._due_measure
        self._due_measure = (self._due_measure if late < interval else now) + interval
        values = plausible.settled(self._measure_all, self._before)
        self._before = values
        battery_mv = self._board.battery_mv()
        if not values and battery_mv is None:
            self._tell("nothing could be measured")
            return
        t, clock_set = self._clock.stamp()
        reading = record.Reading(
            self.boot,
            self.seq,
            t,
            clock_set,
            values.get("temperature"),
            values.get("humidity"),
            values.get("probe"),
            battery_mv,
            self._charge.days_left(battery_mv, self.settings["capacity"]),
            self._ring.lost,
        )
        lost = self._ring.lost
        try:
            self._ring.append(record.pack(reading))
        except OSError as error:
            self._ring.lost += 1
            self._tell("a reading could not be kept: %s" % error)
            return
        self.seq += 1
        if self._ring.lost > lost:
            self._tell("the ring is full: %d readings were overwritten" % (self._ring.lost - lost))
        if not self._failures and self.seq % self.settings["batch"] == 0:
            self._due_send = max(now, self._free_at)

    def _send(self):
        self._count(battery.AWAKE_UA)
        try:
            yield from self._carry()
        except Exception as error:  # whatever it is, what is kept is to go out some day
            self._failures += 1
            wait = self._wait_ms()
            self._due_send = self._clock.uptime_ms() + wait
            self._tell("not sent, again in %d s: %s" % (wait // 1000, plain(repr(error))))
        else:
            self._failures = 0
            self._due_send = 0 if self._ring.count else _LATER
            self._delivered()
        self._free_at = max(self._free_at, self._carrier.free_at_ms)
        self._due_send = max(self._due_send, self._free_at)
        self._count(battery.RADIO_UA)

    def _carry(self):
        """Have something brought away; raises OSError where nothing was, or any error."""
        battery_mv = self._board.battery_mv()
        if battery_mv is not None and battery_mv < battery.RADIO_FROM_MV:
            raise OSError("the battery has %d mV: everything is kept" % battery_mv)
        until_ms = min(self._clock.uptime_ms() + _AWAKE_MS, self._due_measure)
        held = self._ring.count
        yield from self._carrier.carry(self._ring, self._clock, self.settings, until_ms)
        if self._ring.count >= held:
            raise OSError("nothing was brought away: everything is kept")

    def _delivered(self):
        if not self._idle:
            return
        try:
            delivered(self._starts, self.boot)
            self._idle = False
        except OSError as error:
            self._tell("a delivery could not be noted: %s" % error)

    def _wait_ms(self):
        most = self.settings["retry_most"] * 1000
        return delay_ms(self._failures, _RETRY_MS, most, self._board.random16())
