"""Sightings of items by readers, and what waits to be taken in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant", sa.String(length=64), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("readings", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_tenant"), "inbox", ["tenant"], unique=False)
    op.create_table(
        "sightings",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("epc", sa.String(length=300), nullable=False),
        sa.Column("reader", sa.String(length=64), nullable=False),
        sa.Column("antenna", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("rssi", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenants.id"], name=op.f("fk_sightings_tenant_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sightings")),
    )
    op.create_index("ix_sightings_first", "sightings", ["tenant", "first"], unique=False)
    op.create_index("ix_sightings_epc", "sightings", ["tenant", "epc", "first"], unique=False)
    op.create_index("ix_sightings_reader", "sightings", ["tenant", "reader", "first"], unique=False)
    op.add_column(
        "dead_letters",
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("dead_letters", sa.Column("replayed", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
