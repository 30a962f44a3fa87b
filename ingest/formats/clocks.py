"""When a reading was taken, from what the device's clock says. Pure.

Why a clock is corrected only where `sent` cannot be right is told in
``docs/decisions/device-clocks.md``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lots.clock import DAY_MS, HOUR_MS
from lots.readings.batch import Bools, Flag, Floats, Ints

EPOCH_2000_MS = 946_684_800_000
"""2000-01-01T00:00:00Z: where the clocks of some MicroPython ports begin."""

TOLERANCE_MS = 5 * 60_000
"""So much may a device's ``sent`` be ahead of the server's clock [D]."""

AHEAD_MS = 3 * HOUR_MS
"""A reading that came so long before it was taken is not to be believed: so long the rules hold a
value, and take what is older for unknown [D]."""

_READINGS_OF_A_CLOCK = (
    (1, 0, 0),
    (1000, 0, Flag.SECONDS),
    (1, EPOCH_2000_MS, Flag.EPOCH_2000),
    (1000, EPOCH_2000_MS, Flag.SECONDS | Flag.EPOCH_2000),
)
"""factor, ms to add, flags: the first that leads to a possible time is how the clock counts."""


class Times(NamedTuple):
    time: Ints  # (n,) ms since 1970 UTC; of no meaning where not possible
    flags: Ints  # (n,)
    possible: Bools  # (n,) the others belong in quarantine


def device_times(t: Floats, sent: Floats, received: Ints, keep_ms: int) -> Times:
    """Times of readings.

    ``t``, ``sent``  (n,) as the devices gave them, NaN where absent: when the reading was taken,
                     and what the same clock said when the message left
    ``received``     (n,) ms, the server's clock
    ``keep_ms``      how long raw readings are kept: nothing older is possible
    """
    oldest, newest = received - keep_ms, received + DAY_MS
    told = np.where(np.isnan(sent), t, sent)
    factor = np.ones(len(t))
    shift = np.zeros(len(t))
    flags = np.zeros(len(t), np.int64)
    open_ = ~np.isnan(told)
    with np.errstate(over="ignore", invalid="ignore"):
        for by, add, flag in _READINGS_OF_A_CLOCK:
            at = told * by + add
            fits = open_ & (at >= oldest) & (at <= newest)
            factor[fits], shift[fits], flags[fits] = by, add, int(flag)
            open_ &= ~fits
        left = sent * factor + shift
        wrong = ~np.isnan(t) & ((left - received > TOLERANCE_MS) | (left < oldest))
        time = t * factor + shift + np.where(wrong, received - left, 0.0)
        flags[wrong] |= int(Flag.CLOCK_CORRECTED)
        silent = np.isnan(t)
        time[silent] = received[silent]
        flags[silent] = int(Flag.SERVER_TIME)
        time = np.rint(time)
        possible = (time >= oldest) & (time <= newest)
        flags[time - received > AHEAD_MS] |= int(Flag.CLOCK_AHEAD)
    time[~possible] = 0.0
    return Times(time.astype(np.int64), flags, possible)
