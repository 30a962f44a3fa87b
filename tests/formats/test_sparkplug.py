"""Sparkplug B: births, data by alias, deaths; and what is read again is understood the same."""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from ingest.formats import Decoded, Memory, Route, RouteError, decode, route
from ingest.formats.memory import VERSIONS, Remembered
from ingest.formats.sparkplug_payload import DataType, payload_class
from ingest.memories import Memories
from ingest.message import Message
from lots.clock import DAY_MS
from lots.model import Base, FormatMemory
from lots.readings.batch import Flag
from lots.settings import Subscription
from tests.formats.anything import require_sane
from tests.formats.pages import told as told_by

NOW = 1_763_766_000_000
KEEP = 400 * DAY_MS
Payload = payload_class()
FIELDS = {
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.INT64: "long_value",
    DataType.UINT64: "long_value",
}


def sparkplug(tenant: str = "acme", **options: Any) -> Route:
    row = Subscription(filter="spBv1.0/#", format="sparkplug", tenant=tenant, options=options)
    return route(row, KEEP)


def metric(
    name: str = "",
    value: Any = None,
    type_: int = DataType.DOUBLE,
    *,
    unit: str = "",
    **fields: Any,
) -> Any:
    """A metric as an edge node would make it."""
    made = Payload().metrics.add(datatype=type_, **({"name": name} if name else {}), **fields)
    if value is not None:
        setattr(made, FIELDS.get(DataType(type_), "int_value"), value)
    if unit:
        made.properties.keys.append("engUnit")
        made.properties.values.add(type=DataType.STRING, string_value=unit)
    return made


def payload(*metrics: Any, at: int | None = NOW, **fields: Any) -> bytes:
    made = Payload(metrics=metrics, **fields)
    if at is not None:
        made.timestamp = at
    return bytes(made.SerializeToString())


def session(number: int) -> Any:
    return metric("bdSeq", number, DataType.INT64)


def told(
    *messages: tuple[str, bytes] | tuple[str, bytes, int],
    memory: Memory | None = None,
    by: Route | None = None,
) -> Decoded:
    """Messages by their topics behind spBv1.0, received at NOW or at the third."""
    entry = [
        Message(each[2] if len(each) == 3 else NOW, f"spBv1.0/{each[0]}", each[1])
        for each in messages
    ]
    return decode(entry, [by or sparkplug()], memory if memory is not None else Memory())


def found(decoded: Decoded) -> list[tuple[str, int, dict[str, float]]]:
    """(tag, time, values) of each reading."""
    batch = decoded.batch
    return [
        (
            batch.tags[batch.tag[n]].tag,
            int(batch.time[n]),
            {name: float(c[n]) for name, c in batch.values.items() if not np.isnan(c[n])},
        )
        for n in range(len(batch))
    ]


def only(*metrics: Any, **options: Any) -> dict[str, float]:
    """The values of one reading in a device's data."""
    decoded = told(("P/DDATA/N/D", payload(*metrics)), by=sparkplug(**options))
    assert decoded.rejected == []
    ((tag, at, values),) = found(decoded)
    assert (tag, at) == ("P.N.D", NOW)
    return values


def reason(decoded: Decoded) -> str:
    (rejected,) = decoded.rejected
    assert rejected.tenant == "acme"
    return rejected.reason


TEMPERATURE = metric("Sensors/Temperature", 21.5, alias=1)
HUMIDITY = metric("Sensors/Humidity", 63.0, alias=2)
BIRTH = payload(TEMPERATURE, HUMIDITY)
BY_ALIAS = payload(metric(value=22.5, alias=1), metric(value=60.0, alias=2), at=NOW + 1000)


def test_the_samples_of_the_page() -> None:
    birth, data = told_by("sparkplug.md")
    assert birth.rejected == data.rejected == []
    values = {"temperature": 21.45, "humidity": 63.2}
    assert found(birth) == [("Plant1.Gateway.Bay4", NOW, values)]
    assert found(data) == [("Plant1.Gateway.Bay4", NOW + 60_000, {"temperature": 21.6})]


