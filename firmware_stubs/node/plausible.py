"""What a sensor says, looked at on the device: what cannot be is left out, a jump measured again.

Nothing that was measured is altered or smoothed: a door that opens is a jump too, and real.
"""

_RANGES = {
    "temperature": (-4_000, 12_500),
    "humidity": (0, 10_000),
    "probe": (-5_500, 12_500),
}
"""Hundredths; what an SHT4x and a DS18B20 can measure, by their datasheets."""

_JUMPS = {"temperature": 500, "humidity": 2_000, "probe": 500}
"""Hundredths between two readings [a design choice]: more is measured again to be believed."""

_DS18B20_FAILED = 8_500
"""85 °C is what a DS18B20 answers that lost its power before it measured."""


def possible(values):
    """`values` (quantity -> hundredths) without what its sensor cannot have measured."""
    found = {}
    for quantity, value in values.items():
        low, high = _RANGES[quantity]
        failed = quantity == "probe" and value == _DS18B20_FAILED
        if low <= value <= high and not failed:
            found[quantity] = value
    return found


def jumped(values, before):
    """Whether one of `values` is so far from `before` that it should be measured again."""
    for quantity, value in values.items():
        if quantity in before and abs(value - before[quantity]) > _JUMPS[quantity]:
            return True
    return False


def median(samples):
    """Of each quantity in some of `samples` (an odd number of them) the one in the middle."""
    found = {}
    for quantity in _RANGES:
        values = sorted(sample[quantity] for sample in samples if quantity in sample)
        if values:
            found[quantity] = values[len(values) // 2]
    return found


def settled(measure, before):
    """What `measure()` tells, once where it is near `before`, else the middle of three."""
    first = possible(measure())
    if not jumped(first, before):
        return first
    return median([first, possible(measure()), possible(measure())])
