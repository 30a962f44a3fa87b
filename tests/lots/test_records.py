"""What records take, what they refuse, and whether the refusal tells what to write instead."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lots.fields import instant_of, milliseconds, written
from lots.records import (
    KINDS,
    BindingRecord,
    HoldRecord,
    LotRecord,
    MoveRecord,
    PartyRecord,
    ShipmentRecord,
    SiteRecord,
    TagRecord,
)

LOT = {
    "id": "L-1",
    "commodity": "wool",
    "form": "greasy",
    "net_mass_kg": 18000,
    "packaging": "bale_nylon",
}
SITE = {"id": "S", "name": "Store", "latitude": 1, "longitude": 2, "timezone": "Europe/Berlin"}
BINDING = {"tag": "T", "lot": "L", "begins": "2025-01-01T00:00:00Z"}
LEG = {
    "number": 1,
    "mode": "sea",
    "departs": "2025-01-01T00:00:00Z",
    "arrives": "2025-01-02T00:00:00Z",
}
HOLD = {"kind": "seal", "lot": "L", "begins": "2025-01-01T00:00:00Z"}


def refusal(kind: str, fields: dict[str, Any]) -> tuple[str, str]:
    """(field, message) of the one thing that is wrong."""
    with pytest.raises(ValidationError) as caught:
        KINDS[kind].model_validate(fields)
    (error,) = caught.value.errors()
    return ".".join(map(str, error["loc"])), error["msg"]


@pytest.mark.parametrize(
    ("bad", "remedy"),
    [
        ("L/1", "reference"),
        ("L#1", "use -"),
        ("L+1", "use -"),
        ("L%1", "use -"),
        ("L\\1", "use -"),
        ("L?1", "use -"),
        ("", "1 to 64"),
        ("x" * 65, "1 to 64"),
        (" L", "take the blank away"),
        ("L ", "take the blank away"),
        ("L\u00a0", "take the blank away"),
        ("L\x00", "U+0000"),
        ("L\n1", "U+000A"),
        ("L\u200b1", "U+200B"),
        ("..", "dots"),
    ],
)
def test_ids_stand_in_topics_and_addresses(bad: str, remedy: str) -> None:
    field, message = refusal("lots", {**LOT, "id": bad})
    assert field == "id"
    assert remedy in message


@pytest.mark.parametrize("good", ["PB 2025.118", "Größe-7", "羊毛_01", "a@b", "x" * 64, "D:1"])
def test_ids_take_letters_of_any_script(good: str) -> None:
    assert LotRecord.model_validate({**LOT, "id": good}).id == good


def test_texts_are_composed() -> None:
    apart = unicodedata.normalize("NFD", "Größe")
    lot = LotRecord.model_validate({**LOT, "id": apart, "references": {"brand": [apart]}})
    assert lot.id == "Größe"
    assert list(lot.references.values()) == [("Größe",)]


@pytest.mark.parametrize(
    ("kind", "fields", "where", "remedy"),
    [
        ("lots", {**LOT, "form": "ingot"}, "form", "greasy, scoured, tops, cashmere"),
        ("lots", {**LOT, "commodity": "zinc"}, "commodity", "'lead' or 'wool'"),
        ("lots", {**LOT, "net_mass_kg": 0}, "net_mass_kg", "greater than 0"),
        ("lots", {**LOT, "net_mass_kg": "inf"}, "net_mass_kg", "finite"),
        ("lots", {**LOT, "packages": 2**70}, "packages", "1000000"),
        ("lots", {**LOT, "colour": "grey"}, "colour", "not permitted"),
        ("lots", {**LOT, "references": {"melt": ["x"]}}, "references.melt.[key]", "'batch'"),
        ("lots", {**LOT, "references": {"batch": ["a\x07"]}}, "references.batch.0", "U+0007"),
        ("lots", {**LOT, "references": {"batch": ["a" * 201]}}, "references.batch.0", "200"),
        ("sites", {**SITE, "latitude": 91}, "latitude", "90"),
        ("sites", {**SITE, "longitude": "nan"}, "longitude", "finite"),
        ("sites", {**SITE, "timezone": "Berlin"}, "timezone", "Europe/Berlin"),
        ("sites", {**SITE, "timezone": "../etc/passwd"}, "timezone", "Europe/Berlin"),
        ("sites", {**SITE, "name": " "}, "name", "1 to 200"),
        ("parties", {"id": "P", "name": "P", "email": "me"}, "email", "stock@example.com"),
        ("parties", {"id": "P", "name": "P", "webhook": "ftp://x"}, "webhook", "https://"),
        (
            "parties",
            {"id": "P", "name": "P", "humidity_min": 60, "humidity_max": 60},
            "humidity_max",
            "humidity_min",
        ),
        ("tags", {"id": "T", "interval_s": 0}, "interval_s", "1"),
        (
            "tags",
            {"id": "T", "corrections": [{"quantity": "temperature", "begins": "2025-01-01"}]},
            "corrections.0.begins",
            "add Z",
        ),
        (
            "tags",
            {
                "id": "T",
                "corrections": [{"quantity": "humidity", "begins": "2025-01-01T00:00Z"}] * 2,
            },
            "corrections",
            "keep one",
        ),
        ("bindings", {**BINDING, "begins": "2025-01-01T00:00:00"}, "begins", "add Z"),
        ("bindings", {**BINDING, "begins": "yesterday"}, "begins", "2025-11-22T08:00:00Z"),
        ("bindings", {**BINDING, "begins": 1700000000}, "begins", "2025-11-22T08:00:00Z"),
        ("bindings", {**BINDING, "begins": "1969-12-31T23:59:59Z"}, "begins", "1970"),
        ("bindings", {**BINDING, "begins": "9999-12-31T23:59:59-01:00"}, "begins", "1970"),
        ("bindings", {**BINDING, "ends": "2025-01-01T01:00:00+01:00"}, "ends", "after begins"),
        ("bindings", {**BINDING, "place": "B"}, "place", "exactly one of lot, place"),
        ("bindings", {k: v for k, v in BINDING.items() if k != "lot"}, "place", "exactly one"),
        ("shipments", {"id": "S", "legs": [LEG, LEG]}, "legs", "number 1"),
        (
            "shipments",
            {"id": "S", "legs": [{**LEG, "arrives": LEG["departs"]}]},
            "legs.0.arrives",
            "after departs",
        ),
        ("holds", {**HOLD, "shipment": "S"}, "shipment", "exactly one"),
        ("moves", {"id": "x", "lot": "L", "at": "2025-01-01T00:00Z"}, "", "leave id out"),
    ],
)
def test_a_refusal_names_the_field_and_the_remedy(
    kind: str, fields: dict[str, Any], where: str, remedy: str
) -> None:
    field, message = refusal(kind, fields)
    assert field == where
    assert remedy in message


def test_equal_facts_make_equal_records() -> None:
    one = ShipmentRecord.model_validate(
        {"id": "S", "lots": ["b", "a", "b"], "legs": [{**LEG, "number": 2}, LEG]}
    )
    other = ShipmentRecord.model_validate(
        {"id": "S", "lots": ["a", "b"], "legs": [LEG, {**LEG, "number": 2}]}
    )
    assert one == other
    lots = [
        LotRecord.model_validate({**LOT, "references": references})
        for references in (
            {"batch": ["2", "1", "2"], "brand": []},
            {"batch": ["1", "2"]},
        )
    ]
    assert lots[0] == lots[1]


def test_what_has_no_id_gets_the_same_one_each_time() -> None:
    names = {
        BindingRecord.model_validate({**BINDING, "begins": begins}).id
        for begins in (
            "2025-01-01T00:00:00Z",
            "2025-01-01T01:00:00+01:00",
            datetime(2025, 1, 1, tzinfo=UTC),
        )
    }
    assert names == {"T@2025-01-01T00:00:00Z"}
    assert HoldRecord.model_validate(HOLD).id == "seal-lot-L@2025-01-01T00:00:00Z"
    assert BindingRecord.model_validate({**BINDING, "id": "mine"}).id == "mine"
    longest = [BindingRecord.model_validate({**BINDING, "tag": "T" * 63 + x}).id for x in "ab"]
    assert longest[0] != longest[1]
    assert all(len(name) <= 64 for name in longest)


def test_a_record_comes_back_from_json_as_it_was() -> None:
    for record in (
        LotRecord.model_validate({**LOT, "references": {"batch": ["M/1"]}}),
        BindingRecord.model_validate(BINDING),
        MoveRecord.model_validate({"lot": "L", "at": "2025-01-01T00:00:00.125Z"}),
        SiteRecord.model_validate(SITE),
        TagRecord.model_validate({"id": "T", "interval_s": "600"}),
        PartyRecord.model_validate({"id": "P", "name": "P"}),
    ):
        assert type(record).model_validate_json(record.model_dump_json()) == record


@given(st.integers(0, milliseconds(datetime(2261, 12, 31, tzinfo=UTC))))
def test_instants_are_exact_to_the_millisecond(instant: int) -> None:
    assert milliseconds(instant_of(instant)) == instant
    move = MoveRecord.model_validate({"lot": "L", "at": written(instant)})
    assert milliseconds(move.at) == instant
    assert move.at.utcoffset() == timedelta(0)


def test_every_field_says_what_it_is() -> None:
    for model in KINDS.values():
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
