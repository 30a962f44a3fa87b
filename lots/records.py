"""Things of the registry as people and programs hand them in and get them back.

One model a kind, for CSV files and the API alike; `lots.model` is how they are kept. Instants know
their zone and are given back in UTC. Equal facts make equal records: lists that have no order of
their own are sorted, and what has no id of the customer's gets one from what it says.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from lots.fields import (
    Email,
    Humidity,
    Id,
    Instant,
    Number,
    Spread,
    Temperature,
    Text,
    WebAddress,
    Zone,
    dated_id,
    milliseconds,
    written,
)
from lots.normals import HOURS, MONTHS
from lots.terms import (
    FORMS,
    Commodity,
    Form,
    HoldKind,
    LegMode,
    Packaging,
    PlaceKind,
    Placement,
    ReferenceKind,
    SiteRegion,
    Tier,
)

WEEK_S = 7 * 86_400

OwnId = Annotated[
    Id, Field(description="Your own id for it, unique among your things of this kind")
]
DerivedId = Annotated[Id, Field(description="Your own id for it; made from the rest if left out")]


class Record(BaseModel):
    """What every kind has: an id, and no fields but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: OwnId


def _after(info: ValidationInfo, earlier: str, value: Any) -> None:
    """Refuse a span that ends before it begins; ``value`` is its end."""
    start = info.data.get(earlier)
    if value is not None and start is not None and value <= start:
        raise PydanticCustomError(
            "span",
            "this is not after {field} ({start}); give a later instant",
            {"field": earlier, "start": written(milliseconds(start))},
        )


def _one_of(info: ValidationInfo, names: tuple[str, ...], last: Any) -> None:
    """Refuse more or fewer than one of the fields ``names``; ``last`` is the last one's value."""
    if not all(name in info.data for name in names[:-1]):
        return  # another field's error is told already
    given = [name for name in names[:-1] if info.data[name] is not None]
    given += [names[-1]] if last is not None else []
    if len(given) != 1:
        raise PydanticCustomError(
            "one_of",
            "give exactly one of {names}; given: {given}",
            {"names": ", ".join(names), "given": ", ".join(given) or "none"},
        )


Months = Annotated[
    list[Annotated[list[Temperature], Field(min_length=HOURS, max_length=HOURS)]],
    Field(min_length=MONTHS, max_length=MONTHS),
]
Spreads = Annotated[
    list[Annotated[list[Spread], Field(min_length=HOURS, max_length=HOURS)]],
    Field(min_length=MONTHS, max_length=MONTHS),
]


class ClimateRecord(BaseModel):
    """What the air outside a site is like: twelve months from January, of each the hours of a day
    in UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[Text, Field(description="Where these are from, and of which years")]
    temperature: Annotated[Months, Field(description="Mean, degC")]
    temperature_spread: Annotated[Spreads, Field(description="Standard deviation, K")]
    dew_point: Annotated[Months, Field(description="Mean, degC over water")]
    dew_point_spread: Annotated[Spreads, Field(description="Standard deviation, K")]


class SiteRecord(Record):
    """A warehouse, yard or terminal."""

    name: Annotated[Text, Field(description="What people call it")]
    latitude: Annotated[Number, Field(ge=-90, le=90, description="Degrees north")]
    longitude: Annotated[Number, Field(ge=-180, le=180, description="Degrees east")]
    region: Annotated[SiteRegion, Field(description="What its climate is like")] = (
        SiteRegion.TEMPERATE
    )
    timezone: Annotated[Zone, Field(description="IANA time zone, such as Europe/Berlin")]
    climate: Annotated[
        ClimateRecord | None,
        Field(description="Its climate normals, for forecasts (dunnage import climate)"),
    ] = None


class PlaceRecord(Record):
    """Where goods stand: a bay or yard of a site, or a container or vehicle."""

    site: Annotated[
        Id | None, Field(description="Id of its site; left out for what moves about")
    ] = None
    kind: Annotated[PlaceKind, Field(description="What it is")]
    name: Annotated[Text, Field(description="What people call it")]


class PartyRecord(Record):
    """Who buys, sells or carries, and what they were promised."""

    name: Annotated[Text, Field(description="Its name")]
    tier: Annotated[Tier, Field(description="The service promised to it")] = Tier.STANDARD
    email: Annotated[Email | None, Field(description="Where it gets mail")] = None
    webhook: Annotated[
        WebAddress | None, Field(description="For messages to it; this version posts none there")
    ] = None
    temperature_min: Annotated[Temperature | None, Field(description="Its own limit, degC")] = None
    temperature_max: Annotated[Temperature | None, Field(description="Its own limit, degC")] = None
    humidity_min: Annotated[Humidity | None, Field(description="Its own limit, %RH")] = None
    humidity_max: Annotated[Humidity | None, Field(description="Its own limit, %RH")] = None

    @field_validator("temperature_max", "humidity_max")
    @classmethod
    def _above(cls, value: float | None, info: ValidationInfo) -> float | None:
        lowest = str(info.field_name).replace("_max", "_min")
        low = info.data.get(lowest)
        if value is not None and low is not None and value <= low:
            raise PydanticCustomError(
                "limits", "this is not above {field} ({low})", {"field": lowest, "low": low}
            )
        return value


class CorrectionRecord(BaseModel):
    """What a calibration found: true = gain x raw + offset, until the next correction."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quantity: Annotated[Id, Field(description="What is measured: temperature, humidity, probe …")]
    begins: Annotated[Instant, Field(description="When the calibration was made")]
    gain: Annotated[Number, Field(gt=0, le=100, description="Multiplies the raw value")] = 1.0
    offset: Annotated[
        Number, Field(ge=-1000, le=1000, description="Is added, in the quantity's unit")
    ] = 0.0
    certificate: Annotated[Text | None, Field(description="The certificate's number")] = None
    expires: Annotated[Instant | None, Field(description="Until when it is valid")] = None

    @field_validator("expires")
    @classmethod
    def _later(cls, value: Any, info: ValidationInfo) -> Any:
        _after(info, "begins", value)
        return value


