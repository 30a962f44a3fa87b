"""CSV files in: all rows or none, every error by row and column, as often as one likes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lots import registry
from lots.importing import ImportRefused, Problem, Report, example, import_csv
from lots.layouts import layout_of
from lots.records import KINDS, LotRecord
from tests.lots.world import World, day, ms

IN_ORDER = (
    "sites",
    "places",
    "parties",
    "tags",
    "lots",
    "bindings",
    "moves",
    "shipments",
    "holds",
)
LOT = "id,commodity,form,net_mass_kg,packaging"


def bring(world: World, kind: str, text: str | bytes, **options: Any) -> Report:
    data = text.encode() if isinstance(text, str) else text
    return import_csv(world.session, world.tenant, kind, data, **options)


def problems(world: World, kind: str, text: str | bytes) -> list[tuple[int, str, str]]:
    revision = world.revision
    with pytest.raises(ImportRefused) as caught:
        bring(world, kind, text)
    assert world.revision == revision, "nothing is written"
    return [(p.row, p.column, p.message) for p in caught.value.problems]


def everything(world: World) -> list[Any]:
    return [
        record
        for kind in IN_ORDER
        for record in registry.page(world.session, world.tenant, kind, limit=10_000)
    ]


def test_the_examples_make_a_registry_and_can_be_repeated(world: World) -> None:
    for kind in IN_ORDER:
        report = bring(world, kind, example(kind))
        assert report.created > 0
        assert (report.changed, report.unchanged) == (0, 0)
    before, revision = everything(world), world.revision
    for kind in IN_ORDER:
        report = bring(world, kind, example(kind))
        assert (report.created, report.changed) == (0, 0)
    assert everything(world) == before
    assert world.revision == revision
    assert [lot.id for lot in registry.lots_by_reference(world.session, world.tenant, "dge/2")] == [
        "WO-2025-031"
    ]


@pytest.mark.parametrize("kind", IN_ORDER)
def test_examples_show_every_column_that_is_needed(kind: str) -> None:
    layout = layout_of(kind)
    assert example(kind).isascii(), "or it is another file where standard output is not UTF-8"
    shown = example(kind).split("\n", 1)[0].split(",")
    assert set(layout.required) <= set(shown) <= set(layout.columns)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_spreadsheets_write(world: World, mark: bytes, delimiter: str, newline: str) -> None:
    lines = [
        ["ID", " Name", "latitude", "Longitude", "region", "timezone", ""],
        ["Ørsta-1", '"Lager ""Süd"" 羊毛"', "53.5", "-1.5", "", "Europe/Oslo", ""],
        ["", "", "", "", "", "", ""],
        ["S2", '"Line one\nline, two; three\tfour"'.replace("\t", " "), "1e1", "2", "", "UTC", ""],
    ]
    text = newline.join(delimiter.join(line) for line in lines) + newline
    assert bring(world, "sites", mark + text.encode()) == Report(2, 0, 0)
    assert world.get("sites", "Ørsta-1").name == 'Lager "Süd" 羊毛'
    assert world.get("sites", "S2").name == "Line one\nline, two; three four"


def test_rows_are_counted_as_a_spreadsheet_shows_them(world: World) -> None:
    text = 'id,site,kind,name\nx,HH,bay,"two\nlines"\n\ny,HH,bag,B\nz,XX,bay,B\n'
    why = 'site: there is no site "XX"; register it first (dunnage import sites, or POST /v1/sites)'
    assert problems(world, "places", text) == [
        (4, "kind", "Input should be 'bay', 'yard', 'container' or 'vehicle'"),
        (5, "site", why),
    ]


def test_all_errors_are_told_at_once(world: World) -> None:
    text = (
        f"{LOT},packages,customer,batch\n"
        "a/1,lead,ingot,1,strapped,,,\n"
        "x,lead,ingot,12;5,strapped,,,\n"
        "y,lead,tops,,strapped,2.5,nobody,\n"
        "z,lead,ingot,1,strapped,,nobody,M/1;M/2\n"
        "z,lead,ingot,1,strapped,,,\n"
        "w,lead,ingot,1,strapped,,,M,N\n"
    )
    found = problems(world, "lots", text)
    assert [(row, column) for row, column, _ in found] == [
        (2, "id"),
        (3, "net_mass_kg"),
        (4, "form"),
        (4, "net_mass_kg"),
        (4, "packages"),
        (5, "customer"),
        (6, "id"),
        (7, ""),
    ]
    said = {place[:2]: place[2] for place in found}
    assert "reference" in said[2, "id"]
    assert (
        said[3, "net_mass_kg"]
        == "'12;5' is not a number; write it like 12.5, with a point and no blanks"
    )
    assert said[4, "form"] == "lead does not come as tops; write one of: ingot"
    assert said[4, "net_mass_kg"] == "a value is needed here"
    assert "whole number" in said[4, "packages"]
    assert 'no party "nobody"' in said[5, "customer"]
    assert "row 5" in said[6, "id"]
    assert said[7, ""].startswith('"N" stands under no heading')


def test_many_errors_are_counted(world: World) -> None:
    text = f"{LOT}\n" + "".join(f"x{n},zinc,ingot,1,strapped\n" for n in range(80))
    with pytest.raises(ImportRefused) as caught:
        bring(world, "lots", text)
    assert len(caught.value.problems) == 80
    lines = str(caught.value).split("\n")
    assert len(lines) == 51
    assert lines[0] == "row 2, commodity: Input should be 'lead' or 'wool'"
    assert lines[-1] == "and 30 more"


@pytest.mark.parametrize(
    ("data", "row", "column", "remedy"),
    [
        (b"", 0, "", "--example"),
        (b"\xef\xbb\xbf \r\n", 0, "", "--example"),
        (b"id,site,kind,name\n", 0, "", "no rows"),
        ("id,kind,name\nx,bay,Größe\n".encode("cp1252"), 0, "", "line 2); save it as CSV UTF-8"),
        ("id,kind,name\nx,bay,B\n".encode("utf-16"), 0, "", "save it as CSV UTF-8"),
        (b'id,kind,name\nx,bay,"open\n', 0, "", "is not CSV"),
        (b"id,kind,nmae\nx,bay,B\n", 1, "nmae", "is it name?"),
        (b"id,kind,name,qqqq\nx,bay,B,1\n", 1, "qqqq", "there are: id, site, kind, name"),
        (b"id,kind\nx,bay\n", 1, "name", "this column is needed"),
        (b"id,kind,name,name\nx,bay,B,C\n", 1, "name", "twice"),
        (b"id,kind,name\nx\0y,bay,B\n", 2, "id", "U+0000"),
        (b"PK\x03\x04\xff\xfe\x00", 0, "", "save it as CSV UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read(
    world: World, data: bytes, row: int, column: str, remedy: str
) -> None:
    first, *_ = problems(world, "places", data)
    assert first[:2] == (row, column)
    assert remedy in first[2]


def test_a_dry_run_tells_and_does_nothing(world: World) -> None:
    before, revision = everything(world), world.revision
    text = (
        f"{LOT}\na,lead,ingot,5,strapped\nnew,lead,ingot,5,strapped\nb,lead,ingot,1000,strapped\n"
    )
    assert bring(world, "lots", text, dry_run=True) == Report(1, 1, 1)
    assert everything(world) == before
    assert world.revision == revision
    assert bring(world, "lots", text) == Report(1, 1, 1)


def test_columns_that_are_not_there_leave_what_is_known(world: World) -> None:
    world.lot("x", customer="buyer", references={"batch": ["1"], "brand": ["N"]}, packages=7)
    bring(world, "lots", f"{LOT},brand\nx,lead,ingot,9,strapped,\n")
    lot = world.get("lots", "x")
    assert isinstance(lot, LotRecord)
    assert (lot.net_mass_kg, lot.packages, lot.customer) == (9, 7, "buyer")
    assert lot.model_dump(mode="json")["references"] == {"batch": ["1"]}, "a blank took it away"
    bring(world, "lots", f"{LOT},customer\nx,lead,ingot,9,strapped,\n")
    assert world.get("lots", "x").customer is None


def test_a_value_that_does_not_fit_what_is_known_is_told(world: World) -> None:
    world.put("parties", id="p", name="P", humidity_min=50)
    (found,) = problems(world, "parties", "id,name,humidity_max\np,P,40\n")
    assert found[:2] == (2, "humidity_max")


def test_calibrations_are_added_row_by_row(world: World) -> None:
    head = "id,interval_s,calibrated,temperature_offset,humidity_offset,certificate\n"
    first = f"t9,600,{day(0)},-0.2,1.5,K1\n"
    second = f"t9,600,{day(5)},0.1,,K2\n"
    assert bring(world, "tags", head + first) == Report(1, 0, 0)
    assert bring(world, "tags", head + second) == Report(0, 1, 0)
    assert bring(world, "tags", head + first + second) == Report(0, 0, 1)
    assert bring(world, "tags", "id,interval_s\nt9,600\n") == Report(0, 0, 1)
    tag = world.get("tags", "t9")
    assert [(c.quantity, c.offset, c.gain, c.certificate) for c in tag.corrections] == [
        ("humidity", 1.5, 1.0, "K1"),
        ("temperature", -0.2, 1.0, "K1"),
        ("temperature", 0.1, 1.0, "K2"),
    ]


def test_errors_of_calibrations_name_their_row(world: World) -> None:
    head = "id,interval_s,calibrated,temperature_offset,humidity_offset,certificate\n"
    rows = (
        f"t9,600,{day(0)},0.1,,\n"
        f"t9,900,{day(1)},x,1,\n"
        "t9,,2025-03-04,,1,\n"
        "t9,,,0.5,,\n"
        f"t9,,{day(6)},,,K1\n"
    )
    found = problems(world, "tags", head + rows)
    assert [(row, column) for row, column, _ in found] == [
        (3, "interval_s"),
        (3, "temperature_offset"),
        (4, "calibrated"),
        (5, "id"),
        (5, "calibrated"),
        (6, "temperature_offset"),
    ]


def test_a_row_a_leg(world: World) -> None:
    head = "id,customer,lots,leg,mode,place,origin,destination,departs,arrives,offline\n"
    rows = (
        f"S,buyer,a;b,1,truck,box,HH,,{day(1)},{day(2)},\n"
        f"S,,,2,sea,box,,HH,{day(2)},{day(8)},yes\n"
        "R,,c,,,,,,,,\n"
    )
    assert bring(world, "shipments", head + rows) == Report(2, 0, 0)
    assert bring(world, "shipments", head + rows) == Report(0, 0, 2)
    shipment = world.get("shipments", "S")
    assert shipment.lots == ("a", "b")
    assert [(leg.number, str(leg.mode), leg.offline) for leg in shipment.legs] == [
        (1, "truck", False),
        (2, "sea", True),
    ]
    assert bring(world, "shipments", "id,customer\nS,\n") == Report(0, 1, 0)
    assert world.get("shipments", "S").lots == ("a", "b")
    assert len(world.get("shipments", "S").legs) == 2


def test_errors_of_legs_name_their_row(world: World) -> None:
    head = "id,customer,lots,leg,mode,place,departs,arrives\n"
    rows = (
        f"S,buyer,a;none,1,truck,box,{day(1)},{day(2)}\n"
        f"S,,,2,sea,none,{day(2)},{day(3)}\n"
        f"T,,a,1,swim,box,{day(2)},{day(1)}\n"
        f"T,,b,,sea,box,{day(2)},{day(3)}\n"
        "R,,,,,,,\n"
        "R,,,,,,,\n"
    )
    found = problems(world, "shipments", head + rows)
    assert [(row, column) for row, column, _ in found] == [
        (2, "lots"),
        (3, "place"),
        (4, "mode"),
        (4, "arrives"),
        (5, "id"),
        (5, "lots"),
        (5, "leg"),
        (7, "id"),
    ]
    assert [p for p in problems(world, "shipments", head + rows) if p[1] == "leg"] == [
        (5, "leg", "a value is needed here")
    ]


def test_a_tag_bound_twice_is_told_in_its_row(world: World) -> None:
    text = f"tag,lot,begins,ends\nt1,a,{day(0)},\nt2,b,{day(0)},\nt1,b,{day(3)},\n"
    (found,) = problems(world, "bindings", text)
    assert found[:2] == (4, "begins")
    assert f"t1@{day(0)}" in found[2]


def test_an_import_makes_lots_fold_as_a_put_does(world: World) -> None:
    bring(world, "bindings", f"tag,place,begins\nt1,bay 1,{day(0)}\n")
    bring(world, "moves", f"lot,at,place\na,{day(2)},bay 1\nb,{day(3)},bay 2\n")
    assert world.refolds() == {"a": ms(2)}


def test_a_missing_tenant_is_told(world: World) -> None:
    with pytest.raises(registry.Missing, match="create it first"):
        import_csv(world.session, "nobody", "tags", b"id\nx\n")


def test_ten_thousand_rows_in_seconds_with_progress(world: World) -> None:
    told: list[tuple[int, int]] = []
    rows = "".join(f"L{n},lead,ingot,{n + 1},strapped,M{n}/1;M{n}/2\n" for n in range(10_000))
    start = time.monotonic()
    report = bring(world, "lots", f"{LOT},batch\n{rows}", progress=lambda *done: told.append(done))
    assert report == Report(10_000, 0, 0)
    assert time.monotonic() - start < 30, "a hundred thousand would take minutes"
    assert told[0] == (0, 10_000)
    assert told[-1] == (10_000, 10_000)
    assert told == sorted(told)


def test_every_kind_has_a_layout_and_an_example() -> None:
    assert set(IN_ORDER) == set(KINDS)
    assert str(Problem(0, "", "it is empty")) == "the file: it is empty"
