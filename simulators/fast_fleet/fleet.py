"""What a large fleet measures: message ``n`` is a function of seed and ``n``, so none is kept.

Tags report in turn, each once in ``interval_ms``: message n is reading n // tags of tag n % tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from simulators.climate import Climate, load
from simulators.exact import normal
from simulators.readings import Floats, Ints, Readings
from simulators.voices.native import CARRIES

STATION = "greensboro"
MAX_TAGS = 1_000_000

# How tags differ from the air of the place, and a reading from the one before (choices of ours: a
# yard has sunny and shady corners, and a good sensor is steady to its resolution).
_WARMER_K, _DAMPER_PCT, _HIGHER_HPA, _NOISE = 1.5, 4.0, 0.5, 0.05
_BATTERY_V, _BATTERY_SPREAD_V = 3.0, 0.05
_DRAINED_V = 1e-6  # a reading: a battery of 0.6 V to spare lasts 600 000


@dataclass(frozen=True, slots=True)
class Columns:
    """``n`` messages as integers: ``tag`` its number, ``seq``, ``t`` in ms, and the measured values
    in the steps of the native voice: 0.01 °C, 0.01 %RH, 0.01 hPa, 0.001 V."""

    tag: Ints
    seq: Ints
    t: Ints
    temperature: Ints
    humidity: Ints
    pressure: Ints
    battery: Ints


@dataclass(frozen=True)
class Fleet:
    """``tags`` tags of ``tenant``, from ``start_ms`` on; the same for a seed on every machine."""

    tags: int
    seed: int = 1
    start_ms: int = 0
    interval_ms: int = 600_000
    tenant: str = "demo"
    prefix: str = "tag"
    _climate: Climate = field(default_factory=lambda: load(STATION), repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.tags <= MAX_TAGS:
            raise ValueError(f"{self.tags} tags: give 1 to {MAX_TAGS}")
        if self.interval_ms < 1:
            raise ValueError(f"an interval of {self.interval_ms} ms: give 1 at least")
        for name in (self.tenant, self.prefix):
            if not 1 <= len(name) <= 48 or not name.isprintable() or set(name) & set("/+#"):
                raise ValueError(f"{name!r} cannot be a name: 1 to 48 characters without / + #")

    @property
    def boot(self) -> int:
        """Another start is another boot, and a later one a higher."""
        return self.start_ms // 1000

    @cached_property
    def digits(self) -> int:
        """Of a tag's number in its name."""
        return len(str(self.tags - 1))

    def name(self, tag: int) -> str:
        """What tag number ``tag`` is called."""
        return f"{self.prefix}-{tag:0{self.digits}d}"

    @cached_property
    def _own(self) -> tuple[Floats, Floats, Floats, Floats]:
        """(tags,) each: what a tag has beside the air: °C, %RH, hPa, V."""
        numbers = np.arange(self.tags)
        return (
            _WARMER_K * normal(self.seed, "warmer", index=numbers),
            _DAMPER_PCT * normal(self.seed, "damper", index=numbers),
            _HIGHER_HPA * normal(self.seed, "higher", index=numbers),
            _BATTERY_V + _BATTERY_SPREAD_V * normal(self.seed, "battery", index=numbers),
        )

    def columns(self, numbers: Ints) -> Columns:
        """The messages of these numbers."""
        seq, tag = np.divmod(numbers, self.tags)
        t = self.start_ms + seq * self.interval_ms + tag * self.interval_ms // self.tags
        warmer, damper, higher, volts = (own[tag] for own in self._own)
        noise = _NOISE * normal(self.seed, "noise", index=numbers)
        temperature, humidity, pressure = self._climate.at(t)
        return Columns(
            tag=tag,
            seq=seq,
            t=t,
            temperature=_count("temperature", temperature + warmer + noise),
            humidity=_count("humidity", np.clip(humidity + damper - noise, 1.0, 100.0)),
            pressure=_count("pressure", pressure + higher),
            battery=_count("battery", np.maximum(volts - _DRAINED_V * seq, 1.8)),
        )

    def readings(self, numbers: Ints) -> list[Readings]:
        """The same, one by one, as any voice can say them."""
        found = self.columns(numbers)
        values = {name: getattr(found, name) / CARRIES[name].per_unit for name in _QUANTITIES}
        boot = np.full(1, self.boot)
        return [
            Readings(
                self.name(int(found.tag[row])),
                boot,
                found.seq[row : row + 1],
                found.t[row : row + 1],
                {name: column[row : row + 1] for name, column in values.items()},
            )
            for row in range(len(numbers))
        ]


_QUANTITIES = ("temperature", "humidity", "pressure", "battery")


def _count(quantity: str, values: Floats) -> Ints:
    return np.floor(values * CARRIES[quantity].per_unit + 0.5).astype(np.int64)
