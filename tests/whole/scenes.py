"""Goods, tags and weather for the tests of the whole."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from tests.whole.house import HOUR, House

STEP = HOUR // 6


def hours_ago(hours: float) -> int:
    """ms, on the full ten minutes."""
    return (int(time.time() * 1000) - round(hours * HOUR)) // STEP * STEP


def iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")


def cold_then_warm(begins: int, ends: int, warm_from: int) -> list[dict[str, Any]]:
    """A reading each ten minutes: 2 °C and dry, then 24 °C and damp: cold lead sweats in it."""
    readings = []
    for seq, at in enumerate(range(begins, ends, STEP)):
        warm = at >= warm_from
        wave = (seq * 7 % 11 - 5) / 50  # sensors are never quite still
        air = {"temperature": (24.0 if warm else 2.0) + wave, "humidity": 70.0 if warm else 55.0}
        readings.append({"boot": 1, "seq": seq, "t": at, **air})
    return readings


def in_hours(readings: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """As tags send them: six at a time."""
    return [readings[i : i + 6] for i in range(0, len(readings), 6)]


def furnish(
    house: House, *, places: tuple[str, ...] = ("bay-1", "bay-2", "bay-3", "bay-4")
) -> None:
    """A site with places, and a customer with limits of their own."""
    position = {"latitude": 25.8, "longitude": -80.3, "timezone": "America/New_York"}
    house.put("sites", id="MIA", name="Miami", region="coastal_humid", **position)
    for place in places:
        house.put("places", id=place, site="MIA", kind="bay", name=f"Bay {place}")


def lead(house: House, lot: str, **fields: Any) -> None:
    common = {"commodity": "lead", "form": "ingot", "net_mass_kg": 1000, "packaging": "strapped"}
    house.put("lots", **({"id": lot} | common | fields))


def bound(house: House, tag: str, begins: int, ends: int | None = None, **to: Any) -> None:
    """Register ``tag`` and bind it to a lot or a place."""
    house.put("tags", id=tag, interval_s=600)
    span = {"begins": iso(begins), "ends": None if ends is None else iso(ends)}
    house.put("bindings", id=f"{tag}-{begins}", tag=tag, **span, **to)
