"""Messages as tags send them."""

from __future__ import annotations

import json
import math
from typing import Any

from ingest.message import Message

NOW = 1_795_348_800_000
"""When they come, ms."""

MINUTE = 60_000


def reading(seq: int, t: int) -> dict[str, Any]:
    """The sample of DESIGN's wire: seven fields, four of them measured."""
    day = math.sin(t / 86_400_000 * math.tau)
    return {
        "boot": 17,
        "seq": seq,
        "t": t,
        "temperature": round(12 + 6 * day, 2),
        "humidity": round(70 - 15 * day, 2),
        "pressure": 1008.2,
        "battery": 2.98,
    }


def topic(tag: int, tenant: str = "bench") -> str:
    return f"dunnage/v1/{tenant}/tag-{tag}/readings"


def singles(count: int) -> list[Message]:
    """One reading each, of as many tags."""
    return [
        Message(NOW, topic(tag), json.dumps(reading(4021, NOW - tag)).encode())
        for tag in range(count)
    ]


def arrays(count: int, length: int) -> list[Message]:
    """``length`` readings each, a minute apart."""
    return [
        Message(
            NOW,
            topic(tag),
            json.dumps([reading(n, NOW - (length - n) * MINUTE) for n in range(length)]).encode(),
        )
        for tag in range(count)
    ]
