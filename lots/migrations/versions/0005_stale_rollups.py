"""Hours and days whose rollups are to be made again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stale_rollups",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "tag", "step", "start", name=op.f("pk_stale_rollups")),
    )
    op.create_index("ix_stale_rollups_due", "stale_rollups", ["step", "start"], unique=False)
    # What was kept before there were rollups has none yet.
    op.execute(
        # By the hour, from 1970 until beyond all times, marked once.
        "insert into stale_rollups (tenant, tag, step, start, until, mark)"
        " select tenant, id, 3600000, 0, 4611686018427387904, 1 from tags"
        " union select tenant, tag, 3600000, 0, 4611686018427387904, 1 from unknown_tags"
    )


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