def written_by_hand(value_field: str) -> bytes:
    """A payload as the specification's field numbers make it, byte by byte.

    timestamp 1 (varint), metrics 2 (length 0x1b), seq 3; of the metric name 1, alias 2,
    timestamp 3, datatype 4, is_historical 5 and the value.
    """
    metric_ = "0a08" + b"Env/Temp".hex() + "1007" + "18ac02" + "2009" + "2801" + value_field
    length = f"{len(metric_) // 2:02x}"
    return bytes.fromhex("0880b395c5aa33" + "12" + length + metric_ + "1805")


@pytest.mark.parametrize(
    ("field", "name", "value"),
    [
        ("5005", "int_value", 5),
        ("588004", "long_value", 512),
        ("65" + struct.pack("<f", 21.5).hex(), "float_value", 21.5),
        ("69" + struct.pack("<d", 21.4).hex(), "double_value", 21.4),
        ("7001", "boolean_value", True),
        ("7a026f6b", "string_value", "ok"),
        ("82010201ff", "bytes_value", b"\x01\xff"),
    ],
)
def test_the_schema_has_the_numbers_of_the_specification(field: str, name: str, value: Any) -> None:
    read = Payload.FromString(written_by_hand(field))
    assert (read.timestamp, read.seq) == (NOW, 5)
    (one,) = read.metrics
    assert (one.name, one.alias, one.timestamp, one.datatype) == ("Env/Temp", 7, 300, 9)
    assert one.is_historical
    assert (one.is_transient, one.is_null) == (False, False)
    assert (one.WhichOneof("value"), getattr(one, name)) == (name, value)


def test_properties_and_the_other_fields_by_hand() -> None:
    """is_transient 6, is_null 7, properties 9 with keys 1 and values 2; uuid 4 and body 5."""
    unit = "0a07" + b"engUnit".hex() + "1208" + "080c" + "4204" + b"degF".hex()
    metric_ = "0a0174" + "3001" + "3801" + "4a" + f"{len(unit) // 2:02x}" + unit
    whole = bytes.fromhex("12" + f"{len(metric_) // 2:02x}" + metric_ + "220175" + "2a0162")
    read = Payload.FromString(whole)
    (one,) = read.metrics
    assert one.is_transient
    assert one.is_null
    assert list(one.properties.keys) == ["engUnit"]
    (value,) = one.properties.values
    assert (value.type, value.string_value) == (12, "degF")
    assert (read.uuid, read.body) == ("u", b"b")


def test_a_hand_written_template_and_dataset() -> None:
    inner = "0a0454656d70" + "69" + struct.pack("<d", 21.4).hex()
    template = "0a0131" + "12" + f"{len(inner) // 2:02x}" + inner + "220154" + "2800"
    metric_ = "0a0442617934" + "2013" + "9201" + f"{len(template) // 2:02x}" + template
    dataset = "0801" + "120163" + "1809" + "22040a020807"
    other = "0a0164" + "8a01" + f"{len(dataset) // 2:02x}" + dataset
    parts = "".join("12" + f"{len(each) // 2:02x}" + each for each in (metric_, other))
    data = bytes.fromhex("0880b395c5aa33" + parts)
    second = Payload.FromString(data).metrics[1].dataset_value
    assert (second.num_of_columns, list(second.columns), list(second.types)) == (1, ["c"], [9])
    assert second.rows[0].elements[0].int_value == 7
    decoded = told(("P/NDATA/N", data))
    assert found(decoded) == [("P.N", NOW, {"temperature": 21.4})]


def test_births_are_readings_and_aliases_mean_what_they_say() -> None:
    decoded = told(("P/DBIRTH/N/D", BIRTH), ("P/DDATA/N/D", BY_ALIAS))
    assert decoded.rejected == []
    assert found(decoded) == [
        ("P.N.D", NOW, {"temperature": 21.5, "humidity": 63}),
        ("P.N.D", NOW + 1000, {"temperature": 22.5, "humidity": 60}),
    ]


