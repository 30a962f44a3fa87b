"""A board as the firmware sees it: its clock is moved by the test, its flash can lose power."""

import harness

UNIX_MS = 1_795_000_000_000
"""When the story of a board begins, by a clock that is right."""


class Board:
    """`told_time`: whether a time server answers."""

    folder = "/data"
    epoch_year = 1970

    def __init__(self, told_time=True):
        self._begin()
        self.told_time = told_time
        self.battery = 3_284
        self._memory = None
        self.power_on()

    def _begin(self):
        self.now_ms = UNIX_MS
        """By a clock that is right."""

    def power_on(self):
        """After a cut: the clock begins at 0, and what outlives sleep is gone."""
        self._clock_at = self.now_ms
        self._memory = None

    def raw_ms(self):
        return self.now_ms - self._clock_at

    def set_raw_ms(self, ms):
        self._clock_at = self.now_ms - ms

    def time_ms(self):
        if not self.told_time:
            raise OSError("no time server")
        return self.now_ms

    def network(self, on):
        if on and not harness.is_on():
            raise OSError("no power")

    def battery_mv(self):
        return self.battery

    def random16(self):
        return 32_768

    def recall(self):
        memory, self._memory = self._memory, None
        return memory

    def remember(self, data):
        self._memory = bytes(data)
