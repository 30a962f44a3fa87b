"""One tag through its life: what it measured, what it made of it, and what was wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import exact
from simulators.readings import Readings
from simulators.sensors import clocks, spoiling
from simulators.sensors.faults import ClockUnset, Dying, Fault, Salted, Spiking, Stuck
from simulators.sensors.measuring import Air, Unit, felt, lagged
from simulators.sensors.models import Channel, SensorModel
from simulators.sensors.reporting import Reporting, instants, numbered, reported
from simulators.sensors.wrong import Wrong, declared

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Climate = Callable[[Ints], Air]
"""What is true around a tag at instants (n,), ms."""

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_LOOK_MS: Final = 300_000
"""The air between two measurements is looked at this often: what lags follows it."""
_VOLT: Final = Channel(offset=0.01, noise=0.004, steps=1000, low=0.0, high=5.0)
"""How a device measures its own battery; a choice of ours."""
_BOOTS: Final = 40
"""A device had been started at most so often when it was hung up; a choice of ours."""


@dataclass(frozen=True, slots=True)
class Device:
    """A tag that hangs from ``begins`` to ``ends`` (ms, true time), its battery ``charge`` full and
    ``age_days`` after it was adjusted."""

    tag: str
    model: SensorModel
    begins: int
    ends: int
    reporting: Reporting
    faults: tuple[Fault, ...] = ()
    charge: float = 1.0
    age_days: float = 0.0

    @property
    def tells_sent(self) -> bool:
        """Whether it says what its clock says: one that was never set has to."""
        return self.reporting.sent or any(isinstance(f, ClockUnset) for f in self.faults)

    @property
    def mean_w(self) -> float:
        """W that it draws on average, if nothing changes."""
        return self.model.power.mean_w(self.reporting.sample_s, self.reporting.interval_s)


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What a device made: ``readings``, the true instant ``at`` (n,) of each and of the start
    before it (n,), and ``wrong``, what was wrong with it when."""

    device: Device
    readings: Readings
    at: Ints
    started: Ints
    wrong: tuple[Wrong, ...]

    def clock(self, at: Ints) -> Ints:
        """(n,) what the device's clock says at true instants ``at``."""
        before = np.searchsorted(self.at, at, side="right") - 1
        return clocks.says(self.device.faults, at, self.started[np.maximum(before, 0)])


def make(device: Device, climate: Climate, seed: int) -> Made:
    """All that ``device`` makes in ``climate``."""
    at = instants(device.reporting, device.begins, device.ends, seed, device.tag)
    if not len(at):
        return _made(device, at, at, {}, seed)
    unit = Unit(device.model, seed, device.tag, device.begins, device.age_days * _DAY_MS)
    warm, said = _said(device, unit, at, climate)
    works = _powered(device, unit, at, warm, said)
    restarts = np.cumsum(works & ~np.r_[True, works[:-1]])
    at, restarts = at[works], restarts[works]
    said = {name: column[works] for name, column in said.items()}
    chosen = reported(device.reporting, at, said)
    said = {name: column[chosen] for name, column in said.items()}
    return _made(device, at[chosen], restarts[chosen], said, seed)


def _made(device: Device, at: Ints, restarts: Ints, said: dict[str, Floats], seed: int) -> Made:
    begun = 1 + int(float(exact.uniform(seed, "boot", device.tag, index=0)) * _BOOTS)
    boot, seq = numbered(restarts, begun)
    # It measures first when it has been on for half of what lies between two measurements.
    on = at - round(device.reporting.sample_s * 500)
    started = on[np.searchsorted(restarts, restarts, side="left")] if len(at) else on
    readings = Readings(device.tag, boot, seq, clocks.says(device.faults, at, started), said)
    return Made(device, readings, at, started, tuple(_wrong(device, at, seed)))


def _said(
    device: Device, unit: Unit, at: Ints, climate: Climate
) -> tuple[Floats, dict[str, Floats]]:
    """(n,) °C at the sensor, and quantity -> (n,) what is said of it."""
    model = device.model
    grid, here = _between(at)
    air = climate(grid)
    warm, humid = (column[here] for column in felt(model, grid, air, device.mean_w))
    for fault in device.faults:
        if isinstance(fault, Salted):
            humid = spoiling.salted(fault, at, humid)
    felt_there = {
        "temperature": (model.temperature, warm),
        "humidity": (model.humidity, humid),
    }
    if model.pressure is not None:
        felt_there["pressure"] = (model.pressure, air.pressure[here])
    if model.probe is not None and air.probe is not None:
        felt_there["probe"] = (model.probe, lagged(grid, air.probe, model.probe_lag_s)[here])
    said = {}
    for quantity, (channel, true) in felt_there.items():
        added = sum(
            spoiling.spikes(fault, at, device.reporting.sample_s, unit.seed, unit.tag)
            for fault in device.faults
            if isinstance(fault, Spiking) and fault.quantity == quantity
        )
        said[quantity] = unit.told(quantity, channel, true + added, at, warm)
        for fault in device.faults:
            if isinstance(fault, Stuck) and fault.quantity in (None, quantity):
                said[quantity] = spoiling.stuck(fault, at, said[quantity])
    return warm, said


def _powered(device: Device, unit: Unit, at: Ints, warm: Floats, said: dict[str, Floats]) -> Bools:
    """(n,) whether the battery lets it measure; adds to ``said`` what it says of the battery."""
    battery = device.model.battery
    charge = battery.left(device.charge, device.mean_w, (at - device.begins) / _HOUR_MS)
    for fault in device.faults:
        if isinstance(fault, Dying):
            gone = np.clip((at - fault.begins) / (fault.ends - fault.begins), 0.0, 1.0)
            charge = charge * (1.0 - gone)
    volts = battery.loaded(charge, warm)
    said["battery"] = unit.told("battery", _VOLT, volts, at, warm)
    return (charge > 0.0) & (volts >= battery.fails_v)


def _between(at: Ints) -> tuple[Ints, slice]:
    """``at`` with instants between that are near enough, and where ``at`` is among them."""
    step = int(np.diff(at).max(initial=0))
    parts = max(1, -(-step // _LOOK_MS))
    within = at[:-1, None] + np.diff(at)[:, None] * np.arange(parts) // parts
    return np.r_[within.reshape(-1), at[-1:]], slice(None, None, parts)


def _wrong(device: Device, at: Ints, seed: int) -> Iterator[Wrong]:
    yield from declared(device.tag, device.faults, device.ends)
    for fault in device.faults:
        if isinstance(fault, Spiking) and len(at):
            added = spoiling.spikes(fault, at, device.reporting.sample_s, seed, device.tag)
            for k in np.flatnonzero(added):
                moment, detail = int(at[k]), f"{added[k]:+.1f}"
                yield Wrong(device.tag, "spike", moment, moment, fault.quantity, detail)
    silent = int(at[-1]) if len(at) else device.begins
    if device.ends - silent > 3000 * device.reporting.interval_s:
        yield Wrong(device.tag, "silent", silent, device.ends, "", "its battery is empty")
