from __future__ import annotations

import numpy as np

from ingest.screen import screen
from lots.readings.batch import Flag, TagKey, of_tag

TAG = TagKey("acme", "tag-1")


def test_marks_what_cannot_be_and_drops_nothing() -> None:
    nan = np.nan
    batch = of_tag(
        TAG,
        range(6),
        {
            "temperature": [21.0, -60.0, 100.1, nan, -60.1, 85.0],
            "humidity": [101.5, -1.0, nan, 102.0, -1.1, 50.0],
            "pressure": [1013.0, nan, 499.9, 500.0, 1100.1, nan],
            "probe": [nan, 150.0, 20.0, 20.0, 151.0, nan],
            "battery": [-1e9] * 6,
        },
        flags=[0, 0, int(Flag.SECONDS), 0, 0, 0],
    )
    marked = screen(batch)
    assert marked.flags.tolist() == [
        0,
        0,
        Flag.SECONDS | Flag.TEMPERATURE_RANGE | Flag.PRESSURE_RANGE,
        Flag.HUMIDITY_RANGE,
        Flag.TEMPERATURE_RANGE | Flag.HUMIDITY_RANGE | Flag.PROBE_RANGE | Flag.PRESSURE_RANGE,
        0,
    ]
    assert marked.doubtful.tolist() == [False, False, True, True, True, False]
    assert batch.flags.tolist() == [0, 0, Flag.SECONDS, 0, 0, 0], "what came in is as it was"
    assert marked.values is batch.values


def test_nothing_in_nothing_out() -> None:
    assert len(screen(of_tag(TAG, [], {"temperature": []}))) == 0