def test_a_node_has_metrics_of_its_own() -> None:
    decoded = told(("P/NBIRTH/N", BIRTH), ("P/NDATA/N", BY_ALIAS), ("P/DDATA/N/D", BY_ALIAS))
    assert [tag for tag, *_ in found(decoded)] == ["P.N", "P.N"]
    assert "alias 1, 2 says nothing, since no birth of 'P/N/D' has come" in reason(decoded)


def test_without_a_birth_data_waits_among_the_dead_letters() -> None:
    memory = Memory()
    early = told(("P/DDATA/N/D", BY_ALIAS), memory=memory)
    assert len(early.batch) == 0
    assert "send its births again (Node Control/Rebirth), then replay" in reason(early)
    told(("P/DBIRTH/N/D", BIRTH, NOW + 5000), memory=memory)
    replayed = told(("P/DDATA/N/D", BY_ALIAS, NOW + 9000), memory=memory)
    assert found(replayed) == [("P.N.D", NOW + 1000, {"temperature": 22.5, "humidity": 60})]


def test_an_alias_the_birth_does_not_have_is_told_and_the_rest_is_kept() -> None:
    data = payload(metric(value=22.5, alias=1), metric(value=1.0, alias=9))
    decoded = told(("P/DBIRTH/N/D", BIRTH), ("P/DDATA/N/D", data))
    assert [values for *_, values in found(decoded)][1] == {"temperature": 22.5}
    assert "alias 9 says nothing, since the last birth of 'P/N/D' does not have it" in reason(
        decoded
    )


def test_a_later_birth_gives_aliases_another_meaning() -> None:
    other = payload(metric("Humidity", 50.0, alias=1), metric("Temperature", 20.0, alias=2))
    memory = Memory()
    told(("P/DBIRTH/N/D", BIRTH, NOW), memory=memory)
    told(("P/DBIRTH/N/D", other, NOW + 5000), memory=memory)
    late = told(("P/DDATA/N/D", BY_ALIAS, NOW + 5000), memory=memory)
    before = told(("P/DDATA/N/D", BY_ALIAS, NOW + 4999), memory=memory)
    assert [values for *_, values in found(late)] == [{"humidity": 22.5, "temperature": 60}]
    assert [values for *_, values in found(before)] == [{"temperature": 22.5, "humidity": 60}]


def test_a_tenant_knows_its_own_births_alone() -> None:
    memory = Memory()
    told(("P/DBIRTH/N/D", BIRTH), memory=memory, by=sparkplug("other"))
    assert "no birth" in reason(told(("P/DDATA/N/D", BY_ALIAS), memory=memory))


