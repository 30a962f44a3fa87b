"""What a journey is made of. Hours are from its start; `parsing` reads it from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

SITE_REGIONS: Final = ("temperate", "coastal_humid", "cold_winter")
MODES: Final = ("truck", "rail", "sea", "air")
TIERS: Final = ("standard", "priority", "critical")
HOLDS: Final = ("fumigated", "seal", "quarantine", "on_warrant")
PLACE_KINDS: Final = ("bay", "yard", "container", "vehicle")
MOMENTS: Final = ("loads", "departs", "arrives", "unloads")
"""Events of a shipment that an instant may follow."""
HARMS: Final = ("none", "sweat", "wet", "mould", "heating", "hot_damp", "damp", "frost")
"""What a journey is about: which of `truth.EVENTS` is its harm."""


class Control(NamedTuple):
    """What of an enclosure can be set: its name in the physics, the factor to there, and between
    what it lies in a journey."""

    column: str
    factor: float
    low: float
    high: float


CONTROLS: Final[Mapping[str, Control]] = {
    "door_m2": Control("door_area", 1.0, 0.0, 200.0),
    "vent_per_h": Control("vent", 1.0, 0.0, 200.0),
    "air_w_m2k": Control("h", 1.0, 0.1, 100.0),
    "sun": Control("sun", 1.0, 0.0, 1.0),
    "sky": Control("sky", 1.0, 0.0, 1.0),
    "wind": Control("wind", 1.0, 0.0, 1.0),
    "driving_m_s": Control("driving", 1.0, 0.0, 50.0),
    "heat_to_c": Control("heat_to", 1.0, -50.0, 80.0),
    "heater_kw": Control("heater", 1e3, 0.0, 10_000.0),
    "cool_to_c": Control("cool_to", 1.0, -50.0, 80.0),
    "cooler_kw": Control("cooler", 1e3, 0.0, 10_000.0),
    "coil_c": Control("coil_t", 1.0, -60.0, 50.0),
    "dry_to_pct": Control("dry_to", 1.0, 1.0, 100.0),
    "dryer_kg_day": Control("dryer", 1.0 / 86400.0, 0.0, 50_000.0),
    "damp_to_pct": Control("damp_to", 1.0, 0.0, 100.0),
    "damper_kg_day": Control("damper", 1.0 / 86400.0, 0.0, 50_000.0),
    "rain": Control("rain_share", 1.0, 0.0, 1.0),
    "rain_mm_h": Control("rain", 1.0 / 3600.0, 0.0, 300.0),
    "wetting_kg_h": Control("wetting", 1.0 / 3600.0, 0.0, 1_000.0),
}
"""By their names in a journey. The limits keep out what cannot be meant and what the physics
divides by; they are choices of ours."""


@dataclass(frozen=True, slots=True)
class When:
    """An instant: hours after the start, or after an event of a shipment."""

    hours: float
    since: tuple[str, str] | None = None  # shipment, one of MOMENTS


@dataclass(frozen=True, slots=True)
class Site:
    key: str
    name: str
    latitude: float
    longitude: float
    region: str
    timezone: str
    climate: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is set in a place from an instant on, for ``lasts`` hours or for good."""

    when: When
    lasts: float | None
    controls: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Place:
    key: str
    kind: str
    name: str
    site: str | None
    box: str
    leak: float
    temperature: float | None
    humidity: float | None
    controls: Mapping[str, float]
    changes: tuple[Change, ...]
    dunnage_kg: float
    dunnage_pct: float
    desiccant_kg: float
    desiccant_load: float
    desiccant_when: When


@dataclass(frozen=True, slots=True)
class Party:
    key: str
    name: str
    tier: str
    limits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Stand:
    when: When
    place: str


@dataclass(frozen=True, slots=True)
class Wrap:
    when: When
    packaging: str


@dataclass(frozen=True, slots=True)
class Lot:
    """``regain`` and ``core_regain`` %, of wool as cored, when ``net_mass`` kg was weighed."""

    key: str
    form: str
    packaging: str
    packages: int
    net_mass: float
    regain: float
    core_regain: float
    temperature: float | None
    exposed: float
    customer: str
    references: Mapping[str, tuple[str, ...]]
    stands: tuple[Stand, ...]
    wraps: tuple[Wrap, ...]
    time_constant_h: float | None
    contract_regain: float | None


@dataclass(frozen=True, slots=True)
class Leg:
    mode: str
    origin: str
    destination: str
    departs: float
    arrives: float
    offline: bool
    via: tuple[str, ...]  # climates between


@dataclass(frozen=True, slots=True)
class Shipment:
    key: str
    customer: str
    vehicle: str
    lots: tuple[str, ...]
    loads: float
    legs: tuple[Leg, ...]
    unloads: float | None
    to: str | None  # where


@dataclass(frozen=True, slots=True)
class Hold:
    kind: str
    subject: str  # lot, place or shipment
    key: str
    begins: When
    ends: When | None
    lifted_by: str
    certificate: str | None


@dataclass(frozen=True, slots=True)
class Weather:
    """How a seed's weather differs from the typical year."""

    season_days: float  # later in the year
    warmer: float  # K
    restless: float  # K, standard deviation of the anomaly from day to day
    sun: float  # times
    wind: float


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey, its spans drawn (by seed) or, as loaded, at their middles."""

    key: str
    kind: str
    title: str
    about: str
    harm: str
    starts: tuple[int, int, int]  # month, day, hour UTC of the typical year
    days: float
    weather: Weather
    sites: tuple[Site, ...]
    places: tuple[Place, ...]
    parties: tuple[Party, ...]
    lots: tuple[Lot, ...]
    shipments: tuple[Shipment, ...]
    holds: tuple[Hold, ...]
    tags: tuple[Mapping[str, Any], ...]
    loggers: tuple[Mapping[str, Any], ...]
    gateways: tuple[Mapping[str, Any], ...]
    readers: tuple[Mapping[str, Any], ...]
    file: Path
    source: str

    def hours(self, when: When) -> float:
        """Hours from the start. Raises ValueError for an event that there is not."""
        if when.since is None:
            return when.hours
        key, event = when.since
        shipment = next((s for s in self.shipments if s.key == key), None)
        if shipment is None or event not in MOMENTS:
            raise ValueError(
                f"there is no {key} {event}: write a shipment and one of {', '.join(MOMENTS)}"
            )
        events = {
            "loads": shipment.loads,
            "departs": shipment.legs[0].departs,
            "arrives": shipment.legs[-1].arrives,
            "unloads": shipment.legs[-1].arrives if shipment.unloads is None else shipment.unloads,
        }
        return events[event] + when.hours
