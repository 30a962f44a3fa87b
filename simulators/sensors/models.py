"""The sensors that the simulators know, by what their makers say of them.

How a figure of a data sheet becomes a spread between devices is a choice of ours, the same for all:
an accuracy called *typical* is one standard deviation, one called a *maximum* is three, and one
that is called neither is one and a half. Where a maker is silent the figure is ours, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from simulators.sensors.battery import ALKALINE_2AA, CR2477, ER18505, Battery

MAXIMUM: Final = 1.0 / 3.0
"""Of a maximum: one standard deviation."""
STATED: Final = 2.0 / 3.0
"""Of an accuracy that is called neither typical nor a maximum."""


@dataclass(frozen=True, slots=True)
class Channel:
    """How one quantity is measured, in its unit.

    The first four are standard deviations between devices, ``noise`` one between readings of the
    same device: an ``offset``, a ``gain`` per unit away from ``reference``, a ``slope`` per K away
    from 25 °C, a ``drift`` per year. ``steps`` are the values that a unit is told in (10: tenths);
    what is told lies within ``low`` … ``high``.
    """

    offset: float
    noise: float
    steps: float
    low: float
    high: float
    gain: float = 0.0
    reference: float = 0.0
    slope: float = 0.0
    drift: float = 0.0


@dataclass(frozen=True, slots=True)
class Power:
    """What a device uses: mJ for a measurement, mJ for a message, µW for doing nothing; and how
    many K its sensor is warmed by each W."""

    measure_mj: float
    report_mj: float
    idle_uw: float
    k_per_w: float

    def mean_w(self, sample_s: float, report_s: float) -> float:
        """W on average, measuring each ``sample_s`` and sending each ``report_s``."""
        return (self.measure_mj / sample_s + self.report_mj / report_s) / 1e3 + self.idle_uw / 1e6


@dataclass(frozen=True, slots=True)
class SensorModel:
    """A device as it is sold. ``lag_s``, ``vapour_lag_s``, ``probe_lag_s``: time constants of its
    temperature behind the air, of the vapour in its housing, of its probe behind what it touches.
    ``memory``: readings that it keeps while nobody hears it."""

    key: str
    name: str
    source: str
    temperature: Channel
    humidity: Channel
    lag_s: float
    vapour_lag_s: float
    power: Power
    battery: Battery
    memory: int
    pressure: Channel | None = None
    probe: Channel | None = None
    probe_lag_s: float = 0.0


def _sht4x(kelvin: float, percent: float) -> tuple[Channel, Channel]:
    """SHT4x data sheet: drift < 0.03 K and < 0.2 %RH a year (< 0.25 in version 1, which is used);
    repeatability (3 σ) 0.04 K, 0.08 %RH; 63 % of a step in seconds. The tolerance of humidity grows
    by about 0.6 %RH over the 55 K from 25 to 80 °C."""
    return (
        Channel(kelvin, 0.04 * MAXIMUM, 100, -40.0, 125.0, drift=0.03),
        Channel(percent, 0.08 * MAXIMUM, 100, 0.0, 100.0,
                gain=0.01, reference=50.0, slope=0.01, drift=0.25),
    )  # fmt: skip


_SHT4X: Final = "Sensirion, SHT4x data sheet, version 6 (2023), tables 1 to 3"
_SHT40: Final = _sht4x(0.2, 1.8)
_SHT45: Final = _sht4x(0.1, 1.0)

_NODE: Final = Power(measure_mj=0.2, report_mj=120.0, idle_uw=30.0, k_per_w=80.0)
"""Of an ESP32 class node on WLAN or of LoRaWAN at SF9, awake for a message: choices of ours."""

_DS18B20: Final = Channel(0.5 * MAXIMUM, 0.03, 16, -55.0, 125.0, drift=0.05)
"""Maxim, DS18B20 data sheet (REV 042208), DC electrical characteristics: ±0.5 °C at most from -10
to 85 °C, ±2 °C beyond; 12 bits = 1/16 °C in 750 ms at 1 mA; drift ±0.2 °C in a stress test of
1 000 h at 125 °C (note 11), of which a quarter a year at room temperature is our reading."""

MODELS: Final[Mapping[str, SensorModel]] = MappingProxyType(
    {
        model.key: model
        for model in (
            SensorModel(
                "sht40", "Node with SHT40", _SHT4X, *_SHT40,
                # The sensor answers in seconds; a vented housing of 60 g does not. Ours.
                lag_s=240.0, vapour_lag_s=60.0, power=_NODE, battery=ALKALINE_2AA, memory=20_000,
            ),
            SensorModel(
                "sht45", "Node with SHT45", _SHT4X, *_SHT45,
                lag_s=240.0, vapour_lag_s=60.0, power=_NODE, battery=ALKALINE_2AA, memory=20_000,
            ),
            SensorModel(
                "em300_th", "LoRaWAN logger like Milesight's EM300-TH",
                "Milesight, EM300 series data sheet: ±0.3 °C (0 to 70 °C), ±3 %RH (10 to 90 %RH),"
                " told in 0.1 °C and 0.5 %RH, 4 000 mAh",
                Channel(0.3 * STATED, 0.03, 10, -30.0, 70.0, drift=0.03),
                Channel(3.0 * STATED, 0.1, 2, 0.0, 100.0,
                        gain=0.03, reference=50.0, slope=0.02, drift=0.25),
                # A sealed IP67 housing with a membrane: slow in both. Ours.
                lag_s=900.0, vapour_lag_s=300.0,
                power=Power(measure_mj=0.5, report_mj=200.0, idle_uw=40.0, k_per_w=30.0),
                battery=ER18505, memory=3_000,
            ),
            SensorModel(
                "ruuvitag", "RuuviTag",
                "Bosch, BME280 data sheet BST-BME280-DS002 1.6, tables 2 to 4: ±0.5 °C at 25 °C and"
                " ±1.0 °C from 0 to 65; ±3 %RH (20 to 80 %RH, with hysteresis), 0.02 %RH noise,"
                " 0.5 %RH a year; ±1 hPa, ±1 hPa a year; Ruuvi, data format 5: 0.005 °C,"
                " 0.0025 %RH, 1 Pa",
                Channel(0.5 * STATED, 0.01, 200, -40.0, 85.0, slope=0.01, drift=0.05),
                Channel(3.0 * STATED, 0.02, 400, 0.0, 100.0,
                        gain=0.03, reference=50.0, slope=0.02, drift=0.5),
                lag_s=420.0, vapour_lag_s=120.0,  # of its closed case; ours
                power=Power(measure_mj=0.03, report_mj=0.06, idle_uw=10.0, k_per_w=150.0),
                battery=CR2477, memory=0,
                pressure=Channel(1.0 * STATED, 0.01, 100, 300.0, 1100.0, drift=1.0),
            ),
            SensorModel(
                "dht22", "Cheap node with DHT22",
                "Aosong, AM2302 (DHT22) data sheet: < ±0.5 °C, ±2 %RH (5 at most), repeatability"
                " 0.2 °C and 1 %RH, told in tenths, ±0.5 %RH a year",
                Channel(0.5 * STATED, 0.2 * MAXIMUM, 10, -40.0, 80.0, drift=0.1),
                Channel(2.0, 1.0 * MAXIMUM, 10, 0.0, 99.9,
                        gain=0.03, reference=50.0, slope=0.04, drift=0.5),
                # In the box of its own electronics, which keep it warm. Ours.
                lag_s=300.0, vapour_lag_s=120.0,
                power=Power(measure_mj=15.0, report_mj=400.0, idle_uw=2_000.0, k_per_w=120.0),
                battery=ALKALINE_2AA, memory=0,
            ),
            SensorModel(
                "ds18b20", "Node with SHT40 and a DS18B20 on a cable",
                f"{_SHT4X}; Maxim, DS18B20 data sheet", *_SHT40,
                lag_s=240.0, vapour_lag_s=60.0,
                power=Power(measure_mj=3.5, report_mj=120.0, idle_uw=30.0, k_per_w=80.0),
                battery=ER18505, memory=3_000,
                probe=_DS18B20, probe_lag_s=60.0,  # a steel sleeve pressed on metal; ours
            ),
            SensorModel(
                "ux100", "Logger like Onset's HOBO UX100-023",
                "Onset, HOBO UX100-023 manual 16212-H: ±0.21 °C (0 to 50 °C), 0.024 °C, < 0.1 °C a"
                " year, 6 min in air moving 1 m/s; ±2.5 %RH typical and 3.5 at most (10 to"
                " 90 %RH), 0.05 %RH, < 1 %RH a year, 5 min to 90 %",
                Channel(0.21 * STATED, 0.01, 42, -20.0, 70.0, drift=0.1),
                Channel(3.5 * MAXIMUM, 0.05, 20, 1.0, 100.0,
                        gain=0.02, reference=50.0, slope=0.02, drift=1.0),
                # In a pocket of a box no air moves: twice the maker's. Ours.
                lag_s=720.0, vapour_lag_s=260.0,
                power=Power(measure_mj=0.5, report_mj=0.0, idle_uw=15.0, k_per_w=30.0),
                battery=ALKALINE_2AA, memory=84_000,
            ),
        )
    }
)  # fmt: skip
"""The catalogue: key -> model."""
