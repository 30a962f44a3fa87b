"""Which numbers of each tag's sequence have come, and the times of what is delivered again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sequences",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("more", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "tag", name=op.f("pk_sequences")),
    )
    op.create_index(op.f("ix_sequences_heard"), "sequences", ["heard"], unique=False)
    op.create_table(
        "first_times",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("readings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tag", "slot", name=op.f("pk_first_times")),
    )


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
