"""Netvox: version, device type, report type, then eight bytes that these two explain.

The encoding is that of the "Netvox LoRaWAN Application Command" document, with the models as the
vendor lists them in the LoRaWAN device repository (TheThingsNetwork/lorawan-devices,
vendor/netvox), big endian: reports on FPort 6, those of the R900 series on FPort 22 with a device
type of two bytes; the first byte behind is the battery in 0.1 V, its highest bit a warning. A few
reports have none.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.formats.devices.payload import (
    ALL_16,
    ALL_32,
    NO_16,
    SKIPPED,
    Content,
    Field,
    Layout,
    Measured,
)

REPORT, LONG_REPORT = 6, 22
_ANSWERS = (7, 14, 23)  # to a configuration or a calibration

_T100 = Field("temperature", 100, NO_16)
_H100 = Field("humidity", 100, ALL_16)
_T10 = Field("temperature", 10, NO_16)
_NONE = (0xFFFF, -1)  # the devices with sensors to plug in send all ones for one that is missing
_PLUGGED = Field("temperature", 100, (*NO_16, *_NONE))
_CORE = Field("probe", 100, (*NO_16, *_NONE))


def _models() -> Mapping[tuple[int, int], Layout]:
    """(device type, report type) -> what stands behind the battery."""
    air = Layout(">hH", _T100, _H100)
    one = Layout(">h", _T10)
    two = Layout(">hh", _T10, Field("temperature_2", 10, NO_16))
    more = Layout(">hh", Field("temperature_3", 10, NO_16), Field("temperature_4", 10, NO_16))
    found: dict[tuple[int, int], Layout] = {}
    # R711 and R712, R718A, R718AB, R720A
    found |= dict.fromkeys(((each, 1) for each in (0x01, 0x0B, 0x13, 0x6E)), air)
    # R718AD, R720D, R711A
    found |= dict.fromkeys(((each, 1) for each in (0x9C, 0x9D, 0xBC)), Layout(">h", _T100))
    # R718CJ, CK, CT, CR (or CN), CE, R718B
    found |= dict.fromkeys(((each, 1) for each in range(0x90, 0x96)), one)
    # R718B2, CJ2, CK2, CT2, CN2, CE2, and the same as R730
    two_channels = (*range(0x14, 0x1A), *range(0x78, 0x7D))
    found |= dict.fromkeys(((each, 1) for each in two_channels), two)
    # R718CJ4, CK4, CT4, CN4, CE4
    found |= dict.fromkeys(((each, 1) for each in range(0x38, 0x3D)), two)
    found |= dict.fromkeys(((each, 2) for each in range(0x38, 0x3D)), more)
    # RA0716, R72616, R72716, R72616A
    dust = Layout(">hHH", _T100, _H100, Field("pm2_5", 1, ALL_16))
    found |= dict.fromkeys(((each, 1) for each in (0x35, 0x36, 0x37, 0x6A)), dust)
    # RA07, R726, RA07..Y, R718PA, R718PB: a sensor hub with one report a sensor
    hub = Layout(
        ">hHH",
        _PLUGGED,
        _H100,
        Field("wind_speed", 100, ALL_16),
    )
    wind = Layout(">HI", Field("wind_direction", 1, ALL_16), Field("pressure", 100, ALL_32))
    dusts = Layout(
        ">HHH", Field("pm1_0", 1, ALL_16), Field("pm2_5", 1, ALL_16), Field("pm10", 1, ALL_16)
    )
    gases = Layout(">HHH", Field("co2", 10, ALL_16), Field("nh3", 10, ALL_16), SKIPPED)
    beside = Layout(">2xh", _CORE)  # of water beside pH or NTU, of soil beside its moisture
    for each in (0x05, 0x09, 0x0D, 0x57, 0x58):
        # what they report of dust by size, of other gases and of soil's nutrients is passed over
        found |= dict.fromkeys(((each, report) for report in range(3, 18)), Layout(""))
        found |= dict.fromkeys(((each, report) for report in (8, 9, 10, 16)), beside)
        found[each, 11] = Layout(">h", _CORE)  # of water, with its oxygen
        found[each, 1] = found[each, 2] = dusts
        found[each, 7], found[each, 12], found[each, 13] = gases, hub, wind
    found[0x03, 1] = Layout(">hHB", _T100, Field("light", 1, ALL_16), Field("occupancy"))  # RB11E
    found[0x1E, 1] = Layout(">I", Field("light"))  # R718G
    found[0x34, 1] = Layout(">BHh", SKIPPED, Field("distance", 1, ALL_16), _T10)  # R718X
    found[0x70, 1] = Layout(">Ih", Field("pressure", 100), _T100)  # R720C
    found[0xA5, 1] = Layout(">HhH", Field("tvoc", 1, ALL_16), _T100, _H100)  # R720E
    found[0xAC, 1] = Layout(">hh", Field("pressure_difference", 10), _T10)  # R718Y, Pa
    # R718UBB: T, RH, CO2, shock; pressure and light
    found[0xBB, 1] = Layout(">hHH", _PLUGGED, _H100, Field("co2", 1, ALL_16))
    found[0xBB, 2] = Layout(">I", Field("pressure", 100, ALL_32))
    found[0x9A, 1] = Layout(">3xh", _T10)  # R718EA: three angles, T
    found[0x0A, 1] = Layout(">2xh", _T10)  # RA02A: smoke, heat, T
    found[0x9B, 1] = Layout(">2xh", Field("temperature", 1, NO_16))  # R718PA22: depth, T
    # R718E: accelerations, R718EB: angles, RA02C: gas
    found |= dict.fromkeys(((0x1C, 1), (0x1C, 3), (0x1C, 4), (0xC8, 1), (0x11, 1)), Layout(""))
    # R900A01, R900A01O1; R900A02, R900A02O1
    found |= dict.fromkeys(((0x0109, 1), (0x0111, 1)), air)
    found |= dict.fromkeys(((0x010A, 1), (0x0112, 1)), Layout(">h", _T100))
    soil = Layout(">Hh", Field("soil_moisture", 100, ALL_16), _CORE)
    found |= dict.fromkeys(((0x0107, 1), (0x010F, 1)), soil)  # R900PB02, R900PB02O1
    return found


_MODELS = _models()
_WATER = Layout(">2xh2xh", _CORE, Field("probe_2", 100, (*NO_16, *_NONE)))
_BARE: Mapping[tuple[int, int], Layout] = {
    (0x1C, 2): Layout(">6xh", _T10),  # R718E: three velocities, T
    # R900PD01, R900PD01O1: pH, NTU, each with a T
    (0x0106, 1): _WATER,
    (0x010E, 1): _WATER,
}
"""Those without a battery."""


def decode(port: int | None, data: bytes, _model: str) -> Content:
    """What ``data`` says."""
    if port in _ANSWERS:
        return Content([], [])
    wide = port == LONG_REPORT
    head = 4 if wide else 3
    if len(data) < head + 1:
        return Content([], [f"{data.hex()} is too short for a report: {head + 1} bytes at least"])
    kind = int.from_bytes(data[1 : head - 1], "big")
    report = data[head - 1]
    if report == 0:  # versions, after a start
        return Content([], [])
    bare = _BARE.get((kind, report))
    layout = bare or _MODELS.get((kind, report))
    if layout is None:
        return Content([], [f"device type 0x{kind:02x} with report type {report} is not known"])
    if data[0] not in (1, 2, 3):
        return Content([], [f"version {data[0]} of the application command is not known"])
    start = head if bare else head + 1
    if len(data) < start + layout.size:
        return Content(
            [], [f"it ends in the middle: a report of device type 0x{kind:02x} is longer"]
        )
    values = layout.read(data, start)
    battery = 0 if bare else (data[head] & 0x7F) / 10
    if battery:
        values["battery"] = battery
    return Content([Measured(values)] if values else [], [])
