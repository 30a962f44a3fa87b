"""Words of a lot's state that mostly say what another word before them says.

What the air last was is the lot's own, what its vapour was known by, and where its tag was last;
hours that began together go on together. Who packs states keeps such a word once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lots.readings.batch import Ints
from rules.attending import WATCH
from rules.state import STATE, States

OF_LOTS: Final = {
    "vapour_temperature": "temperature",
    "vapour_humidity": "humidity",
    "dry_hours": "surface_hours",
    "air_before": "temperature",
    "metal": "surface",
    "metal_hours": "surface_hours",
    "film_dry_hours": "surface_hours",
    "regain_hours": "surface_hours",
    "mould_dry_hours": "surface_hours",
    "mould_pace": "mould",
    "mould_brake": "mould",
    "heating_air": "temperature",
}
"""Fields of `STATE`, each after the one that it is like. All others are times, or like nothing: to
them that is the first word, the time of the newest sample."""
OF_MEMORY: Final = "surface_hours"
"""A sum of hours, if it is of what was always so."""
OF_WATCHES: Final = ("temperature", "humidity")
"""The last reading of a tag, by its quantity."""


def alike(states: States) -> Ints:
    """(words,) for each word of a lot's state, which one before it is like it."""
    return np.concatenate([np.asarray(list(each), np.int64) for each in _columns(states)])


def _columns(states: States) -> Iterator[Iterator[int]]:
    yield (_place(OF_LOTS.get(name, "newest")) for name in _words(STATE))
    for column in (states.pending, states.opened):
        yield (0 for _ in range(column.shape[1]))
    yield (_place(OF_MEMORY) for _ in range(states.memory.shape[1]))
    yield (0 for _ in range(states.tags.shape[1]))
    yield (
        _place(OF_WATCHES[watch % len(OF_WATCHES)] if name == "level" else "newest")
        for watch in range(states.watches.shape[1])
        for name in _words(WATCH)
    )


def _words(kind: np.dtype[np.void]) -> Iterator[str]:
    """The name of the field that each word belongs to."""
    for name in kind.names or ():
        for _ in range(kind[name].itemsize // 8):
            yield name


def _place(name: str) -> int:
    """Where the field of `STATE` stands."""
    return list(_words(STATE)).index(name)
