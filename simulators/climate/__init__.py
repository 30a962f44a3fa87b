"""Three typical years, carried in the package: what the weather is like where the demo's lots are.

The tables beside this file are made by `simulators.climate.make`; ``SOURCES.md`` says from what.
"""

from simulators.climate.measured import Measured, NotHere, load_measured
from simulators.climate.normals import normals
from simulators.climate.table import HOURS, STATIONS, Climate, Station, load

__all__ = [
    "HOURS",
    "STATIONS",
    "Climate",
    "Measured",
    "NotHere",
    "Station",
    "load",
    "load_measured",
    "normals",
]
