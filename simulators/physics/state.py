"""What the loop in time works on: records of numpy, one an enclosure, a sorbing mass, a lot.

SI throughout (J, kg, s, W, Pa, m), but temperatures °C. What is fixed comes first, what changes in
time after it. `enclosure.py` and `cargo.py` make them from what people write.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]

NODES: Final = 7
"""Layers that a lot has at most, from its surface to its core."""

ENCLOSURE: Final = np.dtype(
    [
        ("open", "i8"),  # 1: the sky is its roof
        ("volume", "f8"),
        ("roof_area", "f8"),
        ("wall_area", "f8"),
        ("floor_area", "f8"),
        ("roof_absorbs", "f8"),  # of the sun
        ("wall_absorbs", "f8"),
        ("roof_u", "f8"),  # W/m²K between its outer and its inner skin
        ("wall_u", "f8"),
        ("roof_outer", "f8"),  # J/m²K
        ("roof_inner", "f8"),
        ("wall_outer", "f8"),
        ("wall_inner", "f8"),
        ("floor_u", "f8"),  # W/m²K to what is under it
        ("floor_heat", "f8"),  # J/m²K
        ("ground_t", "f8"),  # what is under it; NaN: the air outside
        ("drips_at", "f8"),  # kg/m² that hang on the roof
        ("runs_at", "f8"),  # kg/m² that hold on the walls
        # in time
        ("air_t", "f8"),
        ("vapour", "f8"),  # kg in the air
        ("roof_to", "f8"),
        ("roof_ti", "f8"),
        ("wall_to", "f8"),
        ("wall_ti", "f8"),
        ("floor_t", "f8"),
        ("roof_water", "f8"),  # kg
        ("roof_ice", "f8"),
        ("wall_water", "f8"),
        ("wall_ice", "f8"),
        ("dripped", "f8"),  # kg so far
        ("water_in", "f8"),  # kg, from outside, less what went there
        ("heat_in", "f8"),  # J, from outside and set free in it
        # of the step
        ("changes", "f8"),  # air changes per hour
        ("met_t", "f8"),  # °C of the air as all in it meet it
        ("power", "f8"),  # W of its heater, or, negative, cooler
        ("radiates", "f8"),  # W/m²K
        ("radiant", "f8"),  # °C, the mean of what radiates in it
        ("roof_p", "f8"),  # Pa, saturated
        ("wall_p", "f8"),
        ("coil_p", "f8"),
        ("roof_g", "f8"),  # kg/(s Pa)
        ("wall_g", "f8"),
        ("coil_g", "f8"),
    ],
    align=True,
)

CONDITIONS: Final = np.dtype(
    [
        ("since", "i8"),  # the step from which they hold
        ("leak", "f8"),  # air changes per hour
        ("leak_wind", "f8"),  # more, per m/s of wind
        ("leak_stack", "f8"),  # more, per square root of the difference to outside in K
        ("vent", "f8"),  # more, by fans or open vents
        ("door_area", "f8"),  # m² that stand open
        ("door_height", "f8"),
        ("h", "f8"),  # W/m²K by convection inside
        ("sun", "f8"),  # share of the sun that reaches it
        ("sky", "f8"),  # share of the sky that its roof sees
        ("wind", "f8"),  # share of the wind that reaches it
        ("driving", "f8"),  # m/s of its own motion
        ("heat_to", "f8"),  # °C, thermostat of a heater
        ("heater", "f8"),  # W
        ("cool_to", "f8"),
        ("cooler", "f8"),  # W
        ("coil_t", "f8"),  # °C of the cooler's coil, where vapour settles while it runs
        ("dry_to", "f8"),  # %RH, of a dehumidifier
        ("dryer", "f8"),  # kg/s
        ("damp_to", "f8"),  # %RH, of a humidifier
        ("damper", "f8"),  # kg/s
        ("rain_share", "f8"),  # share of the rain that reaches what stands open
        ("rain", "f8"),  # kg/m²s on what stands open, beside the weather's
        ("wetting", "f8"),  # kg/s of water that comes in on the floor
    ],
    align=True,
)

SORBER: Final = np.dtype(
    [
        ("enclosure", "i8"),
        ("table", "i8"),  # its curve of activity
        ("with_air", "i8"),  # 1: as warm as the air, 0: as the floor
        ("since", "i8"),  # the step from which it is there
        ("outer", "f8"),  # kg dry that the air reaches
        ("inner", "f8"),  # kg dry behind it
        ("exchange", "f8"),  # kg/(s Pa)
        ("inward", "f8"),  # kg/s between outer and inner, per unit of moisture difference
        ("full", "f8"),  # kg/kg at which it takes up no more
        # in time
        ("u_outer", "f8"),  # kg/kg
        ("u_inner", "f8"),
        # of the step
        ("pressure", "f8"),
        ("g", "f8"),  # kg/(s Pa)
    ],
    align=True,
)

LOT: Final = np.dtype(
    [
        ("wool", "i8"),
        ("layers", "i8"),
        ("units", "f8"),  # bundles or bales alike
        ("top", "f8"),  # m² of a unit, of these faces what air, rain and drips reach
        ("side", "f8"),
        ("bottom", "f8"),
        ("contact", "f8"),  # W/m²K through the dunnage to the floor
        ("emits", "f8"),  # of thermal radiation
        ("absorbs", "f8"),  # of the sun
        ("half_layer", "f8"),  # m²K/W from the surface to the first node
        ("half_vapour", "f8"),  # m² s Pa/kg, likewise
        ("mass", "f8", NODES),  # kg dry
        ("heat", "f8"),  # J/kgK dry
        ("conducts", "f8", NODES),  # W/K to the next node
        ("diffuses", "f8", NODES),  # kg/(s Pa) to the next node
        ("oxygen", "f8", NODES),  # share of what bacteria would use
        ("film_top", "f8"),  # kg/m² that stay
        ("film_side", "f8"),
        ("cavity", "f8"),  # kg that its cavities hold
        ("into_cavity", "f8"),  # share of what runs off
        ("cavity_opening", "f8"),  # m² of free surface
        ("soaks", "f8"),  # 1/s, of a film into wool
        ("low", "f8"),  # R65, taking up
        ("high", "f8"),  # and giving off
        ("germy", "f8"),  # how much there is for bacteria, of 1
        ("mould", "f8", 7),  # its class
        # in time
        ("t", "f8", NODES),
        ("u", "f8", NODES),  # regain, kg/kg
        ("position", "f8", NODES),  # between the curves
        ("activity", "f8", NODES),
        ("germs", "f8", NODES),
        ("spent", "f8", NODES),  # J/kg
        ("power", "f8"),  # W of a unit, by bacteria
        ("top_water", "f8"),  # kg
        ("top_ice", "f8"),
        ("side_water", "f8"),
        ("side_ice", "f8"),
        ("cavity_water", "f8"),
        ("cavity_ice", "f8"),
        ("rained", "f8"),  # kg that it caught so far
        ("dripped", "f8"),
        ("mould_index", "f8"),
        ("mould_dry", "f8"),  # h
        ("water_in", "f8"),  # kg of a unit, by rain and from the air of open places, less run-off
        ("heat_in", "f8"),  # J of a unit, likewise
        # of the step
        ("meets", "f8"),  # W/K with the air
        ("beams", "f8"),  # W/K with what radiates
        ("pressure", "f8"),  # Pa at its surface
        ("g_top", "f8"),  # kg/(s Pa)
        ("g_side", "f8"),
        ("g_cavity", "f8"),
    ],
    align=True,
)

STAY: Final = np.dtype(
    [
        ("since", "i8"),  # the step from which it holds
        ("enclosure", "i8"),
        ("barrier", "f8"),  # m of still air that hold vapour up as its packaging does
        ("rain", "f8"),  # share of rain and drips that gets through its packaging
    ],
    align=True,
)

WEATHER: Final = ("temperature", "vapour", "pressure", "sun", "sky", "wind", "rain")
"""Columns: °C, Pa, hPa, W/m², °C, m/s, kg/m²s (of the hour before)."""

AIR: Final = (
    "temperature", "vapour", "pressure", "roof", "roof_film", "dripped", "changes", "floor",
)  # fmt: skip
"""What is recorded of an enclosure: °C, Pa, hPa, °C, kg/m², kg, 1/h, °C."""

GOODS: Final = (
    "place", "air", "vapour", "pressure", "surface", "core", "surface_activity", "core_activity",
    "film", "frost", "cavity", "surface_regain", "core_regain", "regain", "mould", "power",
    "hottest", "mass", "rained", "dripped",
)  # fmt: skip
"""What is recorded of a lot: index, °C, Pa, hPa, °C, °C, 0 to 1, 0 to 1, g/m² at its wettest face,
g/m², g, kg/kg three times, index, W/kg, °C, kg of water in and on a unit; g/m² of rain and of drips
so far."""
