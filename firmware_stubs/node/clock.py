"""When: ms since 1970 where the clock was set, and ms since the start where it never was."""

EPOCH_2000_MS = 946_684_800_000
"""2000-01-01T00:00:00Z, from which some ports of MicroPython count."""

_SET_FROM_MS = 1_704_067_200_000
"""2024-01-01: no clock that was set is before, and none that starts by itself is after."""

_SET_TO_MS = 4_102_444_800_000
"""2100-01-01."""

RESTART_MS = 8 * 86_400_000
"""Of the count that is sent in place of a time: beyond, from its ninth day, a server can take it
for seconds (docs/decisions/device-clocks.md of the server)."""


class Clock:
    """The clock of a port, read as it has to be.

    `raw_ms`      () -> what the port's clock says, ms since its epoch
    `epoch_year`  `time.gmtime(0)[0]` of the port
    `set_raw_ms`  (ms since the port's epoch) -> None: sets it

    What the clock needs to know over a sleep is `state`.
    """

    def __init__(self, raw_ms, epoch_year, set_raw_ms):
        self._raw_ms = raw_ms
        self._set_raw_ms = set_raw_ms
        if epoch_year not in (1970, 2000):
            raise ValueError("a port that counts from %d is not known" % epoch_year)
        self._epoch_ms = EPOCH_2000_MS if epoch_year == 2000 else 0
        self._shift = 0
        self.synced_ms = None
        """By `uptime_ms`, when it was last set; None where it never was."""

    @property
    def state(self):
        return self._shift, self.synced_ms

    @state.setter
    def state(self, state):
        self._shift, self.synced_ms = state

    def begin(self, base_ms):
        """Let `uptime_ms` go on from `base_ms`."""
        self._shift = base_ms - self._raw_ms()

    def unix_ms(self):
        """ms since 1970 UTC; None where the clock was never set."""
        now = self._raw_ms() + self._epoch_ms
        return now if _SET_FROM_MS <= now < _SET_TO_MS else None

    def uptime_ms(self):
        """ms, going on evenly through sleeps and through each setting of the clock.

        After a power cut it goes on from the latest that is in the ring: how long the power was
        off it cannot know.
        """
        return self._raw_ms() + self._shift

    def set(self, unix_ms):
        """Set the port's clock; `uptime_ms` goes on as before."""
        before = self.uptime_ms()
        self._set_raw_ms(unix_ms - self._epoch_ms)
        self.begin(before)
        self.synced_ms = before

    def stamp(self):
        """(t, clock_set) of something that is measured now."""
        now = self.unix_ms()
        return (self.uptime_ms(), False) if now is None else (now, True)

    def age_ms(self, t, clock_set):
        """How long ago something was stamped; never negative."""
        now = self.unix_ms() if clock_set else self.uptime_ms()
        return 0 if now is None else max(0, now - t)


def restarted(t, now):
    """(t, sent) to be sent for a `t` by `uptime_ms`, where that says `now`.

    The count is taken to start anew every `RESTART_MS`; what is from before has a negative `t`.
    """
    start = now // RESTART_MS * RESTART_MS
    return t - start, now - start
