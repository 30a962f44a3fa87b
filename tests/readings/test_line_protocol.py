"""Line protocol is text that must say one thing only."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lots.readings.batch import Flag, TagKey, concatenate, of_tag
from lots.readings.line_protocol import LineProtocol


def test_a_line_has_tags_flags_values_and_the_stored_time() -> None:
    batch = concatenate(
        [
            of_tag(
                TagKey("ACME, Ltd", "a=1"),
                [1_763_000],
                {"air flow": [-0.5], "door": [np.nan]},
                key=[42],
                flags=[int(Flag.HUMIDITY_RANGE)],
            ),
            of_tag(TagKey("t", 'b\\"'), [-1], {"door": [1.0], "time": [2.0]}, key=[999_999]),
        ]
    )
    assert LineProtocol().text(batch).splitlines() == [
        r"readings,tag=a\=1,tenant=ACME\,\ Ltd flags=32i,doubt=1i,air\ flow=-0.5 1763000000042",
        r"readings,tag=b%5C%22,tenant=t flags=0i,doubt=0i,door=1.0,value.time=2.0 -1",
    ]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.just(np.nan), min_size=1))
def test_numbers_are_written_as_they_are(column: list[float]) -> None:
    batch = of_tag(TagKey("t", "a"), range(len(column)), {"x": column, "y": [1.5] * len(column)})
    read = [line.split()[1] for line in LineProtocol().text(batch).splitlines()]
    fields = [dict(part.split("=") for part in line.split(",")) for line in read]
    for number, found in zip(column, fields, strict=True):
        assert found["y"] == "1.5"
        assert ("x" in found) == np.isfinite(number)
        assert float(found.get("x", number)) == number or np.isnan(number)
