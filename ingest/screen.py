"""Marks readings that cannot be. Pure; nothing is dropped: they are stored, and not believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lots.readings.batch import Flag, ReadingBatch

LIMITS = (
    # What the common sensors can measure; beyond it they are broken, or the payload was misread.
    ("temperature", -60.0, 100.0, Flag.TEMPERATURE_RANGE),  # degC [D]
    # Over 100 a saturated capacitive sensor reads; a little, and a little below 0 when dry [D].
    ("humidity", -1.0, 101.5, Flag.HUMIDITY_RANGE),  # %RH
    # A probe may stand in warm metal or heating wool; thermistors end near 150 degC [D].
    ("probe", -60.0, 150.0, Flag.PROBE_RANGE),  # degC
    # 500 hPa is 5 500 m up; the highest at sea level was 1084.8 hPa (Tosontsengel, 2001) [D].
    ("pressure", 500.0, 1100.0, Flag.PRESSURE_RANGE),  # hPa
)
"""Quantity, lowest and highest value that can be, and the flag of one that cannot."""


def screen(batch: ReadingBatch) -> ReadingBatch:
    """``batch`` with a flag for each quantity that is outside its `LIMITS`."""
    flags = batch.flags.copy()
    for quantity, low, high, flag in LIMITS:
        column = batch.values.get(quantity)
        if column is not None:
            with np.errstate(invalid="ignore"):
                flags[(column < low) | (column > high)] |= int(flag)
    return replace(batch, flags=flags)
