"""The goods, what watches over them, and what is known of them: the tables of the registry.

Every instant is milliseconds since 1970 UTC; a span is begins <= t < ends, an open end is null.
A thing's ``id`` is the customer's own, unique within its tenant.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from lots.terms import Placement, SiteRegion, Tier

ID_LENGTH = 64
FOLDED_LENGTH = 400
EPC_LENGTH = 300


def folded(name: str) -> str:
    """A name as it is looked for: without case, blanks or differences in how it is encoded."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(plain.split())[:FOLDED_LENGTH]


def _folded_id(context: DefaultExecutionContext) -> str:
    return folded(context.get_current_parameters()["id"])  # type: ignore[no-untyped-call]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BigInteger, str: String(ID_LENGTH), dict[str, Any]: JSON}  # noqa: RUF012


class Tenant(Base):
    """A customer of the service; nothing of one is visible to another."""

    __tablename__ = "tenants"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    revision: Mapped[int] = mapped_column(default=0)  # grows with every change to its registry


class ApiKey(Base):
    """A key opens one tenant. Only its hash is kept."""

    __tablename__ = "api_keys"
    hash: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(String(200))
    writes: Mapped[bool] = mapped_column(default=False)
    created: Mapped[int]
    revoked: Mapped[int | None]


class Owned(Base):
    """A thing of a tenant's under the customer's own id."""

    __abstract__ = True
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)


def _within_tenant(column: str, table: str, **options: Any) -> ForeignKeyConstraint:
    """A foreign key that cannot point into another tenant."""
    return ForeignKeyConstraint(["tenant", column], [f"{table}.tenant", f"{table}.id"], **options)


class Party(Owned):
    """Who buys, sells or carries, the service they were promised, and their own limits."""

    __tablename__ = "parties"
    name: Mapped[str] = mapped_column(String(200))
    tier: Mapped[str] = mapped_column(default=Tier.STANDARD)
    email: Mapped[str | None] = mapped_column(String(200))
    webhook: Mapped[str | None] = mapped_column(String(500))
    temperature_min: Mapped[float | None]  # degC
    temperature_max: Mapped[float | None]
    humidity_min: Mapped[float | None]  # %RH
    humidity_max: Mapped[float | None]


class Site(Owned):
    __tablename__ = "sites"
    name: Mapped[str] = mapped_column(String(200))
    latitude: Mapped[float]
    longitude: Mapped[float]
    region: Mapped[str] = mapped_column(default=SiteRegion.TEMPERATE)
    timezone: Mapped[str]
    climate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # its normals


class Place(Owned):
    """Where goods stand: in a site, or, with no site, something that moves."""

    __tablename__ = "places"
    __table_args__ = (_within_tenant("site", "sites"), Index("ix_places_site", "tenant", "site"))
    site: Mapped[str | None]
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(String(200))


class Tag(Owned):
    __tablename__ = "tags"
    model: Mapped[str | None] = mapped_column(String(200))
    interval_s: Mapped[int] = mapped_column(default=3600)  # how often it measures


