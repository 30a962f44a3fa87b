"""Line protocol must say one thing only, and the same always."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lots.readings import line_protocol
from lots.readings.batch import DOUBT, Flag, ReadingBatch, TagKey, concatenate, empty, of_tag
from lots.readings.influx_names import field_name, stored_name
from lots.readings.line_protocol import LineProtocol
from lots.readings.stored import LIMIT_MS

Point = tuple[str, str, str, dict[str, bytes], int]

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    ["a=1", "ACME, Ltd", 'b\\"', "x\ny", "羊毛", "time", "tag", "_x", "value.", "100 %"]
)
NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**16), 10**16).map(float)
    | st.integers(-(10**6), 10**6).map(lambda cents: cents / 100)
    | st.builds(
        lambda whole, place: whole / 10.0**place, st.integers(0, 10**16), st.integers(0, 20)
    )
    | st.floats(width=32, allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.0, -0.0, 0.1 + 0.2, 1e22, 1e-7, 5e-324, 1e15, 1e15 - 0.5, 2.0**53])
)


@st.composite
def batches(draw: st.DrawFn) -> ReadingBatch:
    """Readings of several tags, between each other; some have not every quantity, or none."""
    tags = tuple(draw(st.lists(st.builds(TagKey, NAMES, NAMES), min_size=1, unique=True)))
    n = draw(st.integers(0, 12))

    def column(of: st.SearchStrategy[Any], kind: type) -> Any:
        return np.array(draw(st.lists(of, min_size=n, max_size=n)), kind)

    whole = of_tag(
        tags[0],
        column(st.integers(-LIMIT_MS, LIMIT_MS), np.int64),
        {
            name: column(NUMBERS | st.just(math.nan), np.float64)
            for name in draw(st.lists(NAMES, max_size=5, unique=True))
        },
        key=column(st.integers(0, 999_999), np.int64),
        flags=column(st.integers(0, 511), np.int64),
    )
    return replace(whole, tags=tags, tag=column(st.integers(0, len(tags) - 1), np.int64))


def said(batch: ReadingBatch) -> list[Point]:
    """What the lines of ``batch`` must say, a reading at a time."""
    points = []
    for row in range(len(batch)):
        tag = batch.tags[batch.tag[row]]
        flags = int(batch.flags[row])
        fields = {"flags": b"%di" % flags, "doubt": b"%di" % bool(flags & DOUBT)}
        for quantity, column in batch.values.items():
            if not math.isnan(column[row]):
                fields[field_name(quantity)] = bits(float(column[row]))
        at = int(batch.time[row]) * 1_000_000 + int(batch.key[row])
        points.append(("readings", stored_name(tag.tag), stored_name(tag.tenant), fields, at))
    return points


def read(lines: bytes) -> list[Point]:
    """What InfluxDB makes of ``lines``; no name has a backslash, so each is an escape."""
    points = []
    for line in lines.decode().splitlines(keepends=True):
        assert line.endswith("\n")
        series, fields, at = re.split(r"(?<!\\) ", line)
        measurement, *tags = re.split(r"(?<!\\),", series)
        (one, tag), (other, tenant) = (re.split(r"(?<!\\)=", each) for each in tags)
        assert (one, other) == ("tag", "tenant")
        pairs = [re.split(r"(?<!\\)=", each) for each in re.split(r"(?<!\\),", fields)]
        values = {unescaped(name): number(text) for name, text in pairs}
        assert len(values) == len(pairs)
        points.append((measurement, unescaped(tag), unescaped(tenant), values, int(at)))
    return points


def unescaped(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def number(text: str) -> bytes:
    return text.encode() if text.endswith("i") else bits(float(text))


def bits(value: float) -> bytes:
    """Minus zero is not zero, as a number."""
    return struct.pack("<d", value)


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
    assert LineProtocol().lines(batch).decode().splitlines() == [
        r"readings,tag=a\=1,tenant=ACME\,\ Ltd flags=32i,doubt=1i,air\ flow=-0.5 1763000000042",
        r"readings,tag=b%5C%22,tenant=t flags=0i,doubt=0i,door=1.0,value.time=2.0 -1",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, b"0.0"),
        (-0.0, b"-0.0"),
        (21.4, b"21.4"),
        (-0.05, b"-0.05"),
        (1013.25, b"1013.25"),
        (1e14, b"100000000000000.0"),
        (999_999_999_999_999.0, b"999999999999999.0"),
        (1e-15, b"0.000000000000001"),
        (0.1 + 0.2, b"0.30000000000000004"),
        (1e22, b"1e22"),
        (-2.2250738585072014e-308, b"-2.2250738585072014e-308"),
    ],
)
def test_a_number_is_as_short_as_can_be(value: float, text: bytes) -> None:
    batch = of_tag(TagKey("t", "a"), [0], {"x": [value]})
    assert LineProtocol().lines(batch).split(b"x=")[1] == text + b" 0\n"


@given(batches())
@example(empty())
@example(of_tag(TagKey("t", "a"), [0, 1], {}))
def test_lines_say_what_the_readings_are_in_their_order(batch: ReadingBatch) -> None:
    assert read(LineProtocol().lines(batch)) == said(batch)


@given(st.lists(NUMBERS, min_size=1, max_size=50))
def test_numbers_are_written_as_they_are(column: list[float]) -> None:
    batch = of_tag(TagKey("t", "a"), range(len(column)), {"x": column})
    found = [fields["x"] for *_, fields, _ in read(LineProtocol().lines(batch))]
    assert found == [bits(value) for value in column]


@given(batches())
def test_a_reading_has_the_same_line_in_any_batch(batch: ReadingBatch) -> None:
    """Or one that is delivered again could be another point."""
    protocol = LineProtocol()
    alone = [protocol.lines(batch.take(slice(row, row + 1))) for row in range(len(batch))]
    assert b"".join(alone) == protocol.lines(batch)


def test_names_are_told_apart_when_the_memory_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_protocol, "MAX_SERIES", 2)
    protocol = LineProtocol()
    batch = concatenate([of_tag(TagKey("t", f"a{n}"), [n], {"x": [n]}) for n in range(5)])
    assert [tag for _, tag, *_ in read(protocol.lines(batch))] == [f"a{n}" for n in range(5)]


def test_nothing_is_compiled_any_more_once_there_is_one() -> None:
    """Or readings would wait for it: whatever the columns of a batch are in memory."""
    protocol = LineProtocol()
    whole = np.arange(12).reshape(4, 3)
    for index in (slice(None), slice(0, 1), slice(None, None, 2), slice(0, 0)):
        real = whole.astype(np.float32)
        batch = of_tag(TagKey("t", "a"), whole[:, 0], {"x": real[:, 1], "y": whole[:, 2] * 0.1})
        protocol.lines(replace(batch, tag=np.zeros(8, np.int32)[::2]).take(index))
    signatures = {name: vars(line_protocol)[name].signatures for name in ("_places", "_write")}
    assert {name: len(found) for name, found in signatures.items()} == {"_places": 1, "_write": 1}