class TestDeaths:
    DATA = ("P/DDATA/N/D", BY_ALIAS)

    def session_of(self, number: int, at: int = NOW) -> list[tuple[str, bytes, int]]:
        return [
            ("P/NBIRTH/N", payload(session(number), at=at), at),
            ("P/DBIRTH/N/D", payload(TEMPERATURE, HUMIDITY, at=at), at),
        ]

    def after(self, *messages: tuple[str, bytes, int]) -> Decoded:
        memory = Memory()
        told(*messages, memory=memory)
        return told((*self.DATA, NOW + 9000), memory=memory)

    def test_of_the_device(self) -> None:
        decoded = self.after(*self.session_of(3), ("P/DDEATH/N/D", payload(), NOW + 1))
        assert "'P/N/D' has died (NDEATH or DDEATH), and no birth" in reason(decoded)

    def test_of_its_node(self) -> None:
        death = ("P/NDEATH/N", payload(session(3)), NOW + 1)
        assert "has died" in reason(self.after(*self.session_of(3), death))

    def test_of_a_session_that_is_over_ends_nothing(self) -> None:
        death = ("P/NDEATH/N", payload(session(2), at=None), NOW + 1)
        assert len(self.after(*self.session_of(3), death).batch) == 1

    def test_and_a_birth_again(self) -> None:
        death = ("P/NDEATH/N", payload(session(3)), NOW + 1)
        again = self.session_of(4, NOW + 2)
        assert len(self.after(*self.session_of(3), death, *again).batch) == 1
        assert "the device not since" in reason(self.after(*self.session_of(3), death, again[0]))

    def test_all_in_one_ms(self) -> None:
        """As they are when a worker comes back to a broker that kept them."""
        death = ("P/NDEATH/N", payload(session(3)), NOW)
        again = [(topic, data, NOW) for topic, data, _ in self.session_of(4, NOW + 2)]
        assert len(self.after(*self.session_of(3), death, *again).batch) == 1
        assert "has died" in reason(self.after(*self.session_of(3), death))

    def test_data_by_name_needs_no_birth_but_keeps_its_unit(self) -> None:
        born = payload(metric("Temperature", 70.0, unit="degF"))
        memory = Memory()
        told(("P/NBIRTH/N", born), ("P/NDEATH/N", payload()), memory=memory)
        data = payload(metric("Temperature", 70.52))
        late = told(("P/NDATA/N", data, NOW + 9), memory=memory)
        assert [values for *_, values in found(late)] == [{"temperature": 21.4}]

    def test_nobody_known_dies(self) -> None:
        decoded = told(("P/NDEATH/N", payload(session(1))), ("P/DDEATH/N/D", payload()))
        assert (len(decoded.batch), decoded.rejected) == (0, [])


def test_what_is_read_again_is_understood_the_same() -> None:
    """Also with all that was learnt later, and where all of it came in few ms."""
    swapped = payload(metric("Humidity", 5.0, alias=1), metric("Temperature", 2.0, alias=2))

    def at(ms: int, data: bytes) -> bytes:
        made = Payload.FromString(data)
        made.timestamp = NOW + ms
        return bytes(made.SerializeToString())

    messages: list[tuple[str, bytes, int]] = [
        ("P/NBIRTH/N", payload(session(1), at=NOW), NOW),
        ("P/DBIRTH/N/D", at(1, BIRTH), NOW),
        ("P/DDATA/N/D", at(2, BY_ALIAS), NOW),
        ("P/DBIRTH/N/D", at(3, swapped), NOW),
        ("P/DDATA/N/D", at(4, BY_ALIAS), NOW),
        ("P/NDEATH/N", payload(session(1), at=None), NOW + 1),
        ("P/DDATA/N/D", at(5, BY_ALIAS), NOW + 1),
        ("P/NBIRTH/N", payload(session(2), at=NOW + 6), NOW + 2),
        ("P/DBIRTH/N/D", at(7, BIRTH), NOW + 2),
        ("P/DDATA/N/D", at(8, BY_ALIAS), NOW + 2),
        ("P/NDEATH/N", payload(session(2), at=None), NOW + 3),
        ("P/DDATA/N/D", at(9, BY_ALIAS), NOW + 5),
    ]
    memory = Memory()
    first = [found(told(each, memory=memory)) for each in messages]
    assert [len(each) for each in first] == [0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0]
    restored = Memory()
    restored.restore(memory.fresh())
    for known in (memory, restored):
        assert [found(told(each, memory=known)) for each in messages] == first
        together = told(*messages, memory=known)
        assert found(together) == [reading for each in first for reading in each]


def test_the_same_birth_again_is_nothing_new() -> None:
    memory = Memory()
    for minute in range(200):
        at = NOW + minute * 60_000
        data = payload(metric("Temperature", float(minute), alias=1), at=at)
        told(("P/NBIRTH/N", data, at), memory=memory)
    assert len(memory.fresh()) == 1