class Correction(Base):
    """What a calibration found: true = gain x raw + offset, from ``begins`` to the next one's."""

    __tablename__ = "corrections"
    __table_args__ = (_within_tenant("tag", "tags", ondelete="CASCADE"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[str] = mapped_column(primary_key=True)
    begins: Mapped[int] = mapped_column(primary_key=True)
    gain: Mapped[float] = mapped_column(default=1.0)
    offset: Mapped[float] = mapped_column(default=0.0)
    certificate: Mapped[str | None] = mapped_column(String(200))
    expires: Mapped[int | None]


class Lot(Owned):
    __tablename__ = "lots"
    __table_args__ = (
        _within_tenant("customer", "parties"),
        Index("ix_lots_folded", "tenant", "folded"),
        Index("ix_lots_customer", "tenant", "customer"),
    )
    folded: Mapped[str] = mapped_column(String(FOLDED_LENGTH), default=_folded_id)  # the id
    commodity: Mapped[str]
    form: Mapped[str]
    net_mass_kg: Mapped[float]
    packages: Mapped[int] = mapped_column(default=1)
    packaging: Mapped[str]
    weighed: Mapped[int | None]  # when the net mass was
    regain_pct: Mapped[float | None]  # by a core test
    cored: Mapped[int | None]
    contract_regain_pct: Mapped[float | None]  # a term of the contract: no default stands for all
    time_constant_h: Mapped[float | None]  # of the goods' temperature following the air's
    customer: Mapped[str | None]


class Reference(Base):
    """A name the trade has for a lot: lots are found by any of them."""

    __tablename__ = "lot_references"
    __table_args__ = (
        _within_tenant("lot", "lots", ondelete="CASCADE"),
        Index("ix_lot_references_value", "tenant", "folded"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)
    folded: Mapped[str] = mapped_column(String(FOLDED_LENGTH))  # the value, as it is looked for


class Binding(Owned):
    """A tag watches a lot or a place for a span of time."""

    __tablename__ = "bindings"
    __table_args__ = (
        _within_tenant("tag", "tags"),
        _within_tenant("lot", "lots"),
        _within_tenant("place", "places"),
        CheckConstraint("(lot is null) != (place is null)", name="lot_or_place"),
        CheckConstraint("ends is null or ends > begins", name="span"),
        Index("ix_bindings_tag", "tenant", "tag"),
        Index("ix_bindings_lot", "tenant", "lot"),
        Index("ix_bindings_place", "tenant", "place"),
    )
    tag: Mapped[str]
    lot: Mapped[str | None]
    place: Mapped[str | None]
    placement: Mapped[str] = mapped_column(default=Placement.AIR)
    begins: Mapped[int]
    ends: Mapped[int | None]


class Move(Base):
    """From ``at`` on the lot stands in ``place`` (null: nowhere known), until its next move."""

    __tablename__ = "moves"
    __table_args__ = (
        _within_tenant("lot", "lots", ondelete="CASCADE"),
        _within_tenant("place", "places"),
        Index("ix_moves_place", "tenant", "place"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str | None]


class Shipment(Owned):
    __tablename__ = "shipments"
    __table_args__ = (_within_tenant("customer", "parties"),)
    customer: Mapped[str | None]


class ShipmentLot(Base):
    __tablename__ = "shipment_lots"
    __table_args__ = (
        _within_tenant("shipment", "shipments", ondelete="CASCADE"),
        _within_tenant("lot", "lots"),
        Index("ix_shipment_lots_lot", "tenant", "lot"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    shipment: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)


class Leg(Base):
    """A stretch of a shipment: while it lasts, the shipment's lots stand in ``place``."""

    __tablename__ = "legs"
    __table_args__ = (
        _within_tenant("shipment", "shipments", ondelete="CASCADE"),
        _within_tenant("place", "places"),
        _within_tenant("origin", "sites"),
        _within_tenant("destination", "sites"),
        CheckConstraint("arrives > departs", name="span"),
        Index("ix_legs_place", "tenant", "place"),
    )
    tenant: Mapped[str] = mapped_column(primary_key=True)
    shipment: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    mode: Mapped[str]
    place: Mapped[str | None]  # the container or vehicle
    origin: Mapped[str | None]
    destination: Mapped[str | None]
    departs: Mapped[int]
    arrives: Mapped[int]
    offline: Mapped[bool] = mapped_column(default=False)  # no network on the way: silence is normal


class Hold(Owned):
    """Why a lot, a place or a shipment must not be opened or touched, and who may lift it."""

    __tablename__ = "holds"
    __table_args__ = (
        _within_tenant("lot", "lots"),
        _within_tenant("place", "places"),
        _within_tenant("shipment", "shipments"),
        CheckConstraint(
            "(case when lot is null then 0 else 1 end)"
            " + (case when place is null then 0 else 1 end)"
            " + (case when shipment is null then 0 else 1 end) = 1",
            name="one_subject",
        ),
        Index("ix_holds_lot", "tenant", "lot"),
        Index("ix_holds_place", "tenant", "place"),
        Index("ix_holds_shipment", "tenant", "shipment"),
    )
    kind: Mapped[str]
    lot: Mapped[str | None]
    place: Mapped[str | None]
    shipment: Mapped[str | None]
    begins: Mapped[int]
    ends: Mapped[int | None]
    lifted_by: Mapped[str | None] = mapped_column(String(200))  # who may lift it
    certificate: Mapped[str | None] = mapped_column(String(200))


class UnknownTag(Base):
    """A tag that reports and is not registered; its readings are kept until it is adopted."""

    __tablename__ = "unknown_tags"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    first_seen: Mapped[int]
    last_seen: Mapped[int]
    readings: Mapped[int] = mapped_column(default=0)
    last_values: Mapped[dict[str, Any]] = mapped_column(default=dict)


class DeadLetter(Base):
    """A message that could not be used, as it came, and why."""

    __tablename__ = "dead_letters"
    id: Mapped[str] = mapped_column(primary_key=True)  # journal id, offset and position: once each
    tenant: Mapped[str | None] = mapped_column(index=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(Text)
    received: Mapped[int] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))  # to replay it
    replayed: Mapped[int | None]  # when it was last sent round again; null: it has come back since


class Waiting(Base):
    """A message that a program of ours hands to the worker: the inbox. Gone once it has it."""

    __tablename__ = "inbox"
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    tenant: Mapped[str | None] = mapped_column(index=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    received: Mapped[int]
    readings: Mapped[int]  # how many are in it


class Sighted(Base):
    """An item seen by an antenna of a reader: a row for each minute in which it was."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_first", "tenant", "first"),
        Index("ix_sightings_epc", "tenant", "epc", "first"),
        Index("ix_sightings_reader", "tenant", "reader", "first"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)  # a hash of what, where and which minute
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    epc: Mapped[str] = mapped_column(String(EPC_LENGTH))
    reader: Mapped[str]
    antenna: Mapped[int]
    first: Mapped[int]
    last: Mapped[int]
    rssi: Mapped[float | None]  # dBm, the strongest


class FormatMemory(Base):
    """Something that a wire format must know of earlier messages to read later ones."""

    __tablename__ = "format_memory"
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


class TagSequence(Base):
    """Which readings of a tag have come, by the numbers that it gives them."""

    __tablename__ = "sequences"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    boot: Mapped[int]  # the one heard last
    low: Mapped[int]  # its lowest and its highest number
    high: Mapped[int]
    heard: Mapped[int] = mapped_column(index=True)
    # What is not there where there is none of it:
    # {"gaps": [[first, last, noticed], ...] between low and high,
    #  "former": [[boot, low, high, gaps], ...], "closed": [[boot, *gap, closed], ...]}
    more: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class FirstTimes(Base):
    """The times that readings were given at their first delivery, where another gives another."""

    __tablename__ = "first_times"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)  # used again in turn
    number: Mapped[int]  # of the newest reading in it, counted over the tag's life
    newest: Mapped[int]  # the time of that
    readings: Mapped[bytes] = mapped_column(LargeBinary)


class Cursor(Base):
    """How far a consumer of a journal has come."""

    __tablename__ = "cursors"
    name: Mapped[str] = mapped_column(primary_key=True)
    journal: Mapped[str]
    offset: Mapped[int]


class Refold(Base):
    """A lot whose dated facts changed: the rules fold it again from ``since``.

    Written with the change, in its transaction; gone once a snapshot covers what was done.
    """

    __tablename__ = "refolds"
    id: Mapped[str] = mapped_column(primary_key=True)  # random: requests do not collide
    tenant: Mapped[str]
    lot: Mapped[str]
    since: Mapped[int]


class StaleRollup(Base):
    """Rollups of a tag that are to be made, or made again: the steps from ``start`` to ``until``.

    ``mark`` grows each time that something new is known of them: who made them removes the row
    only if it is still the one that was made.
    """

    __tablename__ = "stale_rollups"
    __table_args__ = (Index("ix_stale_rollups_due", "step", "start"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)  # an hour or a day, ms
    start: Mapped[int] = mapped_column(primary_key=True)
    until: Mapped[int]  # the start of the last one; beyond all times: up to the present
    mark: Mapped[int] = mapped_column(default=1)


class LotNow(Base):
    """What the rules know of a lot now, for people to read."""

    __tablename__ = "lot_now"
    __table_args__ = (_within_tenant("lot", "lots", ondelete="CASCADE"),)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int]  # the lot's newest folded reading; 0: there is none
    status: Mapped[str]  # ok, at_risk, unknown
    why: Mapped[str | None] = mapped_column(Text)
    numbers: Mapped[dict[str, Any]]


class Alert(Base):
    """One rule firing for one lot, from ``opened`` to ``cleared``. ``severity``: where it stands,
    or stood at the end; what it says is of that."""

    __tablename__ = "alerts"
    id: Mapped[str] = mapped_column(primary_key=True)  # a hash of tenant, lot, rule and opened
    tenant: Mapped[str]
    lot: Mapped[str]
    rule: Mapped[str]
    severity: Mapped[str]
    opened: Mapped[int]
    cleared: Mapped[int | None]
    withdrawn: Mapped[int | None]  # when later facts showed that it never was
    revised: Mapped[bool] = mapped_column(default=False)  # later facts brought or changed it
    # [[from when, severity], ...], by time
    stages: Mapped[list[Any]] = mapped_column(JSON, server_default="[]")
    numbers: Mapped[dict[str, Any]]  # what made it so
    title: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    acknowledged: Mapped[int | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(200))
    done: Mapped[str | None] = mapped_column(String(200))  # what was, about it

    __table_args__ = (
        _within_tenant("lot", "lots", ondelete="CASCADE"),
        Index("ix_alerts_lot", "tenant", "lot", "opened"),
    )


STILL_OPEN = Alert.__table__.c.cleared.is_(None) & Alert.__table__.c.withdrawn.is_(None)
"""Which alerts are open: in queries, and in the index that allows one of a lot and rule."""

Index(
    "uq_alerts_open",
    Alert.__table__.c.tenant,
    Alert.__table__.c.lot,
    Alert.__table__.c.rule,
    unique=True,
    sqlite_where=STILL_OPEN,
    postgresql_where=STILL_OPEN,
)


class Forecast(Base):
    """What an alert foretold when it opened, as it was said, and what came of it."""

    __tablename__ = "forecasts"
    __table_args__ = (
        Index("ix_forecasts_lot", "tenant", "lot", "said"),
        Index("ix_forecasts_judged", "judged", "said"),
    )
    alert: Mapped[str] = mapped_column(
        ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True
    )
    tenant: Mapped[str]
    lot: Mapped[str]
    rule: Mapped[str]
    site: Mapped[str | None]  # where the lot was to come to
    timezone: Mapped[str]
    said: Mapped[int]
    begins: Mapped[int]  # most likely
    ends: Mapped[int]
    probability: Mapped[float]
    legs: Mapped[list[Any]] = mapped_column(JSON)  # of the lot, when it was said
    curve: Mapped[list[Any]] = mapped_column(JSON)  # [[hours after it was said, film g/m²], ...]
    revised: Mapped[int] = mapped_column(default=0)  # how often the record of its time was
    judged: Mapped[int | None]  # null: its time has not come, or the record was revised since
    outcome: Mapped[str | None]  # came, absent, changed, unknown
    came: Mapped[int | None]  # when it came
    prevented: Mapped[str | None] = mapped_column(Text)  # what the closing message said of that


class ServiceTask(Base):
    """What is to be done at a site by ``due``, before a season."""

    __tablename__ = "service_tasks"
    __table_args__ = (
        _within_tenant("site", "sites", ondelete="CASCADE"),
        Index("ix_service_tasks_site", "tenant", "site", "due"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)  # a hash of site, goods, hazard and begins
    tenant: Mapped[str]
    site: Mapped[str]
    commodity: Mapped[str]
    hazard: Mapped[str]
    begins: Mapped[int]  # the season
    ends: Mapped[int]
    due: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    guide: Mapped[str]
    made: Mapped[int]


class Outgoing(Base):
    """A message to somebody outside, written with the transition it tells of: the outbox."""

    __tablename__ = "outbox"
    id: Mapped[str] = mapped_column(primary_key=True)  # stable: the receiver can tell repeats
    tenant: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    channel: Mapped[str]
    recipient: Mapped[str] = mapped_column(String(500))
    payload: Mapped[dict[str, Any]]
    created: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt: Mapped[int]
    sent: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)


class PackVersion(Base):
    """Packs that were in force from ``taken`` on, to the next ones'."""

    __tablename__ = "pack_versions"
    taken: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    texts: Mapped[dict[str, Any]]  # by file name


class OperatorAlert(Base):
    """Something wrong with a worker itself, from ``opened`` to ``cleared``: for who runs it."""

    __tablename__ = "operator_alerts"
    id: Mapped[str] = mapped_column(primary_key=True)  # a hash of worker, name and opened
    name: Mapped[str]
    worker: Mapped[str] = mapped_column(String(200))  # its client_id
    opened: Mapped[int]
    cleared: Mapped[int | None]
    numbers: Mapped[dict[str, Any]]  # as they were last while it was open
    text: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    told_opened: Mapped[int | None]  # when the webhook took that it opened
    told_cleared: Mapped[int | None]


OPERATOR_ALERT_OPEN = OperatorAlert.__table__.c.cleared.is_(None)

Index(
    "uq_operator_alerts_open",
    OperatorAlert.__table__.c.worker,
    OperatorAlert.__table__.c.name,
    unique=True,
    sqlite_where=OPERATOR_ALERT_OPEN,
    postgresql_where=OPERATOR_ALERT_OPEN,
)
