"""From the true air at a tag's place to what its sensor says of it.

In this order: the housing lags behind the air, its own power warms it, the humidity is that of the
vapour at *its* temperature; then the unit's errors as it left the factory, what it has drifted
since, noise, and the steps in which it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from simulators import exact
from simulators.compiled import compiled
from simulators.sensors.models import Channel, SensorModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

YEAR_MS: Final = 365.25 * 24 * 3_600_000
_FARTHEST: Final = 3.0
"""Standard deviations: what is farther out is not sold."""
_CALIBRATED_AT: Final = 25.0  # °C: where `Channel.slope` has no effect


class Air(Protocol):
    """What is true at a tag's place, (n,) each: °C, %RH over water, hPa, °C at its probe."""

    @property
    def temperature(self) -> Floats: ...
    @property
    def humidity(self) -> Floats: ...
    @property
    def pressure(self) -> Floats: ...
    @property
    def probe(self) -> Floats | None: ...


@dataclass(frozen=True, slots=True)
class Unit:
    """One device of ``model``: ``tag`` and ``seed`` say which. ``age_ms`` after it was adjusted it
    was hung up, at ``since_ms``."""

    model: SensorModel
    seed: int
    tag: str
    since_ms: int
    age_ms: float = 0.0

    def told(self, quantity: str, channel: Channel, true: Floats, at: Ints, warm: Floats) -> Floats:
        """(n,) what the unit says of ``true`` values at instants ``at``, its sensor at ``warm`` °C.

        NaN stays NaN. The noise at an instant is the same whatever else is asked for.
        """
        offset, gain, slope, drift = self._errors(quantity)
        hung = at - self.since_ms
        years = (hung + self.age_ms) / YEAR_MS
        noise = exact.normal(self.seed, "noise", self.tag, quantity, index=hung)
        said = (
            true
            + channel.offset * offset
            + channel.gain * gain * (true - channel.reference)
            + channel.slope * slope * (warm - _CALIBRATED_AT)
            + channel.drift * drift * years
            + channel.noise * noise
        )
        return stepped(said, channel)

    def _errors(self, quantity: str) -> Floats:
        """Of this unit, in standard deviations: offset, gain, slope, drift."""
        drawn = exact.normal(self.seed, "unit", self.tag, quantity, index=np.arange(4))
        return np.clip(drawn, -_FARTHEST, _FARTHEST)


def felt(model: SensorModel, at: Ints, air: Air, power_w: float) -> tuple[Floats, Floats]:
    """(n,) °C and %RH (100 at most) at the sensor of a device that draws ``power_w``.

    ``air`` is what is around it at instants ``at`` (n,), ms and rising.
    """
    warm = lagged(at, air.temperature, model.lag_s) + power_w * model.power.k_per_w
    vapour = air.humidity * saturation(air.temperature)
    humid = lagged(at, vapour, model.vapour_lag_s) / saturation(warm)
    return warm, np.minimum(humid, 100.0)


def stepped(values: Floats, channel: Channel) -> Floats:
    """``values`` within the channel's limits and in its steps."""
    within = np.clip(values, channel.low, channel.high)
    return np.asarray(np.rint(within * channel.steps) / channel.steps)


def saturation(temperature: Floats) -> Floats:
    """Pa over water at °C, by Magnus with the constants of the WMO (Guide No. 8, annex 4.B)."""
    return np.asarray(611.2 * exact.exp(17.62 * temperature / (243.12 + temperature)))


def lagged(at: Ints, values: Floats, tau_s: float) -> Floats:
    """``values`` (n,) at instants ``at`` (n,) ms, rising in any steps, behind a first-order lag.

    Exact where what is followed runs straight between the instants; it begins settled.
    """
    found = np.array(values, np.float64)
    if tau_s > 0 and len(found) > 1:
        spans = np.diff(at) / (1000.0 * tau_s)
        _follow(found, spans, exact.exp(-spans))
    return found


@compiled
def _follow(values: Floats, spans: Floats, kept: Floats) -> None:
    before = values[0]
    behind = 0.0  # how far we are behind what is followed
    for i in range(spans.size):
        now = values[i + 1]
        trailing = (now - before) / spans[i]  # behind a straight line for ever, in the end
        behind = trailing + (behind - trailing) * kept[i]
        before = now
        values[i + 1] = now - behind