@pytest.mark.parametrize(
    ("type_", "field", "raw", "expected"),
    [
        (DataType.INT8, "int_value", 0xFE, -2),
        (DataType.INT8, "int_value", 0xFFFFFFFE, -2),
        (DataType.INT8, "int_value", 5, 5),
        (DataType.INT16, "int_value", 0xFF38, -200),
        (DataType.INT32, "int_value", 2**32 - 7, -7),
        (DataType.INT64, "long_value", 2**64 - 7, -7),
        (DataType.UINT8, "int_value", 200, 200),
        (DataType.UINT16, "int_value", 65535, 65535),
        (DataType.UINT32, "int_value", 2**32 - 1, 2**32 - 1),
        (DataType.UINT64, "long_value", 2**53, 2**53),
        (DataType.FLOAT, "float_value", 21.4, 21.4),
        (DataType.DOUBLE, "double_value", 21.4, 21.4),
        (DataType.BOOLEAN, "boolean_value", True, 1),
        (DataType.DATETIME, "long_value", NOW, NOW),
    ],
)
def test_data_types(type_: DataType, field: str, raw: Any, expected: float) -> None:
    """Also where the data leaves the type to the birth."""
    born = metric("CO2", None, type_, alias=4)
    setattr(born, field, raw)
    data = Payload().metrics.add(alias=4)
    setattr(data, field, raw)
    decoded = told(("P/NBIRTH/N", payload(born)), ("P/NDATA/N", payload(data, at=NOW + 1)))
    assert decoded.rejected == []
    assert [values for *_, values in found(decoded)] == [{"co2": expected}] * 2


def test_quality_null_and_transient() -> None:
    def of_quality(number: int) -> Any:
        made = metric("Humidity", 50.0)
        made.properties.keys.append("Quality")
        made.properties.values.add(type=DataType.INT32, int_value=number)
        return made

    good = metric("Temperature", 21.5)
    assert only(good, of_quality(192)) == {"temperature": 21.5, "humidity": 50}
    nothing = [
        of_quality(0),
        of_quality(500),
        metric("Humidity", is_null=True),
        metric("Humidity"),
        metric("Humidity", 50.0, is_transient=True),
        metric("Humidity", float("nan")),
        metric("Humidity", float("inf")),
    ]
    for each in nothing:
        assert only(good, each) == {"temperature": 21.5}
        alone = told(("P/DDATA/N/D", payload(each)))
        assert (len(alone.batch), alone.rejected) == (0, []), "said, and nothing to keep"


@pytest.mark.parametrize(
    ("name", "options", "values"),
    [
        ("Temperature", {}, {"temperature": 5}),
        ("a/b/Air Temperature", {}, {"temperature": 5}),
        ("Env/RH", {}, {"humidity": 5}),
        ("Store/T1", {"quantities": {"probe": "Store/T1"}}, {"probe": 5}),
        ("Store/T1", {"quantities": {"probe": {"name": "T1", "unit": "°F"}}}, {"probe": -15}),
        ("Store/T1", {"quantities": {"probe": {"name": "T1", "scale": 2}}}, {"probe": 10}),
        ("Drive/Motor Speed", {"others": True}, {"Motor_Speed": 5}),
    ],
)
def test_names(name: str, options: dict[str, Any], values: dict[str, float]) -> None:
    assert only(metric(name, 5.0), **options) == values


@pytest.mark.parametrize(
    "name", ["bdSeq", "Node Control/Temperature", "Drive/Speed", "Temperature/Setpoint", "Zone/1"]
)
def test_other_metrics_are_passed_over(name: str) -> None:
    decoded = told(("P/DDATA/N/D", payload(metric(name, 5.0))))
    assert (len(decoded.batch), decoded.rejected) == (0, [])


@pytest.mark.parametrize(
    ("key", "unit", "expected"),
    [
        ("engUnit", "degF", {"temperature": 21.4}),
        ("Engineering Units", "°F", {"temperature": 21.4}),
        ("unit", "F", {"temperature": 21.4}),
        ("engUnit", "", {"temperature": 70.52}),
        ("engUnit", "°C", {"temperature": 70.52}),
        ("colour", "degF", {"temperature": 70.52}),
    ],
)
def test_units(key: str, unit: str, expected: dict[str, float]) -> None:
    one = metric("Temperature", 70.52)
    one.properties.keys.append(key)
    one.properties.values.add(type=DataType.STRING, string_value=unit)
    assert only(one) == expected