class TagRecord(Record):
    """A sensor; its id is what it calls itself on the wire."""

    model: Annotated[Text | None, Field(description="Maker and model")] = None
    interval_s: Annotated[
        int, Field(ge=1, le=WEEK_S, description="How often it measures, seconds")
    ] = 3600
    corrections: Annotated[
        tuple[CorrectionRecord, ...], Field(description="Its calibrations, with their dates")
    ] = ()

    @field_validator("corrections")
    @classmethod
    def _sorted(cls, value: tuple[CorrectionRecord, ...]) -> tuple[CorrectionRecord, ...]:
        value = tuple(sorted(value, key=lambda c: (c.quantity, c.begins)))
        for one, next_one in pairwise(value):
            if (one.quantity, one.begins) == (next_one.quantity, next_one.begins):
                raise PydanticCustomError(
                    "corrections",
                    "{quantity} is corrected twice at {at}; keep one of the two",
                    {"quantity": one.quantity, "at": written(milliseconds(one.begins))},
                )
        return value


class LotRecord(Record):
    """Goods that are sold and watched as one: a bundle of ingots, a parcel of bales."""

    commodity: Annotated[Commodity, Field(description="What the goods are")]
    form: Annotated[Form, Field(description="lead: ingot; wool: greasy, scoured, tops, cashmere")]
    net_mass_kg: Annotated[Number, Field(gt=0, le=1e9, description="Net mass, kg")]
    packages: Annotated[int, Field(ge=1, le=1_000_000, description="Bundles or bales")] = 1
    packaging: Annotated[Packaging, Field(description="What is around the goods")]
    weighed: Annotated[Instant | None, Field(description="When the net mass was weighed")] = None
    regain_pct: Annotated[
        Number | None,
        Field(ge=0, le=60, description="Regain by a core test, % of dry mass (wool)"),
    ] = None
    cored: Annotated[
        Instant | None, Field(description="When the core test's samples were taken")
    ] = None
    contract_regain_pct: Annotated[
        Number | None,
        Field(gt=0, le=50, description="Regain by the contract, % of dry mass (wool)"),
    ] = None
    time_constant_h: Annotated[
        Number | None,
        Field(gt=0, le=10_000, description="How slowly the goods follow the air's heat, hours"),
    ] = None
    customer: Annotated[Id | None, Field(description="Id of the party that buys it")] = None
    references: Annotated[
        dict[ReferenceKind, tuple[Text, ...]],
        Field(description="The trade's names for it by kind; it is found by any of them"),
    ] = {}

    @field_validator("form")
    @classmethod
    def _fits(cls, value: Form, info: ValidationInfo) -> Form:
        commodity = info.data.get("commodity")
        if commodity is not None and value not in FORMS[commodity]:
            raise PydanticCustomError(
                "form",
                "{commodity} does not come as {form}; write one of: {forms}",
                {
                    "commodity": str(commodity),
                    "form": str(value),
                    "forms": ", ".join(FORMS[commodity]),
                },
            )
        return value

    @field_validator("references")
    @classmethod
    def _tidy(
        cls, value: dict[ReferenceKind, tuple[str, ...]]
    ) -> dict[ReferenceKind, tuple[str, ...]]:
        return {kind: tuple(sorted(set(value[kind]))) for kind in sorted(value) if value[kind]}


