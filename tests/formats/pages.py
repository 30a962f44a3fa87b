"""The samples of a page in ``docs/formats``, each with the row of the settings before it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ingest.formats import Decoded, Memory, Route, decode, route
from ingest.message import Message
from lots.clock import DAY_MS
from lots.settings import Subscription

NOW = 1_763_766_060_000
"""When the samples come: a minute after 2025-11-21T23:00Z, which most of them are of."""

KEEP = 400 * DAY_MS
PAGES = Path(__file__).resolve().parents[2] / "docs" / "formats"
_BLOCK = re.compile(r"^```(toml|json|hex)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Sample(NamedTuple):
    route: Route
    topic: str
    payload: bytes


def samples(page: str) -> Iterator[Sample]:
    row = None
    for kind, topic, text in _BLOCK.findall((PAGES / page).read_text(encoding="utf-8")):
        if kind == "toml":
            (found,) = tomllib.loads(text)["subscriptions"]
            row = route(Subscription(**found), KEEP)
        elif topic:
            assert row is not None, f"{page}: a row of the settings comes before its samples"
            yield Sample(row, topic, bytes.fromhex(text) if kind == "hex" else text.encode())


def told(page: str) -> list[Decoded]:
    """What each sample of a page says, one after the other."""
    memory = Memory()
    return [
        decode([Message(NOW, each.topic, each.payload)], [each.route], memory)
        for each in samples(page)
    ]