def test_units_of_the_birth_go_for_the_data() -> None:
    born = payload(
        metric("Temperature", 70.52, alias=1, unit="degF"),
        metric("Battery", 80.0, alias=2, unit="%"),
    )
    data = payload(metric(value=71.6, alias=1), metric(value=79.0, alias=2), at=NOW + 1)
    decoded = told(("P/NBIRTH/N", born), ("P/NDATA/N", data))
    assert [values for *_, values in found(decoded)] == [
        {"temperature": 21.4, "battery_level": 80},
        {"temperature": 22, "battery_level": 79},
    ]


def test_times() -> None:
    early = metric("Temperature", 20.0, timestamp=NOW - 60_000, is_historical=True)
    both = payload(early, metric("Temperature", 21.0), metric("Humidity", 60.0))
    decoded = told(("P/NDATA/N", both))
    assert found(decoded) == [
        ("P.N", NOW - 60_000, {"temperature": 20}),
        ("P.N", NOW, {"temperature": 21, "humidity": 60}),
    ]
    assert decoded.batch.flags.tolist() == [0, 0]
    silent = told(("P/NDATA/N", payload(metric("Temperature", 20.0), at=None)))
    assert silent.batch.flags.tolist() == [Flag.SERVER_TIME]
    past = told(("P/NDATA/N", payload(metric("Temperature", 20.0), at=2**64 - 1)))
    assert reason(past).startswith("quarantine: t ")


@pytest.mark.parametrize(
    ("template", "topic", "name", "tag"),
    [
        ("{group}.{node}.{device}", "P/NDATA/N", "Temperature", "P.N"),
        ("{node}-{folder}", "P/NDATA/N", "Zone 1/Air/Temperature", "N-Zone 1.Air"),
        ("{node}-{folder}", "P/NDATA/N", "Temperature", "N"),
        ("spb-{device}", "P/DDATA/N/D", "Temperature", "spb-D"),
        ("{node}x", "P/DDATA/N/D", "Temperature", "Nx"),
    ],
)
def test_what_tags_are_called(template: str, topic: str, name: str, tag: str) -> None:
    decoded = told((topic, payload(metric(name, 5.0))), by=sparkplug(tag=template))
    assert [each for each, *_ in found(decoded)] == [tag]


ZONES = payload(
    metric("Zone1/Temperature", 1.0, alias=1), metric("Zone2/Temperature", 2.0, alias=2)
)


def test_two_metrics_that_would_be_one_are_refused_with_the_remedy() -> None:
    """The birth decides, so that it makes no difference which of them come together."""
    data = payload(metric(value=3.0, alias=2), at=NOW + 1)
    decoded = told(("P/NBIRTH/N", ZONES), ("P/NDATA/N", data))
    assert len(decoded.batch) == 0
    assert len(decoded.rejected) == 2
    assert "are all temperature of the tag 'P.N': let the option tag" in decoded.rejected[1].reason
    by_folder = told(("P/NBIRTH/N", ZONES), by=sparkplug(tag="{node}.{folder}"))
    assert [tag for tag, *_ in found(by_folder)] == ["N.Zone1", "N.Zone2"]
    named = sparkplug(quantities={"temperature": "Zone2/Temperature"})
    assert [values for *_, values in found(told(("P/NBIRTH/N", ZONES), by=named))] == [
        {"temperature": 2}
    ]
    unborn = told(("P/NDATA/N", ZONES))
    assert found(unborn) == [("P.N", NOW, {"temperature": 1})]
    assert "as 'Zone1/Temperature' is" in reason(unborn)


