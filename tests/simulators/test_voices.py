"""Every voice, heard by the server's own format: what was measured is what is understood."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats import Decoded, Memory, decode, route
from ingest.message import Message as Heard
from lots.clock import DAY_MS
from lots.settings import Subscription
from simulators.message import Message
from simulators.readings import Readings, Sightings
from simulators.voices import READERS, VOICES, Carried, Times, Voice, as_toml
from simulators.voices.voice import LIVE_MS

NOW = 1_795_348_800_123
KEEP = 400 * DAY_MS
TENANT = "acme"
NOT_MEASURED = math.nan

RANGES = {
    "temperature": (-45.0, 90.0),
    "humidity": (-1.0, 101.0),
    "pressure": (520.0, 1090.0),
    "probe": (-60.0, 130.0),
    "battery": (1.0, 4.0),
    "battery_pct": (6.0, 100.0),  # what a decoder calls battery and is less may be volts
    "shock": (0.0, 16.0),
    "tilt": (0.0, 180.0),
    "light": (0.0, 80_000.0),
    "door": (0.0, 1.0),
    "lat": (-90.0, 90.0),
    "lon": (-180.0, 180.0),
    "co2": (400.0, 5000.0),
    "acceleration_x": (-2.0, 2.0),
    "acceleration_y": (-2.0, 2.0),
    "acceleration_z": (-2.0, 2.0),
    "movements": (0.0, 254.0),
}
"""What sensors may say; a little more than most of these devices can."""

TAGS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/+#"),
    min_size=1,
    max_size=20,
)


@st.composite
def spoken(draw: st.DrawFn, voice: Voice) -> Readings:
    """Readings of which each has a value that the voice can carry, the oldest first."""
    count = draw(st.integers(1, 9))
    quantities = [*voice.carries, *(["co2"] if voice.others else [])]
    values = {
        name: np.array(
            draw(
                st.lists(
                    st.one_of(st.just(NOT_MEASURED), st.floats(*RANGES[name], width=32)),
                    min_size=count,
                    max_size=count,
                )
            )
        )
        for name in draw(st.lists(st.sampled_from(quantities), unique=True))
    }
    # what each of them tells of earlier readings too
    first = next(iter(voice.carries))
    values[first] = np.array(
        draw(st.lists(st.floats(*RANGES[first], width=32), min_size=count, max_size=count))
    )
    steps = draw(st.lists(st.integers(2_000, 200_000_000), min_size=count, max_size=count))
    latest = draw(st.integers(0, 2 * LIVE_MS))
    ages = latest + np.cumsum([0, *steps[1:]])[::-1]
    return Readings(
        tag=draw(TAGS),
        boot=np.sort(draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))),
        seq=np.arange(count) + draw(st.integers(0, 70_000)),
        t=NOW - ages.astype(np.int64),
        values=values,
        sent=draw(st.sampled_from([None, NOW])),
        first=draw(st.sampled_from([None, 0])),
    )


def heard(voice: Voice, messages: list[Message], received: int = NOW + 2_000) -> Decoded:
    """What the server makes of ``messages``, by the row that the voice names."""
    routes = [route(Subscription(**voice.row(TENANT)), KEEP)]
    coming = [Heard(received + place, m.topic, m.payload) for place, m in enumerate(messages)]
    return decode(coming, routes, Memory())


def said(voice: Voice, readings: Readings) -> list[Message]:
    speaker = voice.open(TENANT)
    return speaker.opening(NOW) + speaker.say(readings, NOW)


def rows(decoded: Decoded) -> list[tuple[int, dict[str, float]]]:
    """Time and values of each reading, in order of time; those of one time as they came."""
    batch = decoded.batch
    found = [
        (
            int(batch.time[row]),
            {n: float(c[row]) for n, c in batch.values.items() if not np.isnan(c[row])},
        )
        for row in range(len(batch))
    ]
    return sorted(found, key=lambda each: each[0])


def expected(voice: Voice, readings: Readings) -> Iterator[tuple[int, dict[str, float]]]:
    """Time and values of each reading in order of time."""
    for row, t in enumerate(readings.t.tolist()):
        is_live = NOW - t <= LIVE_MS
        network = voice.times is Times.NETWORK or (voice.times is Times.BOTH and is_live)
        yield NOW if network else t, readings.measured(row)


def agree(way: Carried, value: float, got: float) -> bool:
    within = min(max(value, way.low), way.high)
    return abs(got - within) <= 0.5 / way.per_unit + 1e-9


@pytest.mark.parametrize("name", VOICES)
def test_what_is_said_is_understood(name):
    voice = VOICES[name]

    @settings(max_examples=30)
    @given(spoken(voice))
    def check(readings):
        messages = said(voice, readings)
        decoded = heard(voice, messages)
        assert decoded.rejected == []
        assert {tag.tenant for tag in decoded.batch.tags} == {TENANT}
        assert {tag.tag for tag in decoded.batch.tags} == {voice.open(TENANT).named(readings.tag)}
        got, wanted = rows(decoded), sorted(expected(voice, readings), key=lambda each: each[0])
        assert len(got) == len(wanted) == sum(message.readings for message in messages)
        for (time, values), (t, measured) in zip(got, wanted, strict=True):
            assert abs(time - t) < max(voice.time_step, 1)
            for quantity, value in measured.items():
                if quantity in values:
                    way = voice.carries.get(quantity, voice.others)
                    assert agree(way, value, values[quantity]), quantity
            missing = measured.keys() - values.keys()
            assert missing <= ({"battery", "battery_pct"} if time != NOW else set())
            own = {"battery"} if "dragino" in name else set()
            assert values.keys() - measured.keys() <= own

    check()


@pytest.mark.parametrize("name", VOICES)
def test_a_second_delivery_is_the_same_reading_and_no_two_readings_are(name):
    voice = VOICES[name]

    @settings(max_examples=12)
    @given(spoken(voice))
    def check(readings):
        messages = said(voice, readings)
        once, again = heard(voice, messages).batch, heard(voice, messages, NOW + 60_000).batch
        for one, other in ((once.time, again.time), (once.key, again.key)):
            assert one.tolist() == other.tolist()
        assert once.boot.tolist() == again.boot.tolist()
        assert once.seq.tolist() == again.seq.tolist()
        told = zip(once.time.tolist(), once.key.tolist(), once.boot.tolist(), strict=True)
        assert len(set(told)) == len(readings)

    check()


@pytest.mark.parametrize("name", VOICES)
def test_a_voice_tells_what_becomes_of_values(name):
    voice = VOICES[name]
    values = {each: np.array([low, np.nan, high]) for each, (low, high) in RANGES.items()}
    count = np.arange(3)
    readings = Readings("a", count * 0, count, NOW - count[::-1] * 1000, values)
    carried = voice.carried(readings)
    known = voice.carries.keys() | (RANGES.keys() if voice.others else set())
    assert carried.values.keys() == known & RANGES.keys()
    assert len(carried) == 2
    for quantity, column in carried.values.items():
        way = voice.carries.get(quantity, voice.others)
        for value, got in zip(RANGES[quantity], column.tolist(), strict=True):
            assert agree(way, value, got)
            assert got == way.said(value)


def test_a_reading_of_which_nothing_can_be_said_is_not_said():
    one = np.array([1])
    for voice in VOICES.values():
        for quantities in ({}, {"spin": np.array([math.nan])}):
            readings = Readings("a", one, one, one * NOW, quantities)
            assert voice.open(TENANT).say(readings, NOW) == []


def test_no_two_rows_of_the_settings_take_the_same_topics():
    one = np.array([1])
    readings = Readings("a", one, one, one * NOW, dict.fromkeys(RANGES, one * 10.0))
    routes = [route(Subscription(**voice.row(TENANT)), KEEP) for voice in VOICES.values()]
    for voice in VOICES.values():
        for message in said(voice, readings):
            coming = [Heard(NOW, message.topic, message.payload)]
            assert decode(coming, routes, Memory()).rejected == []


@pytest.mark.parametrize("name", [*VOICES, *READERS])
def test_the_row_that_is_shown_is_the_row(name):
    row = {**VOICES, **READERS}[name].row("große-flotte")
    assert tomllib.loads(as_toml(row)) == {"subscriptions": [row]}


def test_names_are_right_where_they_are_limited():
    assert VOICES["ruuvi"].open(TENANT).named("Ä") == VOICES["ruuvi"].open("b").named("Ä")
    assert VOICES["things-stack-elsys"].open(TENANT).named("Ä").startswith("A81758")


@st.composite
def seen(draw: st.DrawFn) -> Sightings:
    count = draw(st.integers(1, 120))
    hexadecimal = st.binary(min_size=12, max_size=12).map(bytes.hex)
    numbers = st.lists(st.integers(1, 32), min_size=count, max_size=count)
    return Sightings(
        reader=draw(TAGS),
        t=NOW - np.arange(count) * 130,
        epc=draw(st.lists(hexadecimal, min_size=count, max_size=count)),
        antenna=np.array(draw(numbers)),
        rssi=-40.0 - np.array(draw(numbers)) * 1.27,
    )


@pytest.mark.parametrize("name", READERS)
def test_what_readers_saw_is_understood(name):
    voice = READERS[name]

    @settings(max_examples=15)
    @given(seen())
    def check(sightings):
        messages = voice.open(TENANT).say(sightings, NOW)
        decoded = heard(voice, messages)
        assert decoded.rejected == []
        assert len(decoded.sightings) == len(sightings)
        for place, got in enumerate(decoded.sightings):
            assert (got.tenant, got.reader) == (TENANT, sightings.reader)
            assert got.time == sightings.t[place]
            assert got.antenna == sightings.antenna[place]
            assert agree(voice.rssi, sightings.rssi[place], got.rssi)
            if got.epc.startswith("urn:epc:raw"):
                assert got.epc == f"urn:epc:raw:96.x{sightings.epc[place].upper()}"

    check()


def test_a_known_code_is_the_same_item_by_every_reader():
    code = "3074257BF7194E4000001A85"
    one = Sightings("dock-3", np.array([NOW]), [code], np.array([2]), np.array([-52.5]))
    for voice in READERS.values():
        (got,) = heard(voice, voice.open(TENANT).say(one, NOW)).sightings
        assert got.epc == "urn:epc:id:sgtin:0614141.812345.6789"


def test_a_device_that_keeps_its_readings_asks_with_the_last_of_a_message():
    count = np.arange(70)
    values = {"temperature": count * 0.5}
    readings = Readings("a", count * 0 + 4, count, NOW + count, values, first=0)
    content = [json.loads(m.payload) for m in VOICES["native"].open(TENANT).say(readings, NOW)]
    assert [len(each) for each in content] == [60, 10]
    asking: list[dict[str, Any]] = [row for each in content for row in each if "ack" in row]
    assert [(row["seq"], row["ack"], row["first"]) for row in asking] == [
        (59, True, 0),
        (69, True, 0),
    ]


def test_a_sparkplug_device_is_born_again_after_its_node():
    """What it says between its node's death and birth by aliases nobody understands."""
    node = VOICES["sparkplug"].open(TENANT)
    one = np.array([1])

    def reading(t: int) -> Readings:
        return Readings("a", one, one, one * t, {"temperature": one * 20.5})

    death = node.will
    first = node.opening(NOW) + node.say(reading(NOW), NOW) + node.say(reading(NOW + 1), NOW + 1)
    kinds = [message.topic.split("/")[2] for message in first]
    assert kinds == ["NBIRTH", "DBIRTH", "DDATA"]
    lost = node.say(reading(NOW + 2), NOW + 2)
    again = node.opening(NOW + 3) + node.say(reading(NOW + 4), NOW + 4)
    assert node.will != death
    decoded = heard(VOICES["sparkplug"], [*first, death, *lost, *again])
    assert decoded.batch.time.tolist() == [NOW, NOW + 1, NOW + 4]
    assert [each.position for each in decoded.rejected] == [4]
