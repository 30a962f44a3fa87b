"""What the columns of a CSV file are for each kind, and how rows become one record.

Columns have the names of the record's fields. A lot's references have a column a kind, with ``;``
between several; a shipment has a row a leg; a tag has a row a calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lots.records import KINDS
from lots.spreadsheet import SheetRow
from lots.terms import ReferenceKind

CALIBRATED = ("temperature", "humidity", "probe")
LEG = ("leg", "mode", "place", "origin", "destination", "departs", "arrives", "offline")
CALIBRATION = (
    "calibrated",
    *(f"{quantity}_{term}" for quantity in CALIBRATED for term in ("offset", "gain")),
    "certificate",
    "expires",
)
REFERENCES = tuple(str(kind) for kind in ReferenceKind)


class Cell(NamedTuple):
    row: int
    column: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be: its fields, and the rows that they come from."""

    rows: tuple[SheetRow, ...]
    fields: dict[str, Any]
    parts: tuple[Cell, ...] = ()  # of the items of legs or corrections: row, and their column

    def cell(self, place: Sequence[int | str]) -> Cell:
        """Which cell a field is in; ``place`` as pydantic tells it."""
        if len(place) > 1 and place[0] in ("legs", "corrections") and isinstance(place[1], int):
            part = self.parts[place[1]]
            name = str(place[2]) if len(place) > 2 else part.column
            return Cell(part.row, _column(name, part.column))
        name = next((p for p in place if p != "references" and isinstance(p, str)), "")
        whole = {"legs": "leg", "corrections": "calibrated"}
        return Cell(self.rows[0].number, whole.get(name, name))


def _column(field: str, quantity: str) -> str:
    """The column of a leg's field, or of a correction's."""
    names = {
        "number": "leg",
        "begins": "calibrated",
        "quantity": f"{quantity}_offset",
        "offset": f"{quantity}_offset",
        "gain": f"{quantity}_gain",
    }
    return names.get(field, field)


@dataclass(frozen=True, slots=True)
class Layout:
    """``columns`` of a kind; ``required`` of them; how rows of one id become a draft."""

    columns: tuple[str, ...]
    required: tuple[str, ...]
    draft: Callable[[tuple[SheetRow, ...]], Draft]
    repeated: str = ""  # rows may have one id if each has something in this column


def _single(rows: tuple[SheetRow, ...]) -> Draft:
    return Draft(rows, dict(rows[0].cells))


def _lot(rows: tuple[SheetRow, ...]) -> Draft:
    cells = rows[0].cells
    fields: dict[str, Any] = {n: cell for n, cell in cells.items() if n not in REFERENCES}
    fields["references"] = {name: several(cells[name]) for name in REFERENCES if name in cells}
    return Draft(rows, fields)


def _shipment(rows: tuple[SheetRow, ...]) -> Draft:
    fields: dict[str, Any] = dict(_common(rows, LEG))
    if "lots" in fields:
        fields["lots"] = several(fields["lots"])
    legs, parts = [], []
    for row in rows:
        cells = {name: row.cells[name] for name in LEG if name in row.cells}
        if cells:
            legs.append({"number" if name == "leg" else name: c for name, c in cells.items()})
            parts.append(Cell(row.number, "leg"))
    return Draft(rows, {**fields, "legs": legs}, tuple(parts))


def _tag(rows: tuple[SheetRow, ...]) -> Draft:
    corrections: list[dict[str, str]] = []
    parts = []
    for row in rows:
        given = [q for q in CALIBRATED if {f"{q}_offset", f"{q}_gain"} & row.cells.keys()]
        dated = {"begins": "calibrated", "certificate": "certificate", "expires": "expires"}
        common = {to: row.cells[name] for to, name in dated.items() if name in row.cells}
        if common and not given:
            corrections.append(common)  # refused for want of its quantity
            parts.append(Cell(row.number, CALIBRATED[0]))
        for quantity in given:
            terms = {t: row.cells.get(f"{quantity}_{t}") for t in ("offset", "gain")}
            told = {name: value for name, value in terms.items() if value is not None}
            corrections.append({"quantity": quantity, **common, **told})
            parts.append(Cell(row.number, quantity))
    return Draft(rows, {**_common(rows, CALIBRATION), "corrections": corrections}, tuple(parts))


def _common(rows: Sequence[SheetRow], apart: Sequence[str]) -> Mapping[str, str]:
    """The cells that belong to the whole record: of each column the first that is not blank."""
    found: dict[str, str] = {}
    for row in rows:
        for name, cell in row.cells.items():
            if name not in apart:
                found.setdefault(name, cell)
    return found


def several(cell: str) -> list[str]:
    """The values of a cell that holds several."""
    return [value.strip() for value in cell.split(";") if value.strip()]