def test_templates_are_metrics_by_their_path() -> None:
    bay = Payload().metrics.add(name="Bay4", alias=9, datatype=DataType.TEMPLATE)
    bay.template_value.metrics.add(name="Temperature", datatype=9).float_value = 21.5
    inner = bay.template_value.metrics.add(name="Air", datatype=DataType.TEMPLATE)
    inner.template_value.metrics.add(name="Humidity", datatype=9).float_value = 60
    data = Payload().metrics.add(alias=9)
    data.template_value.metrics.add(name="Temperature").float_value = 22.5
    decoded = told(("P/NBIRTH/N", payload(bay)), ("P/NDATA/N", payload(data, at=NOW + 1)))
    assert decoded.rejected == []
    assert [values for *_, values in found(decoded)] == [
        {"temperature": 21.5, "humidity": 60},
        {"temperature": 22.5},
    ]


@pytest.mark.parametrize(
    "topic", ["spBv1.0/STATE/host", "STATE/host", "spBv1.0/P/NCMD/N", "spBv1.0/P/DCMD/N/D"]
)
def test_what_is_not_about_readings_is_passed_over(topic: str) -> None:
    by = route(Subscription(filter="#", format="sparkplug", tenant="acme"), KEEP)
    decoded = decode([Message(NOW, topic, b'{"online": true}')], [by], Memory())
    assert (len(decoded.batch), decoded.rejected) == (0, [])


@pytest.mark.parametrize(
    ("topic", "data", "expected"),
    [
        ("P/NDATA/N", b"\xff", "cannot be read as a payload of Sparkplug B"),
        ("P/NDATA/N", bytes.fromhex("12030a01ff"), "metric 0: its name b'.xff' is not UTF-8"),
        ("P/NDATA/N", payload(), "there is no metric in it"),
        ("P/NBIRTH/N", b"", "there is no metric in it"),
        ("P/NDATA/N", b" " * 300_000, "send it in parts"),
        ("P/NDATA/N", payload(metric(value=5.0)), "metric 0 has no name and no alias"),
        ("P/NDATA", BIRTH, "none of Sparkplug B: spBv1.0/{group}/NDATA/{node}"),
        ("P/NDATA/N/D", BIRTH, "none of Sparkplug B"),
        ("P/DDATA/N", BIRTH, "none of Sparkplug B"),
        ("P/XDATA/N", BIRTH, "none of Sparkplug B"),
        ("/NDATA/N", BIRTH, "has 0 characters"),
        (f"P/NDATA/{'x' * 63}", BIRTH, "option tag: the tag has 65 characters: 1 to 64"),
        ("P/NDATA/N", payload(metric("Temperature", "x", DataType.STRING)), "is a string: a numb"),
        ("P/NDATA/N", payload(metric("Temperature", True, DataType.BOOLEAN)), "it is a boolean"),
        ("P/NDATA/N", payload(metric("Temperature", 1.0, unit="furlong")), "'furlong' is not kno"),
        ("P/NDATA/N", payload(metric("Temperature", 1.0, unit="Pa")), "not measured in 'Pa'"),
        ("P/NDATA/N", payload(metric("Pressure", 1.7e308, unit="bar")), "it is too large"),
    ],
)
def test_what_cannot_be_used_is_told(topic: str, data: bytes, expected: str) -> None:
    decoded = told((topic, data))
    assert len(decoded.batch) == 0
    assert re.search(expected, reason(decoded)), reason(decoded)


