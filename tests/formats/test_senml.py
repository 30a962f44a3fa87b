"""SenML: the examples of RFC 8428, in both encodings, and what it says must not be used."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats import Decoded, Memory, RouteError, decode, route
from ingest.message import Message
from lots.clock import DAY_MS
from lots.readings.batch import Flag
from lots.settings import Subscription
from tests.formats.anything import as_json, objects, require_sane
from tests.formats.anything import values as anything
from tests.formats.pages import told as told_by

NOW = 1_763_766_000_000
LONG_KEPT = 20 * 365 * DAY_MS  # the RFC's examples are of 2010 and 2011
LABELS = {
    "bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "bs": -6,
    "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "s": 5, "t": 6, "ut": 7, "vd": 8,
}  # fmt: skip
# RFC 8428, 6: the pack of 5.1.2 in CBOR (figure 4)
FIGURE_OF_CBOR = """
    87 a7 21 78 1b 75726e3a6465763a6f773a3130653230373361303130383030363a 22 fb 41d303a15b001062
    23 61 41 20 05 00 67 766f6c74616765 01 61 56 02 fb 405e066666666666
    a3 00 67 63757272656e74 06 24 02 fb 3ff3333333333333
    a3 00 67 63757272656e74 06 23 02 fb 3ff4cccccccccccd
    a3 00 67 63757272656e74 06 22 02 fb 3ff6666666666666
    a3 00 67 63757272656e74 06 21 02 f9 3e00
    a3 00 67 63757272656e74 06 20 02 fb 3ff999999999999a
    a3 00 67 63757272656e74 06 00 02 fb 3ffb333333333333