class BindingRecord(Record):
    """A tag watches a lot or a place for a span of time."""

    id: DerivedId = ""
    tag: Annotated[Id, Field(description="Id of the tag")]
    lot: Annotated[Id | None, Field(description="Id of the lot that it is on")] = None
    place: Annotated[
        Id | None, Field(description="Or id of the place that it is in", validate_default=True)
    ] = None
    placement: Annotated[
        Placement, Field(description="It measures the free air, the goods' surface or their core")
    ] = Placement.AIR
    begins: Annotated[Instant, Field(description="From when on")]
    ends: Annotated[Instant | None, Field(description="Until when; left out: until further")] = None

    @field_validator("place")
    @classmethod
    def _lot_or_place(cls, value: str | None, info: ValidationInfo) -> str | None:
        _one_of(info, ("lot", "place"), value)
        return value

    @field_validator("ends")
    @classmethod
    def _later(cls, value: Any, info: ValidationInfo) -> Any:
        _after(info, "begins", value)
        return value

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.id:
            object.__setattr__(self, "id", dated_id(self.tag, at=self.begins))
        return self


class MoveRecord(Record):
    """From ``at`` on the lot stands in ``place``."""

    id: str = Field(default="", description="lot@at; made from the rest")
    lot: Annotated[Id, Field(description="Id of the lot")]
    at: Annotated[Instant, Field(description="When it came there")]
    place: Annotated[
        Id | None, Field(description="Id of the place; left out: nowhere known from then on")
    ] = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        own = f"{self.lot}@{written(milliseconds(self.at))}"
        if self.id not in ("", own):
            raise PydanticCustomError(
                "move_id", "the id of this move is {own}; leave id out", {"own": own}
            )
        object.__setattr__(self, "id", own)
        return self


class LegRecord(BaseModel):
    """A stretch of a shipment: while it lasts its lots stand in ``place``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Annotated[int, Field(ge=1, le=1000, description="1, 2, 3 … along the way")]
    mode: Annotated[LegMode, Field(description="How it goes")]
    place: Annotated[Id | None, Field(description="Id of the container or vehicle")] = None
    origin: Annotated[Id | None, Field(description="Id of the site that it leaves")] = None
    destination: Annotated[Id | None, Field(description="Id of the site that it goes to")] = None
    departs: Annotated[Instant, Field(description="When it leaves")]
    arrives: Annotated[Instant, Field(description="When it comes in")]
    offline: Annotated[
        bool, Field(description="No network on the way, so that silence is normal")
    ] = False

    @field_validator("arrives")
    @classmethod
    def _later(cls, value: Any, info: ValidationInfo) -> Any:
        _after(info, "departs", value)
        return value


class ShipmentRecord(Record):
    """Lots that travel together, leg by leg."""

    customer: Annotated[Id | None, Field(description="Id of the party it goes to")] = None
    lots: Annotated[tuple[Id, ...], Field(description="Ids of its lots")] = ()
    legs: Annotated[tuple[LegRecord, ...], Field(description="Its stretches")] = ()

    @field_validator("lots")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(value)))

    @field_validator("legs")
    @classmethod
    def _numbered(cls, value: tuple[LegRecord, ...]) -> tuple[LegRecord, ...]:
        value = tuple(sorted(value, key=lambda leg: leg.number))
        for one, next_one in pairwise(value):
            if one.number == next_one.number:
                raise PydanticCustomError(
                    "leg_number",
                    "there are two legs with number {number}; number them 1, 2, 3 …",
                    {"number": one.number},
                )
        return value


class HoldRecord(Record):
    """Why a lot, a place or a shipment must not be opened or touched."""

    id: DerivedId = ""
    kind: Annotated[HoldKind, Field(description="Why")]
    lot: Annotated[Id | None, Field(description="Id of the lot that is held")] = None
    place: Annotated[Id | None, Field(description="Or id of the place that is held")] = None
    shipment: Annotated[
        Id | None, Field(description="Or id of the shipment that is held", validate_default=True)
    ] = None
    begins: Annotated[Instant, Field(description="From when on")]
    ends: Annotated[Instant | None, Field(description="Until when; left out: until lifted")] = None
    lifted_by: Annotated[Text | None, Field(description="Who may lift it")] = None
    certificate: Annotated[Text | None, Field(description="The certificate's number")] = None

    @field_validator("shipment")
    @classmethod
    def _one_subject(cls, value: str | None, info: ValidationInfo) -> str | None:
        _one_of(info, ("lot", "place", "shipment"), value)
        return value

    @field_validator("ends")
    @classmethod
    def _later(cls, value: Any, info: ValidationInfo) -> Any:
        _after(info, "begins", value)
        return value

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.id:
            subjects = {"lot": self.lot, "place": self.place, "shipment": self.shipment}
            subject = next((f"{kind}-{id_}" for kind, id_ in subjects.items() if id_), "")
            object.__setattr__(self, "id", dated_id(self.kind, subject, at=self.begins))
        return self


KINDS: dict[str, type[Record]] = {
    "sites": SiteRecord,
    "places": PlaceRecord,
    "parties": PartyRecord,
    "tags": TagRecord,
    "lots": LotRecord,
    "bindings": BindingRecord,
    "moves": MoveRecord,
    "shipments": ShipmentRecord,
    "holds": HoldRecord,
}
