"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("journal", sa.String(length=64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    op.create_index(op.f("ix_dead_letters_received"), "dead_letters", ["received"], unique=False)
    op.create_index(op.f("ix_dead_letters_tenant"), "dead_letters", ["tenant"], unique=False)
    op.create_table(
        "refolds",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refolds")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "unknown_tags",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("readings", sa.BigInteger(), nullable=False),
        sa.Column("last_values", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tag", name=op.f("pk_unknown_tags")),
    )
    op.create_table(
        "api_keys",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("writes", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.id"], name=op.f("fk_api_keys_tenant_tenants")
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=500), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_outbox_tenant_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "parties",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("tier", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("webhook", sa.String(length=500), nullable=True),
        sa.Column("temperature_min", sa.Double(), nullable=True),
        sa.Column("temperature_max", sa.Double(), nullable=True),
        sa.Column("humidity_min", sa.Double(), nullable=True),
        sa.Column("humidity_max", sa.Double(), nullable=True),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_parties_tenant_tenants")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_parties")),
    )
    op.create_table(
        "sites",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_sites_tenant_tenants")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_sites")),
    )
    op.create_table(
        "tags",
        sa.Column("model", sa.String(length=200), nullable=True),
        sa.Column("interval_s", sa.BigInteger(), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_tags_tenant_tenants")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_tags")),
    )
    op.create_table(
        "corrections",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.String(length=64), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("gain", sa.Double(), nullable=False),
        sa.Column("offset", sa.Double(), nullable=False),
        sa.Column("certificate", sa.String(length=200), nullable=True),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "tag"],
            ["tags.tenant", "tags.id"],
            name=op.f("fk_corrections_tenant_tag_tags"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "tag", "quantity", "begins", name=op.f("pk_corrections")),
    )
    op.create_table(
        "lots",
        sa.Column("folded", sa.String(length=400), nullable=False),
        sa.Column("commodity", sa.String(length=64), nullable=False),
        sa.Column("form", sa.String(length=64), nullable=False),
        sa.Column("net_mass_kg", sa.Double(), nullable=False),
        sa.Column("packages", sa.BigInteger(), nullable=False),
        sa.Column("packaging", sa.String(length=64), nullable=False),
        sa.Column("contract_regain_pct", sa.Double(), nullable=True),
        sa.Column("time_constant_h", sa.Double(), nullable=True),
        sa.Column("customer", sa.String(length=64), nullable=True),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "customer"],
            ["parties.tenant", "parties.id"],
            name=op.f("fk_lots_tenant_customer_parties"),
        ),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_lots_tenant_tenants")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_lots")),
    )
    op.create_index("ix_lots_customer", "lots", ["tenant", "customer"], unique=False)
    op.create_index("ix_lots_folded", "lots", ["tenant", "folded"], unique=False)
    op.create_table(
        "places",
        sa.Column("site", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "site"],
            ["sites.tenant", "sites.id"],
            name=op.f("fk_places_tenant_site_sites"),
        ),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_places_tenant_tenants")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_places")),
    )
    op.create_index("ix_places_site", "places", ["tenant", "site"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("customer", sa.String(length=64), nullable=True),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "customer"],
            ["parties.tenant", "parties.id"],
            name=op.f("fk_shipments_tenant_customer_parties"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.id"], name=op.f("fk_shipments_tenant_tenants")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_shipments")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.BigInteger(), nullable=True),
        sa.Column("revised", sa.Boolean(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "lot"],
            ["lots.tenant", "lots.id"],
            name=op.f("fk_alerts_tenant_lot_lots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_lot", "alerts", ["tenant", "lot", "opened"], unique=False)
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["tenant", "lot", "rule"],
        unique=True,
        sqlite_where=sa.text("cleared IS NULL AND withdrawn IS NULL"),
        postgresql_where=sa.text("cleared IS NULL AND withdrawn IS NULL"),
    )
    op.create_table(
        "bindings",
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=True),
        sa.Column("place", sa.String(length=64), nullable=True),
        sa.Column("placement", sa.String(length=64), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(lot is null) != (place is null)", name=op.f("ck_bindings_lot_or_place")
        ),
        sa.CheckConstraint("ends is null or ends > begins", name=op.f("ck_bindings_span")),
        sa.ForeignKeyConstraint(
            ["tenant", "lot"], ["lots.tenant", "lots.id"], name=op.f("fk_bindings_tenant_lot_lots")
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "place"],
            ["places.tenant", "places.id"],
            name=op.f("fk_bindings_tenant_place_places"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "tag"], ["tags.tenant", "tags.id"], name=op.f("fk_bindings_tenant_tag_tags")
        ),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.id"], name=op.f("fk_bindings_tenant_tenants")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_bindings")),
    )
    op.create_index("ix_bindings_lot", "bindings", ["tenant", "lot"], unique=False)
    op.create_index("ix_bindings_place", "bindings", ["tenant", "place"], unique=False)
    op.create_index("ix_bindings_tag", "bindings", ["tenant", "tag"], unique=False)
    op.create_table(
        "holds",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=True),
        sa.Column("place", sa.String(length=64), nullable=True),
        sa.Column("shipment", sa.String(length=64), nullable=True),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", sa.String(length=200), nullable=True),
        sa.Column("certificate", sa.String(length=200), nullable=True),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(case when lot is null then 0 else 1 end) + (case when place is null then 0 else 1 end) + (case when shipment is null then 0 else 1 end) = 1",  # noqa: E501
            name=op.f("ck_holds_one_subject"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "lot"], ["lots.tenant", "lots.id"], name=op.f("fk_holds_tenant_lot_lots")
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "place"],
            ["places.tenant", "places.id"],
            name=op.f("fk_holds_tenant_place_places"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "shipment"],
            ["shipments.tenant", "shipments.id"],
            name=op.f("fk_holds_tenant_shipment_shipments"),
        ),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_holds_tenant_tenants")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_lot", "holds", ["tenant", "lot"], unique=False)
    op.create_index("ix_holds_place", "holds", ["tenant", "place"], unique=False)
    op.create_index("ix_holds_shipment", "holds", ["tenant", "shipment"], unique=False)
    op.create_table(
        "legs",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("shipment", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=True),
        sa.Column("origin", sa.String(length=64), nullable=True),
        sa.Column("destination", sa.String(length=64), nullable=True),
        sa.Column("departs", sa.BigInteger(), nullable=False),
        sa.Column("arrives", sa.BigInteger(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.CheckConstraint("arrives > departs", name=op.f("ck_legs_span")),
        sa.ForeignKeyConstraint(
            ["tenant", "destination"],
            ["sites.tenant", "sites.id"],
            name=op.f("fk_legs_tenant_destination_sites"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "origin"],
            ["sites.tenant", "sites.id"],
            name=op.f("fk_legs_tenant_origin_sites"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "place"],
            ["places.tenant", "places.id"],
            name=op.f("fk_legs_tenant_place_places"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "shipment"],
            ["shipments.tenant", "shipments.id"],
            name=op.f("fk_legs_tenant_shipment_shipments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "shipment", "number", name=op.f("pk_legs")),
    )
    op.create_index("ix_legs_place", "legs", ["tenant", "place"], unique=False)
    op.create_table(
        "lot_now",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "lot"],
            ["lots.tenant", "lots.id"],
            name=op.f("fk_lot_now_tenant_lot_lots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "lot", name=op.f("pk_lot_now")),
    )
    op.create_table(
        "lot_references",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("folded", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "lot"],
            ["lots.tenant", "lots.id"],
            name=op.f("fk_lot_references_tenant_lot_lots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "lot", "kind", "value", name=op.f("pk_lot_references")),
    )
    op.create_index("ix_lot_references_value", "lot_references", ["tenant", "folded"], unique=False)
    op.create_table(
        "moves",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "lot"],
            ["lots.tenant", "lots.id"],
            name=op.f("fk_moves_tenant_lot_lots"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "place"],
            ["places.tenant", "places.id"],
            name=op.f("fk_moves_tenant_place_places"),
        ),
        sa.PrimaryKeyConstraint("tenant", "lot", "at", name=op.f("pk_moves")),
    )
    op.create_index("ix_moves_place", "moves", ["tenant", "place"], unique=False)
    op.create_table(
        "shipment_lots",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("shipment", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "lot"],
            ["lots.tenant", "lots.id"],
            name=op.f("fk_shipment_lots_tenant_lot_lots"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "shipment"],
            ["shipments.tenant", "shipments.id"],
            name=op.f("fk_shipment_lots_tenant_shipment_shipments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "shipment", "lot", name=op.f("pk_shipment_lots")),
    )
    op.create_index("ix_shipment_lots_lot", "shipment_lots", ["tenant", "lot"], unique=False)


def downgrade() -> None:
    """There is nothing before the first version."""
    raise NotImplementedError
