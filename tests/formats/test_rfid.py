"""RFID readers: every event becomes a sighting or is told, and EPCs are what GS1 says."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats import Decoded, Kind, Memory, RouteError, Sighting, decode, route
from ingest.formats.epcs import Urns
from ingest.formats.rows import Unusable
from ingest.message import MAX_PAYLOAD_BYTES, Message
from lots.clock import DAY_MS
from lots.settings import Subscription

NOW = 1_763_766_000_000  # 2025-11-21T23:00:00Z
AT = "2025-11-21T22:59:59.500Z"
KEEP = 400 * DAY_MS
PAGES = Path(__file__).resolve().parents[2] / "docs" / "formats"
SGTIN = "3074257BF7194E4000001A85"
SGTIN_URN = "urn:epc:id:sgtin:0614141.812345.6789"


def routes(name: str, **options: Any) -> Any:
    tenant = "" if name == "reads" else "acme"
    rows = {
        "reads": "dunnage/v1/+/+/reads",
        "impinj": "impinj/+/events",
        "zebra": "zebra/+/data",
    }
    row = Subscription(filter=rows[name], format=name, tenant=tenant, options=options)
    return [route(row, KEEP)]


TOPICS = {
    "reads": "dunnage/v1/acme/dock-3/reads",
    "impinj": "impinj/dock-3/events",
    "zebra": "zebra/dock-3/data",
}


def told(name: str, content: Any, topic: str = "", **options: Any) -> Decoded:
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    messages = [Message(NOW, topic or TOPICS[name], payload)]
    return decode(messages, routes(name, **options), Memory())


def seen(name: str, content: Any, **options: Any) -> list[Sighting]:
    decoded = told(name, content, **options)
    assert decoded.rejected == []
    assert len(decoded.batch) == 0
    return list(decoded.sightings)


def reason(decoded: Decoded) -> str:
    (rejected,) = decoded.rejected
    return rejected.reason


def impinj(**tag: Any) -> dict[str, Any]:
    return {
        "timestamp": AT,
        "hostname": "impinj-14-02-af",
        "eventType": "tagInventory",
        "tagInventoryEvent": {"epcHex": SGTIN} | tag,
    }


def zebra(**data: Any) -> dict[str, Any]:
    return {
        "type": "SIMPLE",
        "timestamp": AT.replace("Z", "+0000"),
        "data": {"eventNum": 1, "format": "epc", "idHex": SGTIN, "hostName": "FX96"} | data,
    }


EPCS = {
    # Of the GS1 EPC Tag Data Standard 1.13, and of Odoo's and Nedap's published examples.
    SGTIN: SGTIN_URN,
    SGTIN.lower(): SGTIN_URN,
    "3174257BF4499602D2000000": "urn:epc:id:sscc:0614141.1234567890",
    "3274257BF46072000000162E": "urn:epc:id:sgln:0614141.12345.5678",
    "3376451FD40C0E400000162E": "urn:epc:id:grai:9521141.12345.5678",
    "3476451FD40000000000162E": "urn:epc:id:giai:9521141.5678",
    "2D76451FD4499602D2000000": "urn:epc:id:gsrn:9521141.1234567890",
    "2C76451FD46072000000162E": "urn:epc:id:gdti:9521141.12345.5678",
    "3500E86F8000A9E000000586": "urn:epc:id:gid:952056.2718.1414",
    "3676451FD40C0E59B2C2BF1000000000000000000000000000": "urn:epc:id:sgtin:9521141.012345.32a%2Fb",
    "3976451FD46072CD9615F8800000000000000000000000000000": "urn:epc:id:sgln:9521141.12345.32a%2Fb",
    # No scheme, a partition that there is not, an item reference that is too long, too short.
    "E28011606000020934D6FAF7": "urn:epc:raw:96.xE28011606000020934D6FAF7",
    "301C257BF7194E4000001A85": "urn:epc:raw:96.x301C257BF7194E4000001A85",
    "3074FFFFFFFFFFFFFFFFFFFF": "urn:epc:raw:96.x3074FFFFFFFFFFFFFFFFFFFF",
    "303456": "urn:epc:raw:24.x303456",
}


@pytest.mark.parametrize("digits", EPCS)
def test_an_epc_becomes_the_urn_of_its_scheme(digits: str) -> None:
    assert Urns().of(digits) == EPCS[digits]


@given(st.binary(min_size=2, max_size=62))
def test_any_epc_memory_has_a_urn(memory: bytes) -> None:
    urn = Urns().of(memory.hex())
    assert re.fullmatch(r"urn:epc:(id:[a-z]+|raw):[!-~]{1,290}", urn)


@pytest.mark.parametrize("code", ["", "30", "3", "30745", "xyz", 5, None, "urn:x:1", "30" * 63])
def test_what_is_no_epc_is_told(code: object) -> None:
    with pytest.raises(Unusable, match="hexadecimal"):
        Urns().of(code)


def test_urns_are_taken_as_they_are_and_tag_uris_by_what_they_name() -> None:
    assert Urns().of(SGTIN_URN) == SGTIN_URN
    assert Urns().of("urn:epc:tag:sgtin-96:3.0614141.812345.6789") == SGTIN_URN
    with pytest.raises(Unusable, match="breaks its scheme"):
        Urns().of("urn:epc:tag:sgtin-96:3.0614141.8123.1")


def test_reads_give_sightings() -> None:
    event = {"epc": SGTIN, "antenna": 2, "t": NOW - 500, "rssi": -52.5, "tid": "E2"}
    assert seen("reads", event) == [
        Sighting("acme", "dock-3", 2, SGTIN_URN, NOW - 500, -52.5),
    ]
    assert seen("reads", [{"epc": SGTIN}]) == [Sighting("acme", "dock-3", 0, SGTIN_URN, NOW, None)]
    in_seconds = {"epc": SGTIN, "t": NOW // 1000 - 7}
    assert seen("reads", in_seconds)[0].time == NOW - 7000
    never_set = {"epc": SGTIN, "t": 1000, "sent": 4000}
    assert seen("reads", never_set)[0].time == NOW - 3000


def test_the_good_part_of_a_message_stays() -> None:
    decoded = told(
        "reads",
        [{"epc": SGTIN}, {"epc": "?"}, 5, {"epc": SGTIN, "antenna": -1}, {"epc": SGTIN, "t": 5}],
    )
    assert len(decoded.sightings) == 1
    (rejected,) = decoded.rejected
    assert (rejected.kind, rejected.tenant) == (Kind.UNUSABLE, "acme")
    for part in ("event 1: the EPC", "event 2: it is 5", "event 3: the antenna", "event 4: t 5"):
        assert part in rejected.reason


def test_a_reader_without_a_clock_is_in_quarantine() -> None:
    decoded = told("impinj", impinj(lastSeenTime="1970-01-01T00:00:07Z"))
    assert [each.kind for each in decoded.rejected] == [Kind.QUARANTINE]
    assert decoded.sightings == []


def test_an_impinj_event_gives_a_sighting() -> None:
    event = impinj(antennaPort=3, peakRssiCdbm=-5250)
    expected = Sighting("acme", "impinj-14-02-af", 3, SGTIN_URN, NOW - 500, -52.5)
    assert seen("impinj", event) == [expected]
    assert seen("impinj", [event, event]) == [expected, expected]
    in_a_row = (json.dumps(event) + "\n" + json.dumps(event) + "\r\n").encode()
    assert seen("impinj", in_a_row) == [expected, expected]
    later = impinj(lastSeenTime="2025-11-21T22:59:59.900123456Z")
    assert seen("impinj", later)[0].time == NOW - 100


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_an_impinj_epc_may_be_base64(alphabet: Any) -> None:
    digits = "E2FBFFFE6000020934D6FAF7"  # + / in one alphabet, - _ in the other
    coded = alphabet(bytes.fromhex(digits)).decode()
    assert seen("impinj", impinj(epcHex=None, epc=coded))[0].epc == f"urn:epc:raw:96.x{digits}"


@pytest.mark.parametrize(
    "event",
    [
        {"timestamp": AT, "eventType": "inventoryStatus", "inventoryStatusEvent": {}},
        {"timestamp": AT, "antennaConnectedEvent": {"antennaPort": 2}},
        {"timestamp": AT, "eventType": "gpiTransition", "gpiTransitionEvent": {"gpi": 1}},
    ],
)
def test_news_of_an_impinj_reader_itself_is_passed_over(event: dict[str, Any]) -> None:
    assert seen("impinj", event) == []
    assert len(seen("impinj", [event, impinj()])) == 1


def test_a_zebra_event_gives_a_sighting() -> None:
    expected = Sighting("acme", "FX96", 2, SGTIN_URN, NOW - 500, -52.0)
    event = zebra(antenna=2, peakRssi=-52)
    assert seen("zebra", event) == [expected]
    assert seen("zebra", [event, event]) == [expected, expected]
    assert seen("zebra", (json.dumps(event) * 3).encode()) == [expected] * 3
    custom = event | {"type": "CUSTOM", "timestamp": None, "timeStamp": AT}
    assert seen("zebra", custom) == [expected]
    batch = {"type": "INVENTORY", "timestamp": AT, "data": {"tagData": [event["data"]] * 2}}
    assert seen("zebra", batch) == [expected, expected]
    by_mac = zebra(hostName=None, MAC="C4:7D:CC:12:34:56")
    assert seen("zebra", by_mac)[0].reader == "C4:7D:CC:12:34:56"


def test_of_several_tags_in_a_zebra_event_the_good_ones_stay() -> None:
    good = zebra()["data"]
    event = {"type": "CUSTOM", "timestamp": AT, "data": [good, good | {"idHex": "?"}, good]}
    decoded = told("zebra", event)
    assert len(decoded.sightings) == 2
    assert reason(decoded).startswith("tag 1: the EPC")


@pytest.mark.parametrize(
    "event", [{"type": "heartbeat", "data": {"cpu": 4}}, {"eventType": "gpi", "timestamp": AT}]
)
def test_news_of_a_zebra_reader_itself_is_passed_over(event: dict[str, Any]) -> None:
    assert seen("zebra", event) == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_are_quarantined(at: str) -> None:
    for name, event in (
        ("impinj", impinj(lastSeenTime=at)),
        ("zebra", zebra() | {"timestamp": at}),
    ):
        decoded = told(name, event)
        assert decoded.sightings == []
        assert decoded.rejected[0].kind is Kind.QUARANTINE


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("reads", b"", "cannot be read|empty"),
        ("reads", b"\xff\xfe", "cannot be read as JSON"),
        ("reads", b"[" * 100_000, "cannot be read as JSON"),
        ("reads", b'{"epc": NaN}', "cannot be read as JSON"),
        ("reads", b" " * (MAX_PAYLOAD_BYTES + 1), "longer than"),
        ("reads", [{}] * 10_001, "10001 events"),
        ("reads", {"epc": SGTIN, "rssi": "loud"}, "rssi is 'loud'"),
        ("reads", {"epc": SGTIN, "t": 10**400}, "t is"),
        ("reads", {"temperature": 21.5}, "the EPC is None"),
        ("impinj", {"temperature": 21.5}, "no event"),
        ("impinj", {"tagInventoryEvent": None}, "no event"),
        ("impinj", impinj(epcHex=None, epc="?!"), "not base64"),
        ("impinj", impinj(epcHex=None), "neither epc nor epcHex"),
        ("impinj", impinj(lastSeenTime="2025-11-21T22:59:59"), "date, time and zone"),
        ("impinj", impinj(peakRssiCdbm="-52"), "peakRssiCdbm is"),
        ("impinj", impinj() | {"hostname": None}, "reader_level"),
        ("impinj", impinj() | {"hostname": "x" * 65}, "65 characters"),
        ("zebra", {"temperature": 21.5}, "no event"),
        ("zebra", zebra(format="tid"), "format 'tid'"),
        ("zebra", zebra(antenna=True), "the antenna is True"),
        ("zebra", zebra(hostName=None), "does not name the reader"),
        ("zebra", [zebra(), "x"][1:], "no event"),
    ],
)
def test_what_cannot_be_used_is_told(name: str, content: Any, why: str) -> None:
    decoded = told(name, content)
    assert re.search(why, reason(decoded)), reason(decoded)
    assert decoded.rejected[0].tenant == "acme"
    assert decoded.sightings == []


def test_a_topic_that_is_none_is_told() -> None:
    payload = [Message(NOW, "dunnage/v1/acme/ /reads", b'{"epc": "3000"}')]
    (rejected,) = decode(payload, routes("reads"), Memory()).rejected
    assert "the reader has 1 characters" in rejected.reason


def test_options_name_the_reader() -> None:
    assert seen("zebra", zebra(), reader="gate")[0].reader == "gate"
    assert seen("zebra", zebra(hostName=None), reader_level=1)[0].reader == "dock-3"
    assert "does not name" in reason(told("zebra", zebra(), reader_level=7))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"x": 1}, "no option"),
        ({"reader": ""}, "as a text"),
        ({"reader_level": "1"}, "from 0 on"),
        ({"reader": "a", "reader_level": 1}, "keep one"),
    ],
)
def test_options_that_cannot_be_are_told(options: dict[str, Any], why: str) -> None:
    with pytest.raises(RouteError, match=why):
        routes("impinj", **options)
    if options == {"x": 1}:
        with pytest.raises(RouteError, match="no options"):
            routes("reads", **options)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = ["epc", "epcHex", "tagInventoryEvent", "data", "tagData", "idHex", "antenna", "t", "type"]


@given(
    st.sampled_from(["reads", "impinj", "zebra"]),
    st.binary(max_size=60)
    | (
        json_values
        | st.dictionaries(st.sampled_from(KEYS), json_values)
        | st.fixed_dictionaries({"data": st.dictionaries(st.sampled_from(KEYS), json_values)})
    ).map(lambda value: json.dumps(value).encode()),
)
def test_nothing_that_comes_makes_a_decoder_stumble(name: str, payload: bytes) -> None:
    decoded = told(name, payload)
    assert all(each.tenant == "acme" for each in decoded.sightings)
    assert len(decoded.rejected) <= 1


@pytest.mark.parametrize("name", ["reads", "impinj", "zebra"])
def test_the_samples_on_a_formats_page_are_understood(name: str) -> None:
    blocks = re.findall(r"```json (\S+)\n(.*?)```", (PAGES / f"{name}.md").read_text(), re.DOTALL)
    assert blocks
    for topic, payload in blocks:
        decoded = told(name, payload.encode(), topic)
        assert decoded.rejected == []
        assert decoded.sightings
        assert {sighting.tenant for sighting in decoded.sightings} == {"acme"}


@pytest.mark.parametrize(
    ("name", "urn"), [("impinj", SGTIN_URN), ("zebra", "urn:epc:id:grai:9521")]
)
def test_a_formats_page_shows_the_urn_of_its_sample(name: str, urn: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    ((topic, payload),) = re.findall(r"```json (\S+)\n(.*?)```", page, re.DOTALL)
    (sighting,) = told(name, payload.encode(), topic).sightings
    assert sighting.epc.startswith(urn)
    assert sighting.epc in page


def test_the_two_forms_of_the_epc_on_the_page_are_one() -> None:
    tag = re.findall(r'"epc": "(.*?)",\s+"epcHex": "(.*?)"', (PAGES / "impinj.md").read_text())
    ((coded, digits),) = tag
    assert base64.urlsafe_b64decode(coded).hex().upper() == digits