"""


def told(content: Any, encoding: str = "json", keep_ms: int = LONG_KEPT, **options: Any) -> Decoded:
    if isinstance(content, bytes):
        raw = content
    else:
        raw = json.dumps(content).encode() if encoding == "json" else cbor2.dumps(content)
    row = Subscription(filter="senml/#", format=f"senml-{encoding}", tenant="acme", options=options)
    route_ = route(row, keep_ms)
    return decode([Message(NOW, "senml/node-7", raw)], [route_], Memory())


def labelled(pack: list[dict[str, Any]]) -> list[dict[Any, Any]]:
    return [{LABELS.get(name, name): value for name, value in each.items()} for each in pack]


def found(decoded: Decoded) -> list[tuple[str, int, dict[str, float]]]:
    """(tag, time, values) of each reading."""
    assert decoded.rejected == []
    batch = decoded.batch
    return [
        (
            batch.tags[batch.tag[n]].tag,
            int(batch.time[n]),
            {name: float(c[n]) for name, c in batch.values.items() if not np.isnan(c[n])},
        )
        for n in range(len(batch))
    ]


def reason(decoded: Decoded) -> str:
    (rejected,) = decoded.rejected
    assert rejected.tenant == "acme"
    return rejected.reason


def test_the_samples_of_the_page() -> None:
    first, second = told_by("senml.md")
    at, tag = 1_763_766_000_000, "urn:dev:ow:10e2073a01080063"
    assert found(first) == [
        (tag, at, {"temperature": 21.4, "humidity": 63.2}),
        (tag, at - 600_000, {"temperature": 21.1, "humidity": 63.9}),
    ]
    ((tag, _, values),) = found(second)
    assert (tag, values) == ("rack-3", {"probe": 3.5, "humidity": 81})


SINGLE = [{"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1}]
MULTIPLE = [
    {"bn": "urn:dev:ow:10e2073a01080063:", "n": "voltage", "u": "V", "v": 120.1},
    {"n": "current", "u": "A", "v": 1.2},
]
TIMED = [
    {
        "bn": "urn:dev:ow:10e2073a0108006:",
        "bt": 1.276020076001e9,
        "bu": "A",
        "bver": 5,
        "n": "voltage",
        "u": "V",
        "v": 120.1,
    },
    *({"n": "current", "t": t, "v": round(1.7 + t / 10, 1)} for t in range(-5, 0)),
    {"n": "current", "v": 1.7},
]
MOVING = [
    {"bn": "urn:dev:ow:10e2073a01080063", "bt": 1.320067464e9, "bu": "%RH", "v": 20},
    {"u": "lon", "v": 24.30621},
    {"u": "lat", "v": 60.07965},
    {"t": 60, "v": 20.3},
    {"u": "lon", "t": 60, "v": 24.30622},
    {"u": "lat", "t": 60, "v": 60.07965},
    {"t": 120, "v": 20.7},
    {"u": "lon", "t": 120, "v": 24.30623},
    {"u": "lat", "t": 120, "v": 60.07966},
    {"u": "%EL", "t": 150, "v": 98},
    {"t": 180, "v": 21.2},
]
SEVERAL = [
    {"bn": "2001:db8::2/", "bt": 1.320078429e9, "n": "temperature", "u": "Cel", "v": 25.2},
    {"n": "humidity", "u": "%RH", "v": 30},
    {"bn": "2001:db8::1/", "n": "temperature", "u": "Cel", "v": 12.3},
    {"n": "humidity", "u": "%RH", "v": 67},
]


@pytest.mark.parametrize("encoding", ["json", "cbor"])
class TestExamplesOfTheRfc:
    """RFC 8428, 5.1; the numbers are the sections."""

    def of(self, pack: list[dict[str, Any]], encoding: str) -> Decoded:
        return told(pack if encoding == "json" else labelled(pack), encoding)

    def test_5_1_1_single_datapoint(self, encoding: str) -> None:
        decoded = self.of(SINGLE, encoding)
        assert found(decoded) == [("urn:dev:ow:10e2073a01080063", NOW, {"temperature": 23.1})]
        assert decoded.batch.flags.tolist() == [Flag.SERVER_TIME]

    def test_5_1_2_multiple_datapoints(self, encoding: str) -> None:
        values = {"voltage": 120.1, "current": 1.2}
        decoded = self.of(MULTIPLE, encoding)
        assert found(decoded) == [("urn:dev:ow:10e2073a01080063", NOW, values)]

    def test_5_1_2_with_times(self, encoding: str) -> None:
        at, tag = 1_276_020_076_001, "urn:dev:ow:10e2073a0108006"
        decoded = self.of(TIMED, encoding)
        assert found(decoded) == [
            (tag, at, {"voltage": 120.1, "current": 1.7}),
            *((tag, at - 1000 * s, {"current": round(1.7 - s / 10, 1)}) for s in (5, 4, 3, 2, 1)),
        ]
        assert set(decoded.batch.flags.tolist()) == {0}, "these are times, and not of the delivery"

    def test_5_1_3_multiple_measurements(self, encoding: str) -> None:
        at, tag = 1_320_067_464_000, "urn:dev:ow:10e2073a01080063"
        assert found(self.of(MOVING, encoding)) == [
            (tag, at, {"humidity": 20, "lon": 24.30621, "lat": 60.07965}),
            (tag, at + 60_000, {"humidity": 20.3, "lon": 24.30622, "lat": 60.07965}),
            (tag, at + 120_000, {"humidity": 20.7, "lon": 24.30623, "lat": 60.07966}),
            (tag, at + 150_000, {"battery_level": 98}),
            (tag, at + 180_000, {"humidity": 21.2}),
        ]

    def test_5_1_5_multiple_resources(self, encoding: str) -> None:
        at = 1_320_078_429_000
        assert found(self.of(SEVERAL, encoding)) == [
            ("2001:db8::2", at, {"temperature": 25.2, "humidity": 30}),
            ("2001:db8::1", at, {"temperature": 12.3, "humidity": 67}),
        ]


def test_6_the_bytes_of_the_rfc() -> None:
    payload = bytes.fromhex(FIGURE_OF_CBOR)
    at, tag = 1_276_020_076_001, "urn:dev:ow:10e2073a0108006"
    readings = found(told(payload, "cbor"))
    assert readings[0] == (tag, at, {"voltage": 120.1, "current": 1.7})
    assert readings[4] == (tag, at - 2000, {"current": 1.5})
    assert len(readings) == 6


def test_how_a_pack_is_split_into_base_and_name_makes_no_difference() -> None:
    name, at = "urn:dev:ow:10e2073a01080063:temperature", 1_763_766_000
    packs = [
        [{"n": name, "u": "Cel", "v": 21.4, "t": at}],
        [{"bn": name, "bu": "Cel", "bv": 21.4, "bt": at, "u": "Cel"}],
        [{"bn": name[:-11], "bt": at, "bu": "Cel"}, {"n": name[-11:], "v": 21.4}],
        [{"bn": name[:4], "n": name[4:], "bt": at - 5, "t": 5, "u": "K", "v": 294.55}],
        [{"bn": name, "bt": 1_000_000_000, "t": at - 1_000_000_000, "bv": 21, "v": 0.4}],
    ]
    keys = {told(pack).batch.stored_ns.item() for pack in packs}
    assert len(keys) == 1
    for pack in packs:
        assert found(told(pack)) == [(name[:-12], NOW, {"temperature": 21.4})]


@pytest.mark.parametrize(
    ("record", "tag", "values"),
    [
        ({"n": "dev1:temperature"}, "dev1", {"temperature": 5}),
        ({"n": "dev1/rh", "u": "/"}, "dev1", {"humidity": 500}),
        ({"n": "a/b/Relative_Humidity", "u": "%RH"}, "a.b", {"humidity": 5}),
        ({"bn": "dev1_", "n": "temp"}, "dev1", {"temperature": 5}),
        ({"bn": "dev1.", "n": "pressure", "u": "kPa"}, "dev1", {"pressure": 50}),
        ({"n": "dev1:inlet", "u": "Cel"}, "dev1:inlet", {"temperature": 5}),
        ({"n": "dev1:soil_temperature", "u": "cm"}, "dev1", {"soil_temperature": 5}),
        ({"n": "dev1:battery", "u": "mV"}, "dev1", {"battery": 0.005}),
        ({"n": "dev1:battery", "u": "%EL"}, "dev1", {"battery_level": 5}),
        ({"n": "dev1:door", "v": None, "vb": True}, "dev1", {"door": 1}),
        ({"n": "dev1:meter", "v": None, "s": 12}, "dev1", {"meter_sum": 12}),
        ({"n": "dev1:meter", "s": 12}, "dev1", {"meter": 5, "meter_sum": 12}),
        ({"n": "dev1:meter", "bs": 10, "s": 2}, "dev1", {"meter": 5, "meter_sum": 12}),
    ],
)
def test_names_and_units(record: dict[str, Any], tag: str, values: dict[str, float]) -> None:
    whole = {"v": 5, "t": NOW / 1000, **record}
    whole = {name: value for name, value in whole.items() if value is not None}
    assert found(told([whole])) == [(tag, NOW, values)]


def test_options() -> None:
    pack = [
        {"n": "inlet", "u": "Cel", "v": 3.5, "t": 1_763_766_000},
        {"n": "T2", "v": 385, "t": 1_763_766_000},
        {"n": "temperature", "u": "K", "v": 277.15, "t": 1_763_766_000},
        {"n": "x:volume", "u": "l", "v": 3, "t": 1_763_766_000},
    ]
    quantities = {"probe": "inlet", "outer": {"name": "T2", "unit": "°F", "scale": 0.1}}
    decoded = told(pack, topic="senml/{tag}", quantities=quantities)
    values = {"probe": 3.5, "outer": 3.61111111111, "temperature": 4, "volume": 3}
    assert found(decoded) == [("node-7", NOW, values)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tag": "x"}, "option tag: there is no such option: use quantities, topic"),
        ({"topic": "x"}, "put {tag} where the tag's name is"),
        ({"quantities": {"probe": 7}}, "option quantities.probe is 7: write its name"),
        ({"quantities": {"probe": {"unit": "K"}}}, "write its name in the messages"),
        ({"quantities": {"probe": {"name": "a", "unit": "V"}}}, "probe is not measured in 'V'"),
        ({"quantities": {"time": "a"}}, "option quantities.time: time is reserved"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(RouteError) as refused:
        told(SINGLE, **options)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("times", "expected", "flags"),
    [
        ({}, NOW, Flag.SERVER_TIME),
        ({"t": 0}, NOW, Flag.SERVER_TIME),
        ({"t": -5}, NOW - 5000, Flag.NETWORK_TIME),
        ({"t": 3600}, NOW + 3_600_000, Flag.NETWORK_TIME),
        ({"bt": -60, "t": 10.5}, NOW - 49_500, Flag.NETWORK_TIME),
        ({"bt": 2**28 - 1, "t": 1}, 2**28 * 1000, None),
        ({"bt": 1_763_766_000.25, "t": -0.25}, NOW, Flag(0)),
    ],
)
def test_times(times: dict[str, float], expected: int, flags: Flag | None) -> None:
    decoded = told([{"n": "d:co2", "v": 1, **times}], keep_ms=400 * DAY_MS)
    if flags is None:  # 1978: from 2^28 on it is a time, if one that cannot be
        assert f"quarantine: t {expected} is no time" in reason(decoded)
        return
    assert decoded.batch.time.tolist() == [expected]
    assert decoded.batch.flags.tolist() == [flags]


def test_two_values_of_one_quantity_and_time_are_two_readings() -> None:
    record = {"n": "d:co2", "t": NOW / 1000}
    pack = [{**record, "v": 1}, {**record, "v": 2}, {**record, "v": 1}]
    assert [values for *_, values in found(told(pack))] == [{"co2": 1}, {"co2": 2}]


def test_text_and_data_are_passed_over_beside_numbers() -> None:
    pack = [
        {"bn": "d:", "n": "state", "vs": "fine"},
        {"n": "blob", "vd": "3q2-7w"},
        {"n": "co2", "v": 400},
    ]
    assert [values for *_, values in found(told(pack))] == [{"co2": 400}]
    assert "no record has a number" in reason(told(pack[:2]))


def test_numbers_of_cbor() -> None:
    pack = [{-2: "d:", 0: "co2", 2: Decimal("412.5")}, {0: "temperature", 2: np.float16(2).item()}]
    assert [values for *_, values in found(told(pack, "cbor"))] == [
        {"co2": 412.5, "temperature": 2}
    ]


@pytest.mark.parametrize(
    ("pack", "expected"),
    [
        ({}, "it is dict: a SenML pack is an array of records"),
        ([], "there are 0 records in it"),
        ([7], "record 0: it is 7: send an object"),
        ([{"n": "d:x", "v": 1}, {"n": "d:x", "v": 1, "x_": 1}], "record 1: the field 'x_' must"),
        ([{"bver": 11, "n": "d:co2", "v": 1}], "bver is 11: versions up to 10 are understood"),
        ([{"bver": "10", "n": "d:co2", "v": 1}], "bver is '10'"),
        ([{"bn": 5, "n": "d:x", "v": 1}, {"n": "d:x", "v": 2}], "record 0: bn is 5: it is to be t"),
        ([{"bt": "now", "n": "d:co2", "v": 1}], "bt is 'now': it is to be a number"),
        ([{"n": "d:co2", "v": "1"}], "record 0: v is '1': it is to be a number"),
        ([{"n": "d:co2", "v": True}], "v is True"),
        ([{"n": "d:co2", "vb": 1}], "vb is 1: it is to be a boolean"),
        ([{"n": "d:co2", "v": 1, "vs": "x"}], "v and vs are both there"),
        ([{"n": "d:co2"}], "there is no value in it: send v"),
        ([{"v": 1}], "the name '' is none"),
        ([{"n": "_x:co2", "v": 1}], "the name '_x:co2' is none"),
        ([{"n": "d co2", "v": 1}], "the name 'd co2' is none"),
        ([{"n": "temperature", "v": 1}], "names no device: send a base name"),
        ([{"n": "urn:dev:1234", "u": "V", "v": 1}], "says no quantity: end it in one"),
        ([{"n": "d:temperature", "u": "Pa", "v": 1}], "temperature is not measured in 'Pa'"),
        ([{"n": "d:humidity", "u": "dB", "v": 1}], "'dB' is not known.*option quantities.humidity"),
        ([{"n": "x" * 65 + ":co2", "v": 1}], "the tag has 65 characters"),
        ([{"n": "d:co2", "v": 1, "t": 1e300}], "bt and t lead to no time|quarantine"),
        ([{"n": "d:co2", "v": 1, "bv": 1.7e308}, {"n": "d:co2", "v": 1.7e308}], "too large"),
        ([{"n": "d:time", "v": 1}], "says no quantity"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told(pack: Any, expected: str) -> None:
    for encoding in ("json", "cbor"):
        content = (
            labelled(pack) if encoding == "cbor" and pack and isinstance(pack[0], dict) else pack
        )
        text = reason(told(content, encoding))
        assert re.search(expected, text), text


def test_a_bad_record_leaves_the_others() -> None:
    pack = [
        {"bn": "d:", "bt": NOW / 1000, "n": "co2", "v": 400},
        {"n": "temperature", "u": "Pa", "v": 1},
        {"n": "humidity", "u": "%RH", "v": 50},
    ]
    decoded = told(pack)
    assert reason(decoded).startswith("record 1: temperature is not measured in 'Pa'")
    np.testing.assert_array_equal(decoded.batch.values["humidity"], [50])


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "cannot be read as CBOR"),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "cannot be read as CBOR"),
        (b"\x81" * 5000, "cannot be read as CBOR"),
        (b"\x80\x00", "something behind the CBOR array"),
        (b"\xd8\x1c\x81\xd8\x1d\x00", "record 0: it is list"),  # an array in itself
        (b"\x81\xa2\x00\x61\xff\x02\x01", "cannot be read as CBOR"),
        (cbor2.dumps([{0: "d:co2", 2: 2**100_000}]), "v is int: it is to be a number"),
        (bytes.fromhex("81a20065643a636f3202c4821a3b9ac9ff01"), "v is Decimal: it is to be"),
        (cbor2.dumps([{0: "d:co2", 2: float("nan")}]), "v is nan"),
        (cbor2.dumps([{0: "d:co2", 2: cbor2.undefined}]), "it is to be a number"),
        (cbor2.dumps([{0: "d:co2", 2: 1, "later_": 1}]), "the field 'later_' must be understood"),
        (b" " * 300_000, "send it in parts"),
    ],
)
def test_cbor_that_cannot_be_used_is_told(payload: bytes, expected: str) -> None:
    text = reason(told(payload, "cbor"))
    assert expected in text
    assert text.isprintable()


names = [*LABELS, "x_"]
records = st.lists(
    objects(names) | st.just({"bn": "d:", "n": "co2", "v": 1}) | st.just({"u": "Cel", "v": 1}),
    max_size=4,
)
labels = st.sampled_from(list(LABELS.values())) | anything.filter(
    lambda each: not isinstance(each, (list, dict))
)
cbor_records = st.lists(st.dictionaries(labels, anything, max_size=5) | anything, max_size=4)
ROUTES = {
    encoding: route(
        Subscription(filter="#", format=f"senml-{encoding}", tenant="acme"), 400 * DAY_MS
    )
    for encoding in ("json", "cbor")
}


def require_told(payloads: list[bytes], encoding: str) -> None:
    entry = [Message(NOW, "senml/x", payload) for payload in payloads]
    require_sane(entry, ROUTES[encoding])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=40) | as_json(records), max_size=4))
def test_whatever_comes_as_json_is_used_or_told(payloads: list[bytes]) -> None:
    require_told(payloads, "json")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=40) | cbor_records.map(cbor2.dumps), max_size=4))
def test_whatever_comes_as_cbor_is_used_or_told(payloads: list[bytes]) -> None:
    require_told(payloads, "cbor")
