"""How long the battery lasts: by what was taken from it, and by its voltage, whichever says less.

The voltage of a lithium cell hardly tells how full it is until it is nearly empty; the count of
what was taken does not know of cold and age. A start after a power cut is taken for a new battery,
and the voltage sets that right where it was none.
"""

CURVE = ((2_500, 0), (3_000, 8), (3_150, 20), (3_200, 40), (3_250, 70), (3_300, 90), (3_350, 100))
"""mV of a LiFePO4 cell at rest and % left: typical of the chemistry [a design choice]; measure your
own cell's, and change it here."""

SLEEPING_UA = 60
"""A board's deep sleep: 10 µA of the ESP32 (datasheet, section "Current consumption"), the
regulator's own and the sensor's [a design choice]: many boards take more, measure yours."""

AWAKE_UA = 40_000
"""Processor on, radio off (ESP32 datasheet: modem-sleep at 160 MHz, 27 to 34 mA, and the board)."""

RADIO_UA = 120_000
"""Wi-Fi on (ESP32 datasheet: receiving 95 to 100 mA, sending up to 240 mA for moments)."""

RADIO_FROM_MV = 2_900
"""Below, the node only measures and keeps [a design choice]: a LiFePO4 cell is as good as empty,
and what the radio takes would pull it down until the board resets (an ESP32-WROOM-32E is specified
from 3.0 V on: its datasheet, section 4.2)."""

_DAY_MS = 86_400_000
_UA_MS_PER_UAH = 3_600_000


class Charge:
    """What was taken, counted from how long was slept, measured and sent; over `counted_ms`."""

    def __init__(self, taken_uah=0, counted_ms=0, rest=0):
        self.taken_uah = taken_uah
        self.counted_ms = counted_ms
        self._rest = rest  # µA·ms that are no whole µAh yet

    @property
    def state(self):
        return self.taken_uah, self.counted_ms, self._rest

    def count(self, current_ua, duration_ms):
        self._rest += current_ua * duration_ms
        self.taken_uah += self._rest // _UA_MS_PER_UAH
        self._rest %= _UA_MS_PER_UAH
        self.counted_ms += duration_ms

    def days_left(self, battery_mv, capacity_mah):
        """Whole days, 65 534 at most; None before an hour was counted."""
        if battery_mv is None or self.counted_ms < 3_600_000 or not self.taken_uah:
            return None
        whole = capacity_mah * 1000
        left = max(0, min(whole - self.taken_uah, whole * percent(battery_mv) // 100))
        return min(65_534, left * self.counted_ms // (self.taken_uah * _DAY_MS))


def percent(battery_mv):
    """What is left by the voltage at rest, straight between the points of `CURVE`."""
    before = CURVE[0]
    if battery_mv <= before[0]:
        return before[1]
    for point in CURVE[1:]:
        if battery_mv <= point[0]:
            span, rise = point[0] - before[0], point[1] - before[1]
            return before[1] + rise * (battery_mv - before[0]) // span
        before = point
    return 100
