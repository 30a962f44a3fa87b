"""Which packs were in force, from when on."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pack_versions",
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("taken", name=op.f("pk_pack_versions")),
    )


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
