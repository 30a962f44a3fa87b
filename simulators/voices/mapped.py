"""Somebody else's JSON: the device of docs/formats/mapped.md, whose row of the settings is there.

``{"at": 1763766000, "bat": 2980, "door": "closed", "data": {"co2": 412, "sensors": [{"temp":
70.52, "rh": 0.632}]}}``: °F, a fraction, mV, words, and seconds.
"""

from __future__ import annotations

import json
from typing import Any

from simulators.message import Message
from simulators.readings import Readings
from simulators.voices.voice import Carried, Plain, Speaker, Times, Told, Voice

_FAHRENHEIT = Carried(100)
"""What it measures in: hundredths of a °F."""

CARRIES = {
    # a step of 0.01 °F is 1/180 °C
    "temperature": Carried(180),
    "humidity": Carried(10),
    "battery": Carried(1000),
    "door": Carried(1, 0, 1),
    "co2": Carried(1),
}


def state(values: dict[str, float], t: int) -> dict[str, Any]:
    """What the device says of ``values`` (°C, %RH, V), measured at ``t`` ms."""
    sensor: dict[str, float] = {}
    if "temperature" in values:
        sensor["temp"] = _FAHRENHEIT.said(values["temperature"] * 1.8 + 32.0)
    if "humidity" in values:
        sensor["rh"] = CARRIES["humidity"].count(values["humidity"]) / 1000
    data: dict[str, Any] = {"sensors": [sensor]}
    if "co2" in values:
        data["co2"] = CARRIES["co2"].count(values["co2"])
    said: dict[str, Any] = {"at": t // 1000, "data": data}
    if "battery" in values:
        said["bat"] = CARRIES["battery"].count(values["battery"])
    if "door" in values:
        said["door"] = "open" if CARRIES["door"].count(values["door"]) else "closed"
    return said


def _open(tenant: str) -> Speaker:
    def say(readings: Readings, at: int) -> list[Message]:
        messages = []
        for row, t in enumerate(readings.t.tolist()):
            values = readings.measured(row)
            if values.keys() & CARRIES.keys():
                payload = json.dumps(state(values, t), separators=(",", ":")).encode()
                messages.append(Message(f"{tenant}/{readings.tag}/state", payload, 1, at))
        return messages

    return Plain(say)


def _row(tenant: str) -> dict[str, Any]:
    return {
        "filter": f"{tenant}/+/state",
        "format": "mapped",
        "tenant": tenant,
        "options": {
            "topic": f"{tenant}/{{tag}}/state",
            "time": "at",
            "quantities": {
                "temperature": {"path": "data.sensors[0].temp", "unit": "°F"},
                "humidity": {"path": "data.sensors[0].rh", "unit": "0..1"},
                "battery": {"path": "bat", "unit": "mV"},
                "door": {"path": "door", "values": {"open": 1, "closed": 0}},
                "co2": "data.co2",
            },
        },
    }


VOICE = Voice(
    name="mapped",
    about="somebody else's JSON, taken by paths in the settings",
    carries=CARRIES,
    others=None,
    per_message=1,
    told=Told.VALUES,
    times=Times.DEVICE,
    time_step=1000,
    row=_row,
    open=_open,
)
