"""Dunnage's own JSON (docs/wire.md): one object, or an array of them where several leave together.

Where a device tells what its clock says as they leave, each reading has it as ``sent``; where it
keeps its readings until the server has answered (``Readings.first``), the last of a message asks.
"""

from __future__ import annotations

import json
from typing import Any

from simulators.message import Message
from simulators.readings import Readings
from simulators.voices.voice import Carried, Plain, Speaker, Times, Told, Voice, as_said

PER_MESSAGE = 60
"""An hour of minutes (a choice of ours; the server takes 10 000)."""

CARRIES = {
    "temperature": Carried(100),
    "humidity": Carried(100),
    "pressure": Carried(100),
    "probe": Carried(100),
    "battery": Carried(1000),
    "shock": Carried(100),
    "tilt": Carried(10),
    "light": Carried(1),
    "door": Carried(1, 0, 1),
    "lat": Carried(1_000_000, -90, 90),
    "lon": Carried(1_000_000, -180, 180),
}
OTHERS = Carried(1000)


def objects(readings: Readings) -> list[dict[str, Any]]:
    """Each reading as the wire has it; those of which nothing was measured are left out."""
    said = as_said(readings, CARRIES, OTHERS)
    sent = {} if readings.sent is None else {"sent": readings.sent}
    counters = zip(said.boot.tolist(), said.seq.tolist(), said.t.tolist(), strict=True)
    return [
        {"boot": boot, "seq": seq, "t": t, **sent, **said.measured(row)}
        for row, (boot, seq, t) in enumerate(counters)
    ]


def _open(tenant: str) -> Speaker:
    def say(readings: Readings, at: int) -> list[Message]:
        topic = f"dunnage/v1/{tenant}/{readings.tag}/readings"
        rows = objects(readings)
        messages = []
        for begin in range(0, len(rows), PER_MESSAGE):
            part = rows[begin : begin + PER_MESSAGE]
            if readings.first is not None:
                part[-1] |= {"ack": True, "first": readings.first}
            content: Any = part if len(part) > 1 else part[0]
            payload = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
            messages.append(Message(topic, payload, len(part), at))
        return messages

    return Plain(say)


def _row(tenant: str) -> dict[str, Any]:
    return {"filter": f"dunnage/v1/{tenant}/+/readings", "format": "native"}


VOICE = Voice(
    name="native",
    about="Dunnage's own JSON: objects, or arrays of what leaves together",
    carries=CARRIES,
    others=OTHERS,
    per_message=PER_MESSAGE,
    told=Told.COUNTERS,
    times=Times.DEVICE,
    time_step=1,
    row=_row,
    open=_open,
)