def test_templates_that_are_nested_too_deep_are_told() -> None:
    bay = outer = Payload().metrics.add(name="a")
    for _ in range(20):
        outer = outer.template_value.metrics.add(name="a")
    outer.double_value = 1
    assert "templates are nested more than 8 deep" in reason(told(("P/NDATA/N", payload(bay))))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tags": 1}, "option tags: there is no such option: use others, quantities, tag"),
        ({"tag": "{tenant}.{node}"}, "'{tenant}' means nothing: use {group}.*the tenant is the"),
        ({"tag": "{group}/{node}"}, "a tag's name has no /"),
        ({"tag": "{group}"}, "put {node} or {device} in it"),
        ({"others": "yes"}, "option others is 'yes': write true or false"),
        ({"quantities": {"probe": {"name": "T", "unit": "x"}}}, "quantities.probe.unit: the unit"),
    ],
)
def test_options_that_cannot_be_used_are_told_at_the_start(
    options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(RouteError) as refused:
        sparkplug(**options)
    assert re.search(expected, str(refused.value)), str(refused.value)


# The memory of births


def test_memory_knows_what_was_so_when() -> None:
    memory = Memory()
    for at, value in ((5, b"b"), (1, b"a"), (9, b"c")):
        memory.remember("x", at, value)
    assert memory.history("x", 8) == [(5, b"b"), (1, b"a")]
    assert memory.history("y", 8) == []
    memory.forget(5)
    assert memory.history("x", 9) == [(9, b"c"), (5, b"b")], "what was so at 5 is still known"
    for at in range(100, 100 + 2 * VERSIONS):
        memory.remember("x", at, b"d")
    assert len(memory.history("x", 1000)) == VERSIONS


def test_the_registry_forgets_what_has_been_over_for_long() -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    memory = Memory()
    kept = Memories(memory)
    for subject, at in (("x", 1), ("x", 5), ("x", 9), ("y", 2)):
        memory.remember(subject, at, b"v%d" % at)
    with Session(engine) as session_, session_.begin():
        kept.write(session_)
    kept.clear()
    assert memory.fresh() == []
    with Session(engine) as session_, session_.begin():
        kept.expire(session_, 6)
    with Session(engine) as session_:
        rows = session_.execute(select(FormatMemory.subject, FormatMemory.since)).all()
        assert sorted(tuple(row) for row in rows) == [("x", 5), ("x", 9), ("y", 2)]
        again = Memory()
        Memories(again).restore(session_)
    assert again.history("x", 10) == memory.history("x", 10) == [(9, b"v9"), (5, b"v5")]
    engine.dispose()


def test_remembered_facts_are_read_back() -> None:
    memory, again = Memory(), Memory()
    told(("P/DBIRTH/N/D", BIRTH), memory=memory)
    again.restore([Remembered(*fact) for fact in memory.fresh()])
    assert again.fresh() == [], "the registry has them"
    assert len(told(("P/DDATA/N/D", BY_ALIAS), memory=again).batch) == 1


# Whatever comes

numbers = st.floats(width=64) | st.sampled_from([0.0, 21.5, 1e308])
metrics = st.builds(
    metric,
    st.sampled_from(["", "Temperature", "a/Temperature", "Humidity", "x", "bdSeq"]),
    st.none() | numbers,
    unit=st.sampled_from(["", "degF", "furlong", "%"]),
    alias=st.integers(0, 3),
    is_null=st.booleans(),
)
typed = st.builds(
    lambda type_, raw: metric("CO2", raw, type_),
    st.sampled_from([t for t in DataType if FIELDS.get(t, "int_value") == "int_value"]),
    st.integers(0, 2**32 - 1),
)
payloads = st.binary(max_size=40) | st.builds(
    payload,
    metrics | typed,
    metrics,
    at=st.sampled_from([None, NOW, NOW + 5, 0, 2**64 - 1]),
    seq=st.integers(0, 255),
)
topics = st.sampled_from(
    [f"P/{kind}/N" for kind in ("NBIRTH", "NDATA", "NDEATH", "NCMD")]
    + [f"P/{kind}/N/D" for kind in ("DBIRTH", "DDATA", "DDEATH")]
    + ["STATE/x", "P/NDATA", "x"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(topics, payloads), max_size=5))
def test_whatever_comes_nothing_stumbles(messages: list[tuple[str, bytes]]) -> None:
    entry = [Message(NOW + n, f"spBv1.0/{topic}", data) for n, (topic, data) in enumerate(messages)]
    require_sane(entry, sparkplug(), apart=False)
    data = [each for each in entry if "DATA" in each.topic]
    require_sane(data, sparkplug(others=True))
