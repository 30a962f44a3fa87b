"""The demo's world: what stands where, what travels, and what goes wrong. Hours from the start.

The typical year is laid so that the start is 15 January: hard frost in Carolina, a warm and humid
fortnight in Miami. All names are made up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TYPICAL_DAY: Final = (1, 15)  # month, day of the start in the typical year
LONG_AGO_H: Final = -30 * 24.0  # since when what does not travel stands and is watched
SETTLED_H: Final = -48.0


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
class Enclosure:
    """What a roof and walls make of the weather outside."""

    heat_lag_h: float = 0.0
    vapour_lag_h: float = 0.0
    warmer_k: float = 0.0
    heated_to: float = -90.0  # °C
    cooled_to: float = 90.0
    humidity_min: float = 1.0  # %RH, a humidifier
    humidity_max: float = 98.0  # a dehumidifier
    sun_k: float = 0.0  # how much a high sun warms it
    buffer: float | None = None  # %RH that hygroscopic goods or wood hold in a closed box


@dataclass(frozen=True, slots=True)
class Place:
    key: str
    kind: str
    name: str
    site: str | None = None
    air: Enclosure = Enclosure()
    later: tuple[float, Enclosure] | None = None  # from that hour on
    tagged: bool = True


@dataclass(frozen=True, slots=True)
class Party:
    key: str
    name: str
    tier: str
    limits: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lot:
    key: str
    form: str
    net_mass_kg: float
    packages: int
    packaging: str
    customer: str
    stands: tuple[tuple[float, str], ...]  # (hour, place)
    tags: tuple[str, ...] = ("air",)  # its own, by placement
    dies_h: float | None = None  # when its air tag falls silent
    time_constant_h: float | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    mode: str
    vehicle: str
    origin: str
    destination: str
    departs_h: float
    arrives_h: float
    offline: bool = False
    rolls_h: float | None = None  # where it waits first: when it really starts to move


@dataclass(frozen=True, slots=True)
class Shipment:
    key: str
    customer: str
    lots: tuple[str, ...]
    leg: Leg


@dataclass(frozen=True, slots=True)
class Hold:
    kind: str
    subject: str  # lot, place or shipment
    key: str
    begins_h: float
    ends_h: float | None
    lifted_by: str
    certificate: str | None = None


SITES: Final = (
    Site("miami", "Miami free-zone warehouse", 25.806, -80.312, "coastal_humid",
         "America/New_York", "miami"),
    Site("greensboro", "Greensboro distribution centre", 36.078, -79.952, "temperate",
         "America/New_York", "greensboro"),
    Site("sand-point", "Sand Point harbour store", 55.337, -160.497, "cold_winter",
         "America/Anchorage", "sand_point"),
)  # fmt: skip

_DRY_HALL: Final = Enclosure(12, 24, cooled_to=23, heated_to=20, humidity_max=56)
_DAMP_BAY: Final = Enclosure(16, 30, heated_to=24, humidity_min=98.5, humidity_max=99)
_HEATED: Final = Enclosure(12, 12, heated_to=18, humidity_min=50, humidity_max=62)
_HEATED_NO_HUMIDIFIER: Final = Enclosure(12, 48, heated_to=24, humidity_max=62)
_COLD_HALL: Final = Enclosure(10, 20, warmer_k=1.5, humidity_max=64)
_HARBOUR: Final = Enclosure(24, 24, warmer_k=4.0, heated_to=5, humidity_max=68)
_VAN: Final = Enclosure(warmer_k=0.5, humidity_max=97, sun_k=2.0)

PLACES: Final = (
    Place("miami-bay-1", "bay", "Bay 1, open dock", "miami", Enclosure(2, 1, warmer_k=0.5)),
    Place("miami-bay-2", "bay", "Bay 2, leaking pipe", "miami", _DAMP_BAY),
    Place("miami-bay-3", "bay", "Bay 3, dehumidified", "miami", _DRY_HALL),
    Place("miami-yard", "yard", "Yard", "miami"),
    Place("greensboro-bay-1", "bay", "Bay 1, heated", "greensboro", _HEATED,
          later=(10.0, _HEATED_NO_HUMIDIFIER)),  # its humidifier fails
    Place("greensboro-bay-2", "bay", "Bay 2, unheated", "greensboro", _COLD_HALL),
    Place("sand-point-bay-1", "bay", "Bay 1, heated", "sand-point",
          Enclosure(24, 24, heated_to=12, humidity_min=50, humidity_max=62)),
    Place("sand-point-shed", "bay", "Harbour shed", "sand-point", _HARBOUR),
    Place("truck-NC118", "vehicle", "Truck NC 118", air=_VAN),
    Place("truck-NC142", "vehicle", "Truck NC 142", air=_VAN),
    # Closed on wet dunnage, in the sun all day: the wood holds the air inside near 68 %.
    Place("container-DNGU3071440", "container", "Container DNGU 307144 0",
          air=Enclosure(warmer_k=2.0, sun_k=26.0, buffer=68.0)),
    Place("container-DNGU2210965", "container", "Container DNGU 221096 5",
          air=Enclosure(warmer_k=0.5, sun_k=9.0, buffer=60.0)),
    Place("container-DNGU5518802", "container", "Container DNGU 551880 2",
          air=Enclosure(warmer_k=1.0, sun_k=6.0, buffer=50.0)),
)  # fmt: skip

PARTIES: Final = (
    Party("northline-batteries", "Northline Batteries", "critical"),
    Party("gulf-radiation-shielding", "Gulf Radiation Shielding", "standard"),
    Party("harbor-mills", "Harbor Mills", "priority"),
    Party("piedmont-yarns", "Piedmont Yarns", "standard",
          {"temperature_min": 10.0, "humidity_max": 80.0}),
    Party("aleutian-marine", "Aleutian Marine Ballast", "standard"),
)  # fmt: skip


def _lead(
    number: int, customer: str, *stands: tuple[float, str], tags: tuple[str, ...] = (),
    tau: float = 7.0, dies_h: float | None = None,
) -> Lot:  # fmt: skip
    mass = 998.0 + (number * 37) % 45
    return Lot(f"LB-{number}", "ingot", mass, 1, "strapped", customer, stands, tags, dies_h, tau)


def _wool(
    number: int, form: str, customer: str, *stands: tuple[float, str],
    tags: tuple[str, ...] = ("air",), packages: int = 12,
) -> Lot:  # fmt: skip
    bale_kg = {"greasy": 178.0, "scoured": 164.0, "tops": 210.0, "cashmere": 90.0}[form]
    return Lot(
        f"W{form[0].upper()}-{number}", form, packages * bale_kg, packages, "bale_nylon",
        customer, stands, tags,
    )  # fmt: skip


_BATTERIES, _SHIELDING, _MARINE = (
    "northline-batteries", "gulf-radiation-shielding", "aleutian-marine"
)  # fmt: skip
_BOTH: Final = ("air", "surface")

LOTS: Final = (
    # Loaded in the frost, due in Miami within the day: they sweat on the way in and in the bay.
    _lead(24101, _BATTERIES, (SETTLED_H, "greensboro-bay-2"), (12.5, "miami-bay-1"), tags=_BOTH),
    _lead(24102, _BATTERIES, (SETTLED_H, "greensboro-bay-2"), (12.5, "miami-bay-1"), tags=_BOTH),
    _lead(24103, _BATTERIES, (SETTLED_H, "greensboro-bay-2"), (12.5, "miami-bay-1"), tags=_BOTH),
    # The next truck: the same again, three days later, known beforehand.
    _lead(24104, _BATTERIES, (LONG_AGO_H, "greensboro-bay-2"), (84.5, "miami-bay-1"), tags=_BOTH),
    _lead(24105, _BATTERIES, (LONG_AGO_H, "greensboro-bay-2"), (84.5, "miami-bay-1"),
          tags=("air",)),
    # Long in the dry hall.
    _lead(24106, _SHIELDING, (LONG_AGO_H, "miami-bay-3"), tags=("air",)),
    _lead(24107, _SHIELDING, (LONG_AGO_H, "miami-bay-3"), tags=_BOTH),
    _lead(24108, _SHIELDING, (LONG_AGO_H, "miami-bay-3"), tags=("air",), dies_h=8.0),
    _lead(24109, _BATTERIES, (LONG_AGO_H, "miami-bay-3")),
    _lead(24110, _BATTERIES, (LONG_AGO_H, "miami-bay-3")),
    # Put out in the yard.
    _lead(24111, _SHIELDING, (LONG_AGO_H, "miami-bay-3"), (14.0, "miami-yard"), tags=("air",)),
    # In the sun in a closed box on wet dunnage.
    _lead(24112, _SHIELDING, (LONG_AGO_H, "miami-bay-3"), tags=("air",), tau=9.0),
    # By sea, without a network: its loggers are read out on arrival.
    _lead(24113, _MARINE, (LONG_AGO_H, "sand-point-shed"), (54.0, "miami-bay-3"), tags=("air",)),
    _lead(24114, _MARINE, (LONG_AGO_H, "sand-point-shed"), (54.0, "miami-bay-3"), tags=("air",)),
    _lead(24115, _MARINE, (LONG_AGO_H, "sand-point-bay-1"), tags=("air",)),
    _lead(24116, _MARINE, (LONG_AGO_H, "sand-point-bay-1"), tags=_BOTH),
    _lead(24117, _MARINE, (LONG_AGO_H, "sand-point-bay-1")),
    _lead(24118, _BATTERIES, (LONG_AGO_H, "greensboro-bay-1"), tags=("air",)),
    _lead(24119, _BATTERIES, (LONG_AGO_H, "greensboro-bay-1"), tags=_BOTH),
    _lead(24120, _BATTERIES, (LONG_AGO_H, "greensboro-bay-1")),
    # Greasy wool by the leaking pipe: too damp, then mould.
    _wool(7001, "greasy", "harbor-mills", (LONG_AGO_H, "miami-bay-2")),
    _wool(7002, "greasy", "harbor-mills", (LONG_AGO_H, "miami-bay-2")),
    _wool(7003, "greasy", "harbor-mills", (LONG_AGO_H, "miami-bay-3")),
    _wool(7004, "greasy", "harbor-mills", (LONG_AGO_H, "miami-bay-3")),
    _wool(7005, "greasy", "harbor-mills", (LONG_AGO_H, "sand-point-bay-1")),
    _wool(7006, "greasy", "harbor-mills", (LONG_AGO_H, "sand-point-bay-1")),
    _wool(7007, "greasy", "harbor-mills", (LONG_AGO_H, "miami-bay-3"), tags=()),
    # Under a humidifier that fails.
    _wool(8001, "scoured", "harbor-mills", (LONG_AGO_H, "greensboro-bay-1")),
    _wool(8002, "scoured", "harbor-mills", (LONG_AGO_H, "greensboro-bay-1")),
    # Its customer wants it at 10 °C at least; it is moved into the cold.
    _wool(8003, "scoured", "piedmont-yarns", (LONG_AGO_H, "sand-point-bay-1")),
    _wool(8004, "scoured", "piedmont-yarns",
          (LONG_AGO_H, "greensboro-bay-1"), (1.0, "greensboro-bay-2")),
    _wool(8005, "scoured", "piedmont-yarns", (LONG_AGO_H, "miami-bay-3")),
    _wool(8006, "scoured", "piedmont-yarns", (LONG_AGO_H, "miami-bay-3")),
    # Fumigated in its box, then by rail to Carolina.
    _wool(8007, "scoured", "harbor-mills",
          (LONG_AGO_H, "miami-bay-3"), (-20.0, "container-DNGU2210965"),
          (82.0, "greensboro-bay-2")),
    _wool(8008, "scoured", "harbor-mills",
          (LONG_AGO_H, "miami-bay-3"), (-20.0, "container-DNGU2210965"),
          (82.0, "greensboro-bay-2")),
    _wool(8009, "scoured", "harbor-mills", (LONG_AGO_H, "miami-bay-3"), tags=()),
    _wool(8010, "scoured", "harbor-mills", (LONG_AGO_H, "sand-point-bay-1"), tags=()),
    _wool(9001, "tops", "piedmont-yarns", (LONG_AGO_H, "miami-bay-3"), packages=8),
    _wool(9002, "tops", "piedmont-yarns", (LONG_AGO_H, "miami-bay-3"), packages=8),
    _wool(9101, "cashmere", "harbor-mills", (LONG_AGO_H, "miami-bay-3"), packages=6),
)  # fmt: skip

SHIPMENTS: Final = (
    Shipment("SH-5001", _BATTERIES, ("LB-24101", "LB-24102", "LB-24103"),
             Leg("truck", "truck-NC118", "greensboro", "miami", -1.0, 12.0)),
    Shipment("SH-5002", _BATTERIES, ("LB-24104", "LB-24105"),
             Leg("truck", "truck-NC142", "greensboro", "miami", 71.0, 84.0)),
    # It waits in the yard of the railway for days before anything moves.
    Shipment("SH-5003", _SHIELDING, ("LB-24112",),
             Leg("rail", "container-DNGU3071440", "miami", "greensboro", -10.0, 200.0,
                 rolls_h=150.0)),
    Shipment("SH-5004", "harbor-mills", ("WS-8007", "WS-8008"),
             Leg("rail", "container-DNGU2210965", "miami", "greensboro", 44.0, 80.0)),
    Shipment("SH-5005", _MARINE, ("LB-24113", "LB-24114"),
             Leg("sea", "container-DNGU5518802", "sand-point", "miami", -14 * 24.0, 52.0,
                 offline=True)),
)  # fmt: skip

HOLDS: Final = (
    Hold("fumigated", "place", "container-DNGU2210965", -20.0, 40.0, "Gas-free certificate",
         "FUM-2231"),
    Hold("seal", "shipment", "SH-5005", -14 * 24.0, 52.0, "Customs, Miami", "SEAL-88120"),
    Hold("quarantine", "lot", "WG-7003", SETTLED_H, None, "Veterinary office, Miami"),
    Hold("on_warrant", "lot", "LB-24110", LONG_AGO_H, None, "Warrant holder", "W-10492"),
)  # fmt: skip
