"""Mapped JSON: what the options say is taken, and what is wrong with either is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats import Decoded, Memory, RouteError, decode, route
from ingest.formats.paths import PathError, follow, path
from ingest.formats.units import UnitError, conversion, names
from ingest.message import Message
from lots.clock import DAY_MS
from lots.readings.batch import Flag, TagKey
from lots.settings import Subscription, load
from tests.formats.anything import as_json, objects, require_sane, values
from tests.formats.pages import PAGES
from tests.formats.pages import told as told_by

NOW = 1_763_766_000_000  # 2025-11-21T23:00:00Z
KEEP = 400 * DAY_MS
TOPIC = "sensors/shed-4/state"
BY_TOPIC = {"topic": "sensors/{tag}/state"}


def row(options: dict[str, Any]) -> Subscription:
    return Subscription(filter="sensors/#", format="mapped", tenant="acme", options=options)


def told(options: dict[str, Any], payload: Any, topic: str = TOPIC) -> Decoded:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    whole = {"quantities": {"temperature": "t"}, **options}
    return decode([Message(NOW, topic, raw)], [route(row(whole), KEEP)], Memory())


def reason(decoded: Decoded) -> str:
    (rejected,) = decoded.rejected
    assert rejected.tenant == "acme"
    return rejected.reason


def one(decoded: Decoded) -> dict[str, float]:
    assert decoded.rejected == []
    assert len(decoded.batch) == 1
    return {name: float(column[0]) for name, column in decoded.batch.values.items()}


def test_the_samples_of_the_page_say_what_the_page_says() -> None:
    first, second = told_by("mapped.md")
    assert one(first) == {
        "temperature": 21.4,
        "humidity": 63.2,
        "battery": 2.98,
        "door": 0,
        "co2": 412,
    }
    assert first.batch.tags == (TagKey("acme", "shed-4"),)
    assert first.batch.time.tolist() == [NOW]
    assert second.rejected == []
    assert [tag.tag for tag in second.batch.tags] == ["a1", "a2"]
    assert second.batch.time.tolist() == [NOW, NOW + 600_000], "midnight in Berlin is 23:00 UTC"
    assert (second.batch.boot.tolist(), second.batch.seq.tolist()) == ([17, 17], [5, 9])
    np.testing.assert_array_equal(second.batch.values["humidity"], [63.2, np.nan])


def test_a_row_of_the_settings_in_a_file_and_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).resolve().parents[2] / "docs" / "formats" / "mapped.md"
    text = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "dunnage.toml").write_text(text, encoding="utf-8")
    (of_file,) = load().subscriptions
    monkeypatch.setenv("DUNNAGE_SUBSCRIPTIONS", json.dumps([of_file.model_dump(mode="json")]))
    (tmp_path / "dunnage.toml").unlink()
    (of_environment,) = load().subscriptions
    assert of_file == of_environment
    payload = b'{"at": 1763766000, "data": {"sensors": [{"temp": 70.52}]}}'
    for each in (of_file, of_environment):
        decoded = decode([Message(NOW, TOPIC, payload)], [route(each, KEEP)], Memory())
        assert one(decoded) == {"temperature": 21.4}


@pytest.mark.parametrize(
    ("text", "content", "expected"),
    [
        ("a", {"a": 1}, 1),
        ("a.b", {"a": {"b": 2}}, 2),
        ("$.a.b", {"a": {"b": 2}}, 2),
        ("$id", {"$id": 3}, 3),
        ("a[0].b", {"a": [{"b": 3}]}, 3),
        ("a[-1]", {"a": [1, 2]}, 2),
        ("a[5]", {"a": [1, 2]}, None),
        ("a[-3]", {"a": [1, 2]}, None),
        ("[1]", [1, 2], 2),
        ("[0][1]", [[1, 2]], 2),
        ('a["b.c"].d', {"a": {"b.c": {"d": 4}}}, 4),
        ('["b c"]', {"b c": 5}, 5),
        ("a[name=temp].v", {"a": [7, {"name": "hum", "v": 1}, {"name": "temp", "v": 6}]}, 6),
        ("a[id=7].v", {"a": [{"id": 7, "v": 1}]}, 1),
        ("a[id=8].v", {"a": [{"id": 7, "v": 1}]}, None),
        ("Sensor 1.température", {"Sensor 1": {"température": 8}}, 8),
        ("a.b", {"a": [1]}, None),
        ("a[0]", {"a": {"0": 1}}, None),
        ("a.b", None, None),
    ],
)
def test_paths(text: str, content: Any, expected: Any) -> None:
    assert follow(path(text).steps, content) == expected


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a]b", "a[0]b", "a.[0]", "a[*][*]", "$."],
)
def test_what_is_no_path_is_told(text: str) -> None:
    with pytest.raises(PathError, match=r"is no path: write names|more than once"):
        path(text)


@pytest.mark.parametrize(
    ("quantity", "unit", "value", "expected"),
    [
        ("temperature", "°F", 70.52, 21.4),
        ("temperature", "degF", -40, -40),
        ("temperature", "K", 294.55, 21.4),
        ("probe", "Cel", 21.4, 21.4),
        ("humidity", "%", 63.2, 63.2),
        ("humidity", "0..1", 0.632, 63.2),
        ("humidity", "‰", 632, 63.2),
        ("pressure", "Pa", 100_820, 1008.2),
        ("pressure", "kPa", 100.82, 1008.2),
        ("pressure", "mbar", 1008.2, 1008.2),
        ("pressure", "inHg", 29.92, 1013.2075),  # 29.92 inHg at 0 °C: the standard atmosphere
        ("pressure", "mm Hg", 760, 1013.25),
        ("pressure", "psi", 14.6959, 1013.25),
        ("battery", "mV", 2980, 2.98),
        ("shock", "m/s2", 9.80665, 1),
        ("shock", "mg", 1500, 1.5),
        ("tilt", "rad", np.pi, 180),
        ("light", "klx", 1.5, 1500),
        ("inlet", "degF", 70.52, 21.4),
    ],
)
def test_units(quantity: str, unit: str, value: float, expected: float) -> None:
    assert conversion(quantity, unit)(value) == pytest.approx(expected, rel=1e-5)


def test_units_that_do_not_fit_name_those_that_do() -> None:
    with pytest.raises(UnitError, match=r"'furlong' is not known: use one of °C, °F, K$"):
        conversion("temperature", "furlong")
    with pytest.raises(UnitError, match="battery is not measured in '%': use one of V, mV"):
        conversion("battery", "%")
    with pytest.raises(UnitError, match=r"°C.*hPa.*lx"):
        conversion("co2", "ppm")


def test_the_page_has_all_units() -> None:
    table = (PAGES / "mapped.md").read_text(encoding="utf-8").split("## Units")[1]
    documented = {word.strip("`(),") for word in table.split()}
    assert set(names(None).split(", ")) <= documented


@pytest.mark.parametrize(
    ("quantity", "value", "expected"),
    [
        ({"path": "t", "scale": 0.1}, 214, 21.4),
        ({"path": "t", "scale": 0.1, "offset": -40}, 614, 21.4),
        ({"path": "t", "scale": 0.01, "unit": "°F"}, 7052, 21.4),
        ({"path": "t", "offset": 1, "unit": "K"}, 293.55, 21.4),
        ("t", "21.4", 21.4),
        ("t", " -2e1 ", -20.0),
        ({"path": "t", "values": {"warm": 25}}, "warm", 25.0),
    ],
)
def test_values(quantity: Any, value: Any, expected: float) -> None:
    decoded = told({**BY_TOPIC, "quantities": {"temperature": quantity}}, {"t": value})
    assert one(decoded) == {"temperature": expected}


def test_truth_is_a_number_where_that_makes_sense() -> None:
    options = {
        **BY_TOPIC,
        "quantities": {
            "door": "d",
            "alarm": "a",
            "lid": {"path": "l", "values": {"true": 7}},
        },
    }
    assert one(told(options, {"d": True, "a": False, "l": True})) == {
        "door": 1,
        "alarm": 0,
        "lid": 7,
    }


@pytest.mark.parametrize(
    ("time", "value", "expected", "flags"),
    [
        ("at", NOW - 5, NOW - 5, Flag(0)),
        ("at", NOW // 1000, NOW, Flag.SECONDS),
        ("at", "2025-11-21T23:00:00.5Z", NOW + 500, Flag(0)),
        ("at", "2025-11-22T00:00:00+01:00", NOW, Flag(0)),
        ("at", str(NOW), NOW, Flag(0)),
        ("at", None, NOW, Flag.SERVER_TIME),
        ({"path": "at", "form": "s"}, NOW / 1000, NOW, Flag(0)),
        ({"path": "at", "form": "s"}, str(NOW // 1000), NOW, Flag(0)),
        ({"path": "at", "form": "us"}, NOW * 1000, NOW, Flag(0)),
        ({"path": "at", "zone": "Europe/Berlin"}, "2025-11-22T00:00:00", NOW, Flag(0)),
        ({"path": "at", "form": "iso8601", "zone": "UTC"}, "20251121T230000", NOW, Flag(0)),
        ({"path": "at", "form": "iso8601", "zone": "UTC"}, "2025-11-21T22:00-01:00", NOW, Flag(0)),
        (
            {"path": "at", "form": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"},
            "22.11.2025 00:00",
            NOW,
            Flag(0),
        ),
        ({"path": "at", "form": "%Y-%m-%d %H:%M %z"}, "2025-11-21 23:00 +0000", NOW, Flag(0)),
        ({"path": "at", "form": "ms", "by": "gateway"}, NOW - 5, NOW - 5, Flag.NETWORK_TIME),
    ],
)
def test_times(time: Any, value: Any, expected: int, flags: Flag) -> None:
    decoded = told({**BY_TOPIC, "time": time}, {"t": 1, "at": value})
    assert one(decoded)
    assert (decoded.batch.time.tolist(), decoded.batch.flags.tolist()) == ([expected], [flags])


def test_the_hour_that_comes_twice_is_the_first() -> None:
    time = {"path": "at", "zone": "Europe/Berlin"}
    decoded = told({**BY_TOPIC, "time": time}, {"t": 1, "at": "2025-10-26T02:30:00"})
    assert decoded.batch.time.tolist() == [1_761_438_600_000]  # 00:30 UTC, still summer time


def test_a_wrong_clock_is_corrected_by_sent() -> None:
    options = {**BY_TOPIC, "time": "at", "sent": {"path": "now", "form": "ms"}}
    decoded = told(options, {"t": 1, "at": 5000, "now": 65_000})
    assert decoded.batch.time.tolist() == [NOW - 60_000]
    assert decoded.batch.flags.tolist() == [Flag.CLOCK_CORRECTED]


def test_counters_decide_what_is_the_same_reading() -> None:
    options = {**BY_TOPIC, "time": "at", "boot": "b", "seq": "n"}
    payload = {"t": 1, "at": NOW, "b": 17, "n": "4021"}
    counted = told(options, payload).batch
    assert (counted.boot.tolist(), counted.seq.tolist()) == ([17], [4021])
    assert told(options, {**payload, "t": 2}).batch.key.tolist() == counted.key.tolist()
    assert told(BY_TOPIC, payload).batch.key.tolist() != counted.key.tolist()


@pytest.mark.parametrize(
    ("options", "topic", "payload", "tag"),
    [
        ({"topic": "sensors/{tag}/state"}, "sensors/a b/state", {}, "a b"),
        ({"topic": "sensors/dev-{tag}.x/+"}, "sensors/dev-7.x/state", {}, "7"),
        ({"topic": "sensors/+/{tag}/#"}, "sensors/a/b/c/d", {}, "b"),
        ({"topic": "sensors/{tag}"}, "sensors/a.b", {}, "a.b"),
        ({"tag": "dev.id"}, TOPIC, {"dev": {"id": "x-9"}}, "x-9"),
        ({"tag": "id"}, TOPIC, {"id": 42}, "42"),
    ],
)
def test_tags(options: dict[str, Any], topic: str, payload: dict[str, Any], tag: str) -> None:
    decoded = told(options, {"t": 1, **payload}, topic)
    assert decoded.rejected == []
    assert decoded.batch.tags == (TagKey("acme", tag),)


def test_arrays_side_by_side() -> None:
    options = {**BY_TOPIC, "time": "at[*]", "quantities": {"temperature": "t[*]"}}
    decoded = told(options, {"at": [NOW, NOW + 1], "t": [1, 2]})
    assert decoded.batch.time.tolist() == [NOW, NOW + 1]
    unequal = reason(told(options, {"at": [NOW], "t": [1, 2]}))
    assert unequal.endswith("not of one length: t[*] has 2, at[*] has 1")


def test_nothing_bad_takes_the_good_with_it() -> None:
    options = {"tag": "r[*].id", "boot": "b", "seq": "r[*].n", "quantities": {"co2": "r[*].c"}}
    good = {"id": "a", "n": 1, "c": 400}
    bad = [
        {"id": "a", "n": 2, "c": "?"},
        {"id": "a", "n": 3},
        {"id": ["a"], "c": 1},
        7,
        {"id": "a", "n": -1, "c": 1},
    ]
    decoded = told(options, {"b": 1, "r": [good, *bad, {**good, "n": 9}]})
    assert decoded.batch.seq.tolist() == [1, 9]
    text = reason(decoded)
    assert "reading 1: r[*].c is '?': co2 is to be a number; words are translated by" in text
    assert "reading 2: no quantity is in it: there is nothing at r[*].c" in text
    assert "reading 3: r[*].id is list: the tag's name is to be there" in text
    assert "reading 4: r[*].id is None" in text
    assert "reading 5: r[*].n is -1: it is to be a whole number" in text
    assert [(each.boot, each.seq) for each in decoded.spent] == [(1, 2), (1, 3)]


@pytest.mark.parametrize(
    ("options", "payload", "expected"),
    [
        (BY_TOPIC, b"\xff", "cannot be read as JSON"),
        (BY_TOPIC, b'{"a":' * 20_000, "nested too deep"),
        (BY_TOPIC, b" " * 300_000, "send it in parts"),
        (BY_TOPIC, [], "there is nothing at t"),
        (BY_TOPIC, {"t": True}, "t is True: temperature is to be a number"),
        (BY_TOPIC, {"t": "warm"}, "t is 'warm'.*translated by quantities.temperature.values"),
        (BY_TOPIC, {"t": "1e999"}, "t is '1e999'"),
        (BY_TOPIC, {"t": "NaN"}, "t is 'NaN'"),
        ({**BY_TOPIC, "quantities": {"temperature": "a[*]"}}, {"a": 1}, r"a\[\*\] goes through"),
        ({**BY_TOPIC, "quantities": {"temperature": "a[*]"}}, {"a": []}, "has 0 items: send 1"),
        ({**BY_TOPIC, "time": "d.at"}, {"t": 1, "d": {"at": "soon"}}, "d.at is 'soon': that is no"),
        ({**BY_TOPIC, "time": "at"}, {"t": 1, "at": "2025-11-21 23:00"}, "names no time zone: add"),
        ({**BY_TOPIC, "time": "at"}, {"t": 1, "at": [1]}, "at is list: it is to be a time"),
        ({**BY_TOPIC, "time": {"path": "at", "form": "s"}}, {"t": 1, "at": "x"}, "is a number"),
        ({**BY_TOPIC, "time": "at"}, {"t": 1, "at": 5}, "quarantine: t 5 is no time"),
        ({"topic": "other/{tag}"}, {"t": 1}, "does not fit the option topic, 'other/{tag}'"),
        ({"tag": "id"}, {"t": 1, "id": ""}, "tag has 0 characters"),
        ({"tag": "id"}, {"t": 1, "id": "a/b"}, "a tag's name has no /"),
        ({"tag": "id"}, {"t": 1, "id": "a\nb"}, "cannot be printed"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_path(
    options: dict[str, Any], payload: Any, expected: str
) -> None:
    decoded = told(options, payload)
    assert len(decoded.batch) == 0
    assert re.search(expected, reason(decoded)), reason(decoded)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "option quantities is missing"),
        ({"quantities": {}}, "option quantities is missing"),
        ({"quantities": ["t"]}, "option quantities is list: write a table"),
        ({"quantities": {"t": "t"}}, "the tag's name is nowhere: add the option topic"),
        ({"tag": "a", **BY_TOPIC}, "options topic and tag both"),
        ({"topic": "a/{tenant}/{tag}"}, "option topic: {tenant} cannot be in it.*beside filter"),
        ({"topic": "a/{name}/{tag}"}, "'{name}' means nothing: {tag} is what there is"),
        ({"topic": "a/b"}, "option topic is 'a/b': put {tag}"),
        ({"topic": "{tag}/{tag}"}, "once"),
        ({"topic": 5}, "option topic is 5: write text"),
        ({"tag": "a..b"}, "option tag: 'a..b' is no path"),
        ({"tag": "a", "tags": 1}, "option tags: there is no such option: use boot,"),
        ({**BY_TOPIC, "quantities": {"time": "t"}}, "option quantities.time: time is reserved"),
        ({**BY_TOPIC, "quantities": {"1a": "t"}}, "option quantities.1a: '1a' cannot be"),
        ({**BY_TOPIC, "quantities": {"co2": 7}}, "option quantities.co2 is 7: write a path, or"),
        ({**BY_TOPIC, "quantities": {"co2": {"unit": "K"}}}, "quantities.co2.path is missing"),
        ({**BY_TOPIC, "quantities": {"co2": {"path": "a[", "unit": "K"}}}, "co2.path: 'a\\['"),
        (
            {**BY_TOPIC, "quantities": {"probe": {"path": "t", "unit": "furlong"}}},
            "option quantities.probe.unit: the unit 'furlong' is not known: use one of °C, °F, K",
        ),
        (
            {**BY_TOPIC, "quantities": {"probe": {"path": "t", "factor": 2}}},
            "option quantities.probe.factor: there is no such option: use offset, path",
        ),
        ({**BY_TOPIC, "quantities": {"probe": {"path": "t", "scale": 0}}}, "scale is 0"),
        ({**BY_TOPIC, "quantities": {"probe": {"path": "t", "scale": "x"}}}, "write a number"),
        (
            {**BY_TOPIC, "quantities": {"door": {"path": "t", "values": {"open": "1"}}}},
            "option quantities.door.values.open is '1': write a number",
        ),
        ({**BY_TOPIC, "time": {"form": "s"}}, "option time.path is missing"),
        ({**BY_TOPIC, "time": {"path": "a", "form": "min"}}, "time.form is 'min': use one of auto"),
        ({**BY_TOPIC, "time": {"path": "a", "form": "%H:%M"}}, "in which no year is"),
        ({**BY_TOPIC, "time": {"path": "a", "form": "%Y %Q"}}, "bad directive"),
        ({**BY_TOPIC, "time": {"path": "a", "form": "%Y %Y"}}, "twice"),
        ({**BY_TOPIC, "time": {"path": "a", "zone": "Mars"}}, "time.zone is 'Mars': there is no"),
        ({**BY_TOPIC, "time": {"path": "a", "zone": "../x"}}, "there is no such zone"),
        ({**BY_TOPIC, "time": {"path": "a", "form": "s", "zone": "UTC"}}, "has no zone"),
        ({**BY_TOPIC, "time": {"path": "a", "by": "me"}}, "time.by is 'me': write device or"),
        ({**BY_TOPIC, "time": 5}, "option time is 5"),
    ],
)
def test_options_that_cannot_be_used_are_told_at_the_start(
    options: dict[str, Any], expected: str
) -> None:
    whole = (
        options
        if not options or "quantities" in options
        else {
            "quantities": {"temperature": "t"},
            **options,
        }
    )
    with pytest.raises(RouteError) as refused:
        route(row(whole), KEEP)
    text = str(refused.value)
    assert text.startswith("'sensors/#' in format 'mapped': ")
    assert re.search(expected, text), text


def test_a_tenant_is_needed() -> None:
    with pytest.raises(RouteError, match=r"has no tenant.*name it: tenant"):
        route(Subscription(filter="x", format="mapped", options={"tag": "a"}), KEEP)


SINGLE = route(
    row({
        "tag": "id", "time": {"path": "at", "zone": "UTC"}, "sent": "sent", "boot": "boot",
        "seq": "seq", "quantities": {"temperature": {"path": "t", "unit": "°F"}, "door": "d.x[0]"},
    }),
    KEEP,
)  # fmt: skip
MANY = route(
    row({"tag": "r[*].id", "time": "r[*].at", "quantities": {"co2": "r[*].c", "light": "all"}}),
    KEEP,
)
single = as_json(objects(["id", "at", "sent", "boot", "seq", "t", "d"]) | values)
many = as_json(st.fixed_dictionaries({"r": st.lists(objects(["id", "at", "c"])), "all": values}))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=40) | single | many, max_size=4))
def test_whatever_comes_every_message_is_used_or_told(payloads: list[bytes]) -> None:
    entry = [Message(NOW, TOPIC, payload) for payload in payloads]
    for each in (SINGLE, MANY):
        require_sane(entry, each)
        for message in entry:
            decoded = decode([message], [each], Memory())
            assert len(decoded.batch) or decoded.rejected
