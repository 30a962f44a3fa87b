"""A box, a lot and a weather as a test wants them, advanced by the physics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulators.physics import cargo
from simulators.physics import enclosure as boxes
from simulators.physics.air import saturation
from simulators.physics.kernel import advance
from simulators.physics.state import AIR, ENCLOSURE, GOODS, LOT, NODES, SORBER, STAY

TIGHT = replace(boxes.KINDS["container_20"], leak=0.0, leak_wind=0.0, leak_stack=0.0)


def steady(hours, t=20.0, rh=50.0, sun=0.0, sky=None, wind=0.0, rain=0.0):
    """(hours + 2, 7) weather that never changes."""
    row = [t, rh / 100 * float(saturation(t)), 1013.0, sun, t if sky is None else sky, wind, rain]
    return np.tile(np.array(row, float), (hours + 2, 1))


def stay(box=0, barrier=0.0, rain=1.0, since=0):
    row = np.zeros(1, STAY)[0]
    row["since"], row["enclosure"], row["barrier"], row["rain"] = since, box, barrier, rain
    return row


class Lab:
    """One enclosure of ``kind`` in ``weather``, with lots and what sorbs; `run` advances it."""

    def __init__(
        self, kind, weather, lots=(), stays=None, extra=(), start=None, rh=50.0, **conditions
    ):
        t = weather[0, 0] if start is None else start
        vapour = rh / 100 * float(saturation(t))
        self.weather = weather[None]
        self.boxes = np.array([boxes.enclosure(kind, t, vapour, t)], ENCLOSURE)
        rule = boxes.conditions(kind)
        for name, value in conditions.items():
            rule[name] = value
        self.conditions = np.array([[rule]])
        moisture = boxes.wood_moisture(t, vapour)
        self.sorbers = np.array([boxes.floor(kind, 0, moisture), *extra], SORBER)
        self.lots = np.array(list(lots), LOT)
        rows = [[stay()] for _ in lots] if stays is None else stays
        self.stays = np.array(rows).reshape(len(self.lots), -1 if len(self.lots) else 1)
        if not len(self.lots):
            self.stays = np.zeros((0, 1), STAY)

    def run(self, hours, step_s=20.0, every_s=300):
        every = round(every_s / step_s)
        records = hours * 3600 // every_s
        air = np.zeros((1, records, len(AIR)))
        goods = np.zeros((len(self.lots), records, len(GOODS)))
        advance(
            self.weather, self.boxes, self.conditions, self.sorbers, boxes.curves(), self.lots,
            self.stays, 0, step_s, every, air, goods,
        )  # fmt: skip
        self.air = {name: air[0, :, c] for c, name in enumerate(AIR)}
        self.goods = [{name: one[:, c] for c, name in enumerate(GOODS)} for one in goods]
        return self

    @property
    def water(self):
        """kg in it, on it and in what stands in it."""
        return water(self.boxes, self.sorbers, self.lots)

    @property
    def heat(self):
        """J in it and in what stands in it, from 0 °C; no latent heat."""
        return heat(self.boxes, self.lots)

    @property
    def heat_in(self):
        """J that came in from outside or were set free, by the physics' own account."""
        return came_in("heat_in", self.boxes, self.lots)


def water(places, sorbers, lots):
    """kg in the air and on roof and walls of what is shut, in what sorbs, in and on lots."""
    total = 0.0
    for box in places:
        on = ("roof_water", "roof_ice", "wall_water", "wall_ice")
        total += 0.0 if box["open"] else box["vapour"] + sum(box[name] for name in on)
    for heap in sorbers:
        total += heap["u_outer"] * heap["outer"] + heap["u_inner"] * heap["inner"]
    return total + sum(water_of(lot) for lot in lots)


def water_of(lot):
    films = ("top_water", "top_ice", "side_water", "side_ice", "cavity_water", "cavity_ice")
    inside = (lot["mass"] * lot["u"]).sum()
    return lot["units"] * (inside + sum(lot[name] for name in films))


def heat(places, lots):
    """J in the air, the skins and the floor of what is shut, and in lots, from 0 °C; no latent
    heat."""
    total = 0.0
    for box in places[places["open"] == 0]:
        total += 1.2 * 1005.0 * box["volume"] * box["air_t"]
        for part in ("roof", "wall"):
            for skin, t in (("outer", "to"), ("inner", "ti")):
                total += box[f"{part}_{skin}"] * box[f"{part}_area"] * box[f"{part}_{t}"]
        total += box["floor_heat"] * box["floor_area"] * box["floor_t"]
    for lot in lots:
        capacity = lot["mass"] * (lot["heat"] + 4186.0 * lot["u"] * lot["wool"])
        total += lot["units"] * (capacity * lot["t"]).sum()
    return total


def came_in(name, places, lots):
    """By the physics' own account: ``water_in`` kg or ``heat_in`` J."""
    return places[name].sum() + (lots["units"] * lots[name]).sum()


def lead(t, units=1, kg=1000.0, exposed=1.0):
    return cargo.lot(cargo.FORMS["ingot"], kg, units, t, 0.0, 0.0, exposed=exposed)


def wool(t, regain, units=10, kg=155.0, form="scoured", core=None, position=0.5):
    inside = regain if core is None else core
    return cargo.lot(cargo.FORMS[form], kg, units, t, regain, inside, position)


assert len(lead(20.0)["t"]) == NODES