def differing(layout: Layout, rows: Sequence[SheetRow]) -> list[Cell]:
    """Cells that say of the whole record something else than a row before them."""
    apart = LEG if layout.repeated == "leg" else CALIBRATION
    common = _common(rows, apart)
    return [
        Cell(row.number, name)
        for row in rows
        for name, cell in row.cells.items()
        if name not in apart and cell != common[name]
    ]


def _fields_of(kind: str) -> tuple[str, ...]:
    apart = ("references", "corrections", "climate")
    return tuple(name for name in KINDS[kind].model_fields if name not in apart)


def _needed(kind: str) -> tuple[str, ...]:
    return tuple(name for name, f in KINDS[kind].model_fields.items() if f.is_required())


def layout_of(kind: str) -> Layout:
    """The layout of a kind's file."""
    fields, needed = _fields_of(kind), _needed(kind)
    if kind == "lots":
        return Layout((*fields, *REFERENCES), needed, _lot)
    if kind == "tags":
        return Layout((*fields, *CALIBRATION), needed, _tag, repeated="calibrated")
    if kind == "shipments":
        columns = (*(name for name in fields if name != "legs"), *LEG)
        return Layout(columns, needed, _shipment, repeated="leg")
    if kind == "moves":
        return Layout(tuple(name for name in fields if name != "id"), needed, _single)
    return Layout(fields, needed, _single)


EXAMPLES = {
    "sites": """\
id,name,latitude,longitude,region,timezone
HAMBURG,Warehouse Hamburg,53.54,9.98,coastal_humid,Europe/Berlin
BRADFORD,Wool store Bradford,53.79,-1.75,temperate,Europe/London
""",
    "places": """\
id,site,kind,name
HH-BAY-4,HAMBURG,bay,Bay 4
BD-BAY-1,BRADFORD,bay,Bay 1
MSKU7654321,,container,Container MSKU 765432-1
""",
    "parties": """\
id,name,tier,email,webhook,temperature_min,temperature_max,humidity_min,humidity_max
BATTERIEWERK,Batteriewerk Nord GmbH,priority,einkauf@example.com,,,,,60
SPINNEREI,Spinnerei Nord AG,standard,wolle@example.com,,,30,45,75
""",
    "tags": """\
id,model,interval_s,calibrated,temperature_offset,humidity_offset,certificate,expires
T-0101,SHT45 logger,3600,2025-03-01T09:00:00Z,-0.2,1.5,K-2025-118,2026-03-01T00:00:00Z
T-0101,SHT45 logger,3600,2025-09-01T09:00:00Z,-0.1,1.1,K-2025-502,2026-09-01T00:00:00Z
T-0102,SHT45 logger,3600,,,,,
""",
    "lots": """\
id,commodity,form,net_mass_kg,packages,packaging,weighed,regain_pct,cored,contract_regain_pct,\
time_constant_h,customer,\
purchase_order,batch,brand,grade,bale_mark
PB-2025-118,lead,ingot,24980,25,strapped,,,,,8,BATTERIEWERK,PO 4500 118,M25/0917,NORD,99.985,
WO-2025-031,wool,greasy,18120,100,bale_nylon,,,,16,30,SPINNEREI,PO 4500 131,,,21.5 mic,DGE/1;DGE/2
WO-2025-032,wool,scoured,9050,30,bale_nylon,2025-10-30T09:00:00Z,15.2,2025-10-30T10:00:00Z,\
17,24,SPINNEREI,PO 4500 132,S-77,,,
""",
    "bindings": """\
tag,lot,place,placement,begins,ends
T-0101,PB-2025-118,,surface,2025-11-01T08:00:00Z,
T-0102,,HH-BAY-4,air,2025-11-01T09:00:00+01:00,2026-02-01T09:00:00+01:00
""",
    "moves": """\
lot,at,place
PB-2025-118,2025-11-01T08:00:00Z,HH-BAY-4
WO-2025-031,2025-11-02T10:30:00+01:00,BD-BAY-1
""",
    "shipments": """\
id,customer,lots,leg,mode,place,origin,destination,departs,arrives,offline
SH-88,BATTERIEWERK,PB-2025-118,1,truck,MSKU7654321,HAMBURG,BRADFORD,\
2025-11-20T06:00:00Z,2025-11-22T16:00:00Z,false
SH-88,,,2,sea,MSKU7654321,BRADFORD,HAMBURG,2025-11-23T06:00:00Z,2025-11-27T16:00:00Z,true
""",
    "holds": """\
kind,lot,place,shipment,begins,ends,lifted_by,certificate
fumigated,,MSKU7654321,,2025-11-19T12:00:00Z,2025-11-28T12:00:00Z,Gas-free chemist,F-3321
on_warrant,PB-2025-118,,,2025-11-01T08:00:00Z,,Warrant holder,W-0097
""",
}
"""A file of each kind to begin from; together they make a small registry."""
